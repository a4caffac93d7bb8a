"""Order statistics: sort, median and quantile, at ties and at their nodes."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def sort_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    weights = torch.tensor([1.0, 2.0])
    (weights * torch.sort(x).values).sum().backward()
    return x.grad


@native
def median_of_four() -> object:
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    torch.median(x).backward()
    return x.grad


@native
def median_tie() -> object:
    x = torch.tensor([1.0, 1.0, 3.0], requires_grad=True)
    torch.median(x).backward()
    return x.grad


@native
def quantile_in_q() -> object:
    q = torch.tensor(0.5, requires_grad=True)
    torch.quantile(torch.tensor([1.0, 2.0, 4.0]), q).backward()
    return q.grad
