"""Python's control flow on values that are being traced."""

import jax
import jax.numpy as jnp
from jax import grad, jit, vmap

from samestep.probes import Natives

native = Natives()


@native
def if_under_grad() -> object:
    def f(x):
        return x if x > 0 else -x

    return grad(f)(-2.0)


@native
def if_under_jit() -> object:
    @jit
    def f(x):
        if x > 0:
            return x + 0
        return -x

    return f(-2.0)


@native
def if_under_vmap() -> object:
    def f(x):
        return x if x > 0 else -x

    return vmap(f)(jnp.array([-2.0, 3.0]))


@native
def symbolic_trace_of_if() -> object:
    def f(x):
        return x if x > 0 else -x

    return str(jax.make_jaxpr(f)(1.0))


@native
def loop_over_a_value() -> object:
    @jit
    def f(x, n):
        for _ in range(n):
            x = 2 * x
        return x

    return f(1.0, 3)


@native
def boolean_mask() -> object:
    @jit
    def f(x):
        return x[x > 0]

    return f(jnp.array([1.0, -2.0, 3.0]))


@native
def value_as_python_number() -> object:
    @jit
    def f(x):
        return 2 * float(x)

    return f(2.0)


@native
def shape_in_control_flow() -> object:
    @jit
    def f(x):
        return x.sum() if len(x) == 3 else 10 * x.sum()

    return jnp.stack([f(jnp.ones(3)), f(jnp.ones(2))])


@native
def assert_on_a_value() -> object:
    @jit
    def f(x):
        assert x > 0
        return x + 1

    return f(1.0)
