"""Products with zeros, and reductions of one element or of none."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def prod_hessian_two_zeros() -> object:
    return torch.autograd.functional.hessian(torch.prod, torch.tensor([0.0, 0.0, 3.0]))


@native
def cumprod_with_zero() -> object:
    x = torch.tensor([2.0, 0.0, 3.0], requires_grad=True)
    torch.cumprod(x, dim=0).sum().backward()
    return x.grad


@native
def variance_of_one() -> object:
    x = torch.tensor([1.0], requires_grad=True)
    torch.var(x).backward()
    return x.grad


@native
def empty_reductions() -> object:
    x = torch.zeros(0)
    return {
        "logsumexp": torch.logsumexp(x, dim=0),
        "norm": torch.linalg.vector_norm(x),
        "prod": torch.prod(x),
        "sum": torch.sum(x),
    }


@native
def empty_mean() -> object:
    x = torch.zeros(0, requires_grad=True)
    mean = torch.mean(x)
    mean.backward()
    return {"value": mean, "gradient": x.grad}


@native
def empty_max() -> object:
    return torch.max(torch.zeros(0))


@native
def empty_median() -> object:
    return torch.median(torch.zeros(0))
