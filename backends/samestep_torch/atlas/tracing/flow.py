"""Python's control flow on values that are being traced."""

import torch
from torch.func import grad, vmap

from samestep.probes import Natives

native = Natives()


@native
def if_under_grad() -> object:
    def f(x):
        return x if x > 0 else -x

    return grad(f)(torch.tensor(-2.0))


@native
def if_under_jit() -> object:
    @torch.compile(backend="eager")
    def f(x):
        if x > 0:
            return x + 0
        return -x

    return f(torch.tensor(-2.0))


@native
def if_under_vmap() -> object:
    def f(x):
        return x if x > 0 else -x

    return vmap(f)(torch.tensor([-2.0, 3.0]))


@native
def symbolic_trace_of_if() -> object:
    def f(x):
        return x if x > 0 else -x

    return torch.fx.symbolic_trace(f).code


@native
def loop_over_a_value() -> object:
    @torch.compile(backend="eager")
    def f(x, n):
        for _ in range(n):
            x = 2 * x
        return x

    return f(torch.tensor(1.0), 3)


@native
def boolean_mask() -> object:
    @torch.compile(backend="eager")
    def f(x):
        return x[x > 0]

    return f(torch.tensor([1.0, -2.0, 3.0]))


@native
def value_as_python_number() -> object:
    @torch.compile(backend="eager")
    def f(x):
        return 2 * float(x)

    return f(torch.tensor(2.0))


@native
def shape_in_control_flow() -> object:
    @torch.compile(backend="eager")
    def f(x):
        return x.sum() if len(x) == 3 else 10 * x.sum()

    return torch.stack([f(torch.ones(3)), f(torch.ones(2))])


@native
def assert_on_a_value() -> object:
    @torch.compile(backend="eager")
    def f(x):
        assert x > 0
        return x + 1

    return f(torch.tensor(1.0))
