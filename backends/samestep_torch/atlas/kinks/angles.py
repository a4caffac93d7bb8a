"""Angles and moduli, of points in the plane and of complex numbers."""

import math

import torch

from samestep.probes import Natives

native = Natives()


@native
def atan2_at_origin() -> object:
    y = torch.tensor(0.0, requires_grad=True)
    x = torch.tensor(0.0, requires_grad=True)
    torch.atan2(y, x).backward()
    return [y.grad, x.grad]


@native
def arccos_at_1() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    torch.arccos(x).backward()
    return x.grad


@native
def tan_next_to_pole() -> object:
    x = torch.tensor(math.pi / 2, requires_grad=True)
    torch.tan(x).backward()
    return x.grad


@native
def complex_abs_at_0() -> object:
    z = torch.tensor(0j, requires_grad=True)
    torch.abs(z).backward()
    return [z.grad.real, z.grad.imag]


@native
def complex_angle_at_0() -> object:
    z = torch.tensor(0j, requires_grad=True)
    torch.angle(z).backward()
    return [z.grad.real, z.grad.imag]
