"""Activation functions at their joints."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def leaky_relu_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    F.leaky_relu(x, 0.1).backward()
    return x.grad


@native
def relu6_at_6() -> object:
    x = torch.tensor(6.0, requires_grad=True)
    F.relu6(x).backward()
    return x.grad


@native
def elu_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    F.elu(x, alpha=2.0).backward()
    return x.grad


@native
def hardtanh_at_bound() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    F.hardtanh(x).backward()
    return x.grad


@native
def hardswish_at_3() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    F.hardswish(x).backward()
    return x.grad


@native
def softplus_threshold() -> object:
    x = torch.tensor(21.0, dtype=torch.float64, requires_grad=True)
    F.softplus(x).backward()
    return 1 - x.grad


@native
def gelu_by_default() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    F.gelu(x).backward()
    return x.grad


@native
def softshrink_at_joint() -> object:
    x = torch.tensor(0.5, requires_grad=True)
    F.softshrink(x, 0.5).backward()
    return x.grad
