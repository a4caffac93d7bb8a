"""Maxima and minima of equal numbers: who gets the gradient."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def max_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    torch.max(x).backward()
    return x.grad


@native
def max_with_dim_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    torch.max(x, dim=0).values.backward()
    return x.grad


@native
def maximum_of_nan() -> object:
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(torch.nan, requires_grad=True)
    torch.maximum(a, b).backward()
    return [a.grad, b.grad]


@native
def cummax_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    torch.cummax(x, dim=0).values.sum().backward()
    return x.grad


@native
def segment_max_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    segments = torch.tensor([0, 0])
    start = torch.zeros(1)
    start.scatter_reduce(0, segments, x, "amax", include_self=False).sum().backward()
    return x.grad


@native
def max_pool_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    F.max_pool1d(x.reshape(1, 1, 2), kernel_size=2).sum().backward()
    return x.grad


@native
def topk_tie() -> object:
    x = torch.ones(2, requires_grad=True)
    torch.topk(x, 1).values.sum().backward()
    return x.grad


@native
def clip_min_above_max() -> object:
    x = torch.tensor(0.5, requires_grad=True)
    torch.clip(x, 1, 0).backward()
    return x.grad
