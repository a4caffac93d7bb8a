"""Complex numbers: the frameworks' gradients are conjugates of each other."""

import torch
from torch.autograd import forward_ad

from samestep.probes import Natives

native = Natives()


@native
def complex_gradient() -> object:
    z = torch.tensor(3 + 4j, requires_grad=True)
    (z.real**2 + z.imag**2).backward()
    return z.grad


@native
def complex_descent() -> object:
    z = torch.tensor(3 + 4j, requires_grad=True)
    optimizer = torch.optim.SGD([z], lr=0.5)
    (z.real**2 + z.imag**2).backward()
    optimizer.step()
    return z.detach()


@native
def complex_loss() -> object:
    z = torch.tensor(1 + 1j, requires_grad=True)
    (z * z).backward()
    return z.grad


@native
def holomorphic_derivative() -> object:
    z = torch.tensor(1 + 1j, requires_grad=True)
    (z * z).backward(torch.tensor(1 + 0j))
    return z.grad


@native
def holomorphic_forward() -> object:
    with forward_ad.dual_level():
        z = forward_ad.make_dual(torch.tensor(1 + 1j), torch.tensor(1 + 0j))
        return forward_ad.unpack_dual(z * z).tangent


@native
def real_to_complex() -> object:
    x = torch.tensor(0.5, requires_grad=True)
    torch.exp(1j * x).backward(torch.tensor(1j))
    return x.grad


@native
def real_loss_of_complex() -> object:
    x = torch.tensor(0.5, requires_grad=True)
    (torch.exp(1j * x) - 1).abs().square().backward()
    return x.grad
