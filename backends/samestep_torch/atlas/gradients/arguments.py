"""What one may differentiate with respect to: numbers, integers, dictionaries, which arguments."""

import math

import torch

from samestep.probes import Natives

native = Natives()


@native
def python_float() -> object:
    return torch.func.grad(lambda x: x * x)(3.0)


@native
def unmarked_input() -> object:
    x = torch.tensor(3.0)
    (x * x).backward()
    return x.grad


@native
def integer_input() -> object:
    x = torch.tensor(3, requires_grad=True)
    (x * x).backward()
    return x.grad


@native
def integer_beside_real() -> object:
    x = torch.tensor(2.0, requires_grad=True)
    n = torch.tensor(3)
    (x * n).backward()
    return n.grad


@native
def python_math() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    (x * math.exp(x)).backward()
    return x.grad


@native
def which_arguments() -> object:
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(3.0, requires_grad=True)
    (a * b).backward()
    return [a.grad, b.grad]


@native
def auxiliary_output() -> object:
    def loss_and_prediction(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        prediction = 2 * x
        return prediction * prediction, prediction

    x = torch.tensor(3.0, requires_grad=True)
    loss, _ = loss_and_prediction(x)
    loss.backward()
    return x.grad


@native
def dictionary_of_parameters() -> object:
    params = {"w": torch.tensor(3.0), "b": torch.tensor(1.0)}
    return torch.func.grad(lambda p: p["w"] * 2.0 + p["b"])(params)
