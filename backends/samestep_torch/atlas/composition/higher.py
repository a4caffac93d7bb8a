"""Derivatives of derivatives."""

import torch
from torch.func import grad, hessian, jacfwd, jacrev, jvp

from samestep.probes import Natives

native = Natives()


@native
def second_derivative() -> object:
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**3, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return second


@native
def second_derivative_unrecorded() -> object:
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**3, x)
    (second,) = torch.autograd.grad(first, x)
    return second


@native
def third_derivative() -> object:
    return grad(grad(grad(torch.sin)))(torch.tensor(0.5))


@native
def hessian_four_ways() -> object:
    def f(x):
        return (x**3).sum() + x[0] * x[1]

    x = torch.tensor([1.0, 2.0])
    return {
        "hessian": hessian(f)(x),
        "forward over reverse": jacfwd(jacrev(f))(x),
        "reverse over reverse": jacrev(jacrev(f))(x),
        "reverse over forward": jacrev(jacfwd(f))(x),
    }


@native
def hessian_vector_product_four_ways() -> object:
    def f(x):
        return (x**3).sum() + x[0] * x[1]

    x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])
    return {
        "forward over reverse": jvp(grad(f), (x,), (v,))[1],
        "reverse over reverse": grad(lambda x: grad(f)(x) @ v)(x),
        "reverse over forward": grad(lambda x: jvp(f, (x,), (v,))[1])(x),
        "the whole Hessian": hessian(f)(x) @ v,
    }


@native
def mixed_partials() -> object:
    def f(x, y):
        return x**2 * y**3

    x, y = torch.tensor(1.0), torch.tensor(2.0)
    return {
        "x, then y": grad(grad(f, argnums=0), argnums=1)(x, y),
        "y, then x": grad(grad(f, argnums=1), argnums=0)(x, y),
    }


@native
def second_derivative_relu() -> object:
    second = grad(grad(torch.relu))
    return [second(torch.tensor(x)) for x in (-1.0, 0.0, 1.0)]


@native
def gradient_penalty() -> object:
    w = torch.tensor(3.0, requires_grad=True)
    x = torch.tensor(1.0, requires_grad=True)
    (slope,) = torch.autograd.grad(w * x**2, x, create_graph=True)
    (slope**2).backward()
    return w.grad


@native
def second_order_stop_gradient() -> object:
    def f(x):
        return x * x.detach()

    x = torch.tensor(3.0)
    return {"first": grad(f)(x), "second": grad(grad(f))(x)}
