"""Smooth functions that are put together from kinks, and kinks differentiated twice."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def relu_minus_relu() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    (torch.relu(x) - torch.relu(-x)).backward()
    return x.grad


@native
def abs_second_derivative() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    (first,) = torch.autograd.grad(torch.abs(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return second


@native
def abs_squared_second_derivative() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    (first,) = torch.autograd.grad(torch.abs(x) ** 2, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return second


@native
def squared_norm_hessian() -> object:
    def squared(x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.vector_norm(x) ** 2

    return torch.autograd.functional.hessian(squared, torch.zeros(2))
