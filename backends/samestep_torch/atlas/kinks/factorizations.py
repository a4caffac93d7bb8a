"""Cholesky, eigenvalue and singular value decompositions where they are not unique."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def cholesky_symmetry() -> object:
    A = torch.tensor([[4.0, 2.0], [2.0, 3.0]], requires_grad=True)
    torch.linalg.cholesky(A)[1, 0].backward()
    return A.grad


@native
def cholesky_of_nonsymmetric() -> object:
    A = torch.tensor([[4.0, 0.0], [2.0, 3.0]], requires_grad=True)
    value = torch.linalg.cholesky(A)[1, 0]
    value.backward()
    return {"value": value, "gradient": A.grad}


@native
def cholesky_forward_reverse() -> object:
    def below(A: torch.Tensor) -> torch.Tensor:
        return torch.linalg.cholesky(A)[1, 0]

    A = torch.tensor([[4.0, 2.0], [2.0, 3.0]])
    return {"forward": torch.func.jacfwd(below)(A), "reverse": torch.func.jacrev(below)(A)}


@native
def cholesky_indefinite() -> object:
    A = torch.tensor([[1.0, 2.0], [2.0, 1.0]], requires_grad=True)
    torch.linalg.cholesky(A)[1, 1].backward()
    return A.grad


@native
def eigvalsh_equal() -> object:
    A = torch.eye(2, requires_grad=True)
    torch.linalg.eigvalsh(A)[1].backward()
    return A.grad


@native
def eigvalsh_second_derivative() -> object:
    t = torch.tensor(0.0, requires_grad=True)
    one = torch.tensor(1.0)
    A = torch.stack([one, t, t, one]).reshape(2, 2)
    total = torch.linalg.eigvalsh(A).square().sum()
    (first,) = torch.autograd.grad(total, t, create_graph=True)
    (second,) = torch.autograd.grad(first, t)
    return second


@native
def eigh_matrix_function() -> object:
    A = torch.eye(2, requires_grad=True)
    w, V = torch.linalg.eigh(A)
    (V @ torch.diag(torch.exp(w)) @ V.T)[0, 0].backward()
    return A.grad


@native
def svd_recomposed() -> object:
    A = torch.eye(2, requires_grad=True)
    U, S, Vh = torch.linalg.svd(A)
    (U @ torch.diag(S) @ Vh)[0, 0].backward()
    return A.grad
