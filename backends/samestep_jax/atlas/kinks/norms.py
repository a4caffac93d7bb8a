"""Norms and distances at their kinks, and divisions by them."""

import jax
import jax.numpy as jnp
import optax

from samestep.probes import Natives

native = Natives()


@native
def hypot_at_0() -> object:
    return jax.jit(jax.grad(jnp.hypot, argnums=(0, 1)))(0.0, 0.0)


@native
def norm_1_at_0() -> object:
    return jax.jit(jax.grad(lambda x: jnp.linalg.norm(x, ord=1)))(jnp.zeros(2))


@native
def norm_inf_at_0() -> object:
    return jax.jit(jax.grad(lambda x: jnp.linalg.norm(x, ord=jnp.inf)))(jnp.zeros(2))


@native
def norm_3_at_0() -> object:
    return jax.jit(jax.grad(lambda x: jnp.linalg.norm(x, ord=3)))(jnp.zeros(2))


@native
def nuclear_norm_rank_1() -> object:
    A = jnp.array([[1.0, 0.0], [0.0, 0.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.norm(A, ord="nuc")))(A)


@native
def matrix_norm_1_tie() -> object:
    A = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.norm(A, ord=1)))(A)


@native
def cosine_similarity_zero() -> object:
    y = jnp.array([1.0, 0.0])
    return jax.jit(jax.grad(lambda x: optax.losses.cosine_similarity(x, y)))(jnp.zeros(2))


@native
def normalize_zero() -> object:
    def first(x: jax.Array) -> jax.Array:
        return (x / jnp.maximum(jnp.linalg.norm(x), 1e-12))[0]

    return jax.jit(jax.grad(first))(jnp.zeros(2))


@native
def distance_of_equal_points() -> object:
    return jax.jit(jax.grad(lambda x: jnp.linalg.norm(x - jnp.ones(2))))(jnp.ones(2))
