"""Losses: shapes that broadcast, labels out of range, and how much is averaged."""

import jax
import jax.numpy as jnp
import optax

from samestep.probes import Natives

native = Natives()


@native
def broadcast_in_shipped_loss() -> object:
    prediction = jnp.array([[1.0], [2.0], [3.0]])
    return optax.losses.squared_error(prediction, jnp.array([1.0, 2.0, 3.0])).mean()


@native
def label_too_large() -> object:
    loss = jax.jit(optax.losses.softmax_cross_entropy_with_integer_labels)
    return loss(jnp.zeros((1, 3)), jnp.array([3])).mean()


@native
def label_minus_one() -> object:
    loss = jax.jit(optax.losses.softmax_cross_entropy_with_integer_labels)
    return loss(jnp.array([[0.0, 1.0, 2.0]]), jnp.array([-1])).mean()


@native
def label_to_ignore() -> object:
    loss = jax.jit(optax.losses.softmax_cross_entropy_with_integer_labels)
    return loss(jnp.zeros((2, 3)), jnp.array([0, -100])).mean()


@native
def plus_minus_one_labels() -> object:
    return jax.jit(optax.losses.sigmoid_binary_cross_entropy)(jnp.array(2.0), jnp.array(-1.0))


@native
def squared_error_reduction() -> object:
    return optax.losses.squared_error(jnp.array([1.0, 3.0]), jnp.zeros(2))


@native
def kl_divergence_reduction() -> object:
    p = jnp.array([[0.25, 0.75]])
    q = jnp.array([[0.5, 0.5]])
    return jax.jit(optax.losses.kl_divergence)(jnp.log(q), p).mean()
