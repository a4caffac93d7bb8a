"""Gradients that are kept in a slot of the parameter, against gradients that are returned."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def second_gradient() -> object:
    slope = jax.jit(jax.grad(lambda x: x * x))
    slope(3.0)
    return slope(3.0)


@native
def stale_gradient() -> object:
    jax.jit(jax.grad(lambda p, q: p * p + q * q))(3.0, 3.0)
    return jax.jit(jax.grad(lambda p, q: q * q))(3.0, 3.0)


@native
def gradient_of_an_intermediate() -> object:
    x = 2.0
    return jax.jit(jax.grad(lambda zero: (x * x + zero) ** 2))(0.0)


@native
def retained_gradient() -> object:
    def loss(zero: jax.Array, x: jax.Array) -> jax.Array:
        y = x * x + zero
        return y * y

    return jax.jit(jax.grad(loss))(0.0, 2.0)


@native
def scaled_parameter() -> object:
    w = 0.1 * jnp.ones(2)
    return jax.jit(jax.grad(jnp.sum))(w)


@native
def tied_weights() -> object:
    w = jnp.array(3.0)
    return jax.jit(jax.grad(lambda p: p["encoder"] * p["decoder"]))({"encoder": w, "decoder": w})
