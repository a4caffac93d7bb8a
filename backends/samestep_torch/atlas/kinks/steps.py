"""Functions with jumps: constant, or linear, in between."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def sign_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    torch.sign(x).backward()
    return x.grad


@native
def floor_at_integer() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    torch.floor(x).backward()
    return x.grad


@native
def round_at_half() -> object:
    x = torch.tensor(0.5, requires_grad=True)
    torch.round(x).backward()
    return x.grad


@native
def remainder_in_divisor() -> object:
    a = torch.tensor(5.5, requires_grad=True)
    b = torch.tensor(2.0, requires_grad=True)
    torch.remainder(a, b).backward()
    return [a.grad, b.grad]


@native
def argmax_gradient() -> object:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    torch.argmax(x).to(torch.float32).backward()
    return x.grad
