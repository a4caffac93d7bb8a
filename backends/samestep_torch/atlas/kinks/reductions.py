"""Reductions at points where their formula divides by zero or subtracts infinities."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def prod_with_zero() -> object:
    x = torch.tensor([0.0, 2.0, 3.0], requires_grad=True)
    torch.prod(x).backward()
    return x.grad


@native
def std_of_constant() -> object:
    x = torch.ones(2, requires_grad=True)
    torch.std(x, correction=0).backward()
    return x.grad


@native
def logsumexp_one_inf() -> object:
    x = torch.tensor([-torch.inf, 0.0], requires_grad=True)
    torch.logsumexp(x, dim=0).backward()
    return x.grad


@native
def logsumexp_all_inf() -> object:
    x = torch.tensor([-torch.inf, -torch.inf], requires_grad=True)
    torch.logsumexp(x, dim=0).backward()
    return x.grad
