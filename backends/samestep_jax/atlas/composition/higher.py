"""Derivatives of derivatives."""

import jax
import jax.numpy as jnp
from jax import grad, hessian, jacfwd, jacrev, jit, jvp

from samestep.probes import Natives

native = Natives()


@native
def second_derivative() -> object:
    return jit(grad(grad(lambda x: x**3)))(2.0)


@native
def second_derivative_unrecorded() -> object:
    first = jit(grad(lambda x: x**3))
    return jit(grad(first))(2.0)


@native
def third_derivative() -> object:
    return jit(grad(grad(grad(jnp.sin))))(0.5)


@native
def hessian_four_ways() -> object:
    def f(x):
        return (x**3).sum() + x[0] * x[1]

    @jit
    def all_four(x):
        return {
            "hessian": hessian(f)(x),
            "forward over reverse": jacfwd(jacrev(f))(x),
            "reverse over reverse": jacrev(jacrev(f))(x),
            "reverse over forward": jacrev(jacfwd(f))(x),
        }

    return all_four(jnp.array([1.0, 2.0]))


@native
def hessian_vector_product_four_ways() -> object:
    def f(x):
        return (x**3).sum() + x[0] * x[1]

    @jit
    def all_four(x, v):
        return {
            "forward over reverse": jvp(grad(f), (x,), (v,))[1],
            "reverse over reverse": grad(lambda x: grad(f)(x) @ v)(x),
            "reverse over forward": grad(lambda x: jvp(f, (x,), (v,))[1])(x),
            "the whole Hessian": hessian(f)(x) @ v,
        }

    return all_four(jnp.array([1.0, 2.0]), jnp.array([1.0, 2.0]))


@native
def mixed_partials() -> object:
    def f(x, y):
        return x**2 * y**3

    return {
        "x, then y": jit(grad(grad(f, argnums=0), argnums=1))(1.0, 2.0),
        "y, then x": jit(grad(grad(f, argnums=1), argnums=0))(1.0, 2.0),
    }


@native
def second_derivative_relu() -> object:
    second = jit(grad(grad(jax.nn.relu)))
    return [second(x) for x in (-1.0, 0.0, 1.0)]


@native
def gradient_penalty() -> object:
    def penalty(w, x):
        slope = grad(lambda x: w * x**2)(x)
        return slope**2

    return jit(grad(penalty))(3.0, 1.0)


@native
def second_order_stop_gradient() -> object:
    def f(x):
        return x * jax.lax.stop_gradient(x)

    return {"first": jit(grad(f))(3.0), "second": jit(grad(grad(f)))(3.0)}
