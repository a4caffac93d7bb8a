"""Powers of zero and of negative numbers."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def square_third_derivative() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**2.0, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True)
    (third,) = torch.autograd.grad(second, x)
    return third
