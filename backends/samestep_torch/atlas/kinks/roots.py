"""Roots, norms and powers where the radicand or the base is 0."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def norm_at_0() -> object:
    x = torch.zeros(2, requires_grad=True)
    torch.linalg.vector_norm(x).backward()
    return x.grad
