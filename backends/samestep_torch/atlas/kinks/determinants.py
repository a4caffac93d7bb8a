"""Determinants and inverses of singular matrices."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def det_of_singular() -> object:
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    torch.linalg.det(A).backward()
    return A.grad


@native
def det_to_be_differentiated_again() -> object:
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    (grad,) = torch.autograd.grad(torch.linalg.det(A), A, create_graph=True)
    return grad


@native
def slogdet_of_singular() -> object:
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    torch.linalg.slogdet(A).logabsdet.backward()
    return A.grad


@native
def inverse_of_singular() -> object:
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    torch.linalg.inv(A)[0, 0].backward()
    return A.grad
