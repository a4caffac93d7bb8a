"""Loops, branches and solves."""

import torch
from torch.func import grad, jvp, vmap

from samestep.probes import Natives

native = Natives()


@native
def while_loop_reverse() -> object:
    def f(x):
        while x < 100:
            x = 2 * x
        return x

    x = torch.tensor(3.0, requires_grad=True)
    f(x).backward()
    return x.grad


@native
def while_loop_forward() -> object:
    def f(x):
        while x < 100:
            x = 2 * x
        return x

    return jvp(f, (torch.tensor(3.0),), (torch.tensor(1.0),))[1]


@native
def loop_of_known_length() -> object:
    def f(x):
        for _ in range(5):
            x = 2 * x
        return x

    return grad(f)(torch.tensor(3.0))


@native
def scan_gradient() -> object:
    def f(xs):
        product = torch.tensor(1.0)
        for x in xs:
            product = product * x
        return product

    return grad(f)(torch.tensor([2.0, 3.0, 4.0]))


@native
def branch_not_taken() -> object:
    def f(x):
        return torch.sqrt(x) if x > 1 else 0 * x

    return grad(f)(torch.tensor(0.0))


@native
def branch_under_vmap() -> object:
    def f(x):
        return torch.sqrt(x) if x > 1 else 0 * x

    return vmap(grad(f))(torch.tensor([0.0, 4.0]))


@native
def linear_solve() -> object:
    A = torch.diag(torch.tensor([2.0, 4.0])).requires_grad_()
    b = torch.tensor([2.0, 4.0], requires_grad=True)
    torch.linalg.solve(A, b).sum().backward()
    return {"b": b.grad, "A": A.grad}


@native
def fixed_point_unrolled() -> object:
    def fixed_point(a):
        x = torch.tensor(0.7)
        for _ in range(60):
            x = torch.cos(a * x)
        return x

    return grad(fixed_point)(torch.tensor(1.0))


@native
def early_stop_is_not_differentiated() -> object:
    def f(x):
        count = 0
        while x < 100:
            x, count = 2 * x, count + 1
        return x + count

    return grad(f)(torch.tensor(3.0))
