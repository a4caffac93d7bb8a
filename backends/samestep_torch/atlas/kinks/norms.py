"""Norms and distances at their kinks, and divisions by them."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def hypot_at_0() -> object:
    a = torch.tensor(0.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    torch.hypot(a, b).backward()
    return [a.grad, b.grad]


@native
def norm_1_at_0() -> object:
    x = torch.zeros(2, requires_grad=True)
    torch.linalg.vector_norm(x, ord=1).backward()
    return x.grad


@native
def norm_inf_at_0() -> object:
    x = torch.zeros(2, requires_grad=True)
    torch.linalg.vector_norm(x, ord=torch.inf).backward()
    return x.grad


@native
def norm_3_at_0() -> object:
    x = torch.zeros(2, requires_grad=True)
    torch.linalg.vector_norm(x, ord=3).backward()
    return x.grad


@native
def nuclear_norm_rank_1() -> object:
    A = torch.diag(torch.tensor([1.0, 0.0])).requires_grad_()
    torch.linalg.matrix_norm(A, ord="nuc").backward()
    return A.grad


@native
def matrix_norm_1_tie() -> object:
    A = torch.eye(2, requires_grad=True)
    torch.linalg.matrix_norm(A, ord=1).backward()
    return A.grad


@native
def cosine_similarity_zero() -> object:
    x = torch.zeros(2, requires_grad=True)
    F.cosine_similarity(x, torch.tensor([1.0, 0.0]), dim=0).backward()
    return x.grad


@native
def normalize_zero() -> object:
    x = torch.zeros(2, requires_grad=True)
    F.normalize(x, dim=0)[0].backward()
    return x.grad


@native
def distance_of_equal_points() -> object:
    x = torch.ones(2, requires_grad=True)
    F.pairwise_distance(x, torch.ones(2)).backward()
    return x.grad
