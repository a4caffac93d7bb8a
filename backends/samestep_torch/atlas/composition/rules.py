"""Custom rules, straight-through estimators and checkpoints."""

import numpy as np
import torch
from torch.autograd import forward_ad, function
from torch.utils.checkpoint import checkpoint

from samestep.probes import Natives

native = Natives()


@native
def wrong_rule_is_believed() -> object:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x**2

        @staticmethod
        def backward(ctx, g):
            return 7 * g

    x = torch.tensor(3.0, requires_grad=True)
    Square.apply(x).backward()
    return x.grad


@native
def reverse_rule_in_forward_mode() -> object:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        return forward_ad.unpack_dual(Square.apply(x)).tangent


@native
def second_derivative_of_a_rule() -> object:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return (7 + 0 * x) * g

    x = torch.tensor(3.0, requires_grad=True)
    (first,) = torch.autograd.grad(Square.apply(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return {"first": first, "second": second}


@native
def once_differentiable() -> object:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @function.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return torch.from_numpy(np.asarray(3 * x.numpy() ** 2)) * g

    x = torch.tensor(1.0, requires_grad=True)
    (first,) = torch.autograd.grad(Cube.apply(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return second


@native
def straight_through() -> object:
    x = torch.tensor(1.7, requires_grad=True)
    y = x + (torch.round(x) - x).detach()
    y.backward()
    return {"value": y, "gradient": x.grad}


@native
def gradient_reversal() -> object:
    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, g):
            return -g

    x = torch.tensor(2.0, requires_grad=True)
    (3 * Reverse.apply(x)).backward()
    return x.grad


@native
def checkpoint_calls() -> object:
    calls = 0

    def body(x):
        nonlocal calls
        calls += 1
        return torch.sin(x) ** 2

    x = torch.tensor(0.5, requires_grad=True)
    checkpoint(body, x, use_reentrant=False).backward()
    return {"gradient": x.grad, "calls": calls}
