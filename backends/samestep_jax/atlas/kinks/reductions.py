"""Reductions at points where their formula divides by zero or subtracts infinities."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def prod_with_zero() -> object:
    return jax.jit(jax.grad(jnp.prod))(jnp.array([0.0, 2.0, 3.0]))


@native
def std_of_constant() -> object:
    return jax.jit(jax.grad(jnp.std))(jnp.ones(2))


@native
def logsumexp_one_inf() -> object:
    return jax.jit(jax.grad(jax.nn.logsumexp))(jnp.array([-jnp.inf, 0.0]))


@native
def logsumexp_all_inf() -> object:
    return jax.jit(jax.grad(jax.nn.logsumexp))(jnp.array([-jnp.inf, -jnp.inf]))
