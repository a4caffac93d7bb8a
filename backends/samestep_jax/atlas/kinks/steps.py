"""Functions with jumps: constant, or linear, in between."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def sign_at_0() -> object:
    return jax.jit(jax.grad(jnp.sign))(0.0)


@native
def floor_at_integer() -> object:
    return jax.jit(jax.grad(jnp.floor))(1.0)


@native
def round_at_half() -> object:
    return jax.jit(jax.grad(jnp.round))(0.5)


@native
def remainder_in_divisor() -> object:
    return jax.jit(jax.grad(jnp.remainder, argnums=(0, 1)))(5.5, 2.0)


@native
def argmax_gradient() -> object:
    return jax.jit(jax.grad(lambda x: jnp.argmax(x).astype(jnp.float32)))(jnp.array([1.0, 2.0]))
