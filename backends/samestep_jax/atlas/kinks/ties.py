"""Maxima and minima of equal numbers: who gets the gradient."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def max_tie() -> object:
    return jax.jit(jax.grad(jnp.max))(jnp.ones(2))


@native
def max_with_dim_tie() -> object:
    return jax.jit(jax.grad(lambda x: jnp.max(x, axis=0)))(jnp.ones(2))


@native
def maximum_of_nan() -> object:
    return jax.jit(jax.grad(jnp.maximum, argnums=(0, 1)))(1.0, jnp.nan)


@native
def cummax_tie() -> object:
    return jax.jit(jax.grad(lambda x: jnp.sum(jax.lax.cummax(x))))(jnp.ones(2))


@native
def segment_max_tie() -> object:
    segments = jnp.array([0, 0])

    def total(x: jax.Array) -> jax.Array:
        return jnp.sum(jax.ops.segment_max(x, segments, num_segments=1))

    return jax.jit(jax.grad(total))(jnp.ones(2))


@native
def max_pool_tie() -> object:
    def pool(x: jax.Array) -> jax.Array:
        return jnp.sum(jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2,), (2,), "VALID"))

    return jax.jit(jax.grad(pool))(jnp.ones(2))


@native
def topk_tie() -> object:
    return jax.jit(jax.grad(lambda x: jnp.sum(jax.lax.top_k(x, 1)[0])))(jnp.ones(2))


@native
def clip_min_above_max() -> object:
    return jax.jit(jax.grad(lambda x: jnp.clip(x, 1, 0)))(0.5)
