"""Loops, branches and solves."""

import jax.numpy as jnp
from jax import grad, jit, jvp, lax, vmap

from samestep.probes import Natives

native = Natives()


@native
def while_loop_reverse() -> object:
    def f(x):
        return lax.while_loop(lambda x: x < 100, lambda x: 2 * x, x)

    return grad(f)(3.0)


@native
def while_loop_forward() -> object:
    def f(x):
        return lax.while_loop(lambda x: x < 100, lambda x: 2 * x, x)

    return jit(lambda x: jvp(f, (x,), (1.0,))[1])(3.0)


@native
def loop_of_known_length() -> object:
    def f(x):
        return lax.fori_loop(0, 5, lambda _, x: 2 * x, x)

    return jit(grad(f))(3.0)


@native
def scan_gradient() -> object:
    def f(xs):
        product, _ = lax.scan(lambda product, x: (product * x, None), 1.0, xs)
        return product

    return jit(grad(f))(jnp.array([2.0, 3.0, 4.0]))


@native
def branch_not_taken() -> object:
    def f(x):
        return lax.cond(x > 1, jnp.sqrt, lambda x: 0 * x, x)

    return jit(grad(f))(0.0)


@native
def branch_under_vmap() -> object:
    def f(x):
        return lax.cond(x > 1, jnp.sqrt, lambda x: 0 * x, x)

    return jit(vmap(grad(f)))(jnp.array([0.0, 4.0]))


@native
def linear_solve() -> object:
    def total(A, b):
        return jnp.linalg.solve(A, b).sum()

    A, b = jnp.diag(jnp.array([2.0, 4.0])), jnp.array([2.0, 4.0])
    of_A, of_b = jit(grad(total, argnums=(0, 1)))(A, b)
    return {"b": of_b, "A": of_A}


@native
def fixed_point_unrolled() -> object:
    def fixed_point(a):
        return lax.fori_loop(0, 60, lambda _, x: jnp.cos(a * x), 0.7)

    return jit(grad(fixed_point))(1.0)


@native
def early_stop_is_not_differentiated() -> object:
    def f(x):
        def body(state):
            x, count = state
            return 2 * x, count + 1

        x, count = lax.while_loop(lambda state: state[0] < 100, body, (x, 0))
        return x + count

    return jit(lambda x: jvp(f, (x,), (1.0,))[1])(3.0)
