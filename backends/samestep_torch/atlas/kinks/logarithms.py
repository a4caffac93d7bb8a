"""Logarithms of zero, and exponentials that overflow."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def xlogy_at_0_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    y = torch.tensor(0.0, requires_grad=True)
    torch.xlogy(x, y).backward()
    return [x.grad, y.grad]


@native
def entr_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    torch.special.entr(x).backward()
    return x.grad
