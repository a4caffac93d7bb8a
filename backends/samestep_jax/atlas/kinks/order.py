"""Order statistics: sort, median and quantile, at ties and at their nodes."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def sort_tie() -> object:
    weights = jnp.array([1.0, 2.0])
    return jax.jit(jax.grad(lambda x: jnp.sum(weights * jnp.sort(x))))(jnp.ones(2))


@native
def median_of_four() -> object:
    return jax.jit(jax.grad(jnp.median))(jnp.array([1.0, 2.0, 3.0, 4.0]))


@native
def median_tie() -> object:
    return jax.jit(jax.grad(jnp.median))(jnp.array([1.0, 1.0, 3.0]))


@native
def quantile_in_q() -> object:
    x = jnp.array([1.0, 2.0, 4.0])
    return jax.jit(jax.grad(lambda q: jnp.quantile(x, q)))(0.5)
