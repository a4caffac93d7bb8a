"""Losses at their joints, at certain predictions and at impossible classes."""

import jax
import jax.numpy as jnp
import optax

from samestep.probes import Natives

native = Natives()


@native
def smooth_l1_at_joint() -> object:
    def smooth_l1(r: jax.Array) -> jax.Array:
        return optax.losses.huber_loss(r, jnp.array(0.0), delta=0.5) / 0.5

    return jax.jit(jax.grad(smooth_l1))(0.5)


@native
def hinge_at_margin() -> object:
    return jax.jit(jax.grad(lambda x: optax.losses.hinge_loss(x, jnp.array(1.0))))(1.0)


@native
def cross_entropy_masked_class() -> object:
    def loss(logits: jax.Array) -> jax.Array:
        return optax.losses.softmax_cross_entropy_with_integer_labels(logits, jnp.array(1))

    return jax.jit(jax.grad(loss))(jnp.array([-jnp.inf, 0.0]))


@native
def cross_entropy_masked_one_hot() -> object:
    def entropy(logits: jax.Array) -> jax.Array:
        return optax.losses.softmax_cross_entropy(logits, jnp.array([0.0, 1.0]))

    loss, grad = jax.jit(jax.value_and_grad(entropy))(jnp.array([-jnp.inf, 0.0]))
    return {"loss": loss, "gradient": grad}


@native
def bce_certain_and_wrong() -> object:
    def loss(p: jax.Array, target: jax.Array) -> jax.Array:
        return -target * jnp.log(p) - (1 - target) * jnp.log1p(-p)

    return jax.jit(jax.grad(loss))(0.0, 1.0)


@native
def bce_certain_and_right() -> object:
    def loss(p: jax.Array, target: jax.Array) -> jax.Array:
        return -target * jnp.log(p) - (1 - target) * jnp.log1p(-p)

    return jax.jit(jax.grad(loss))(0.0, 0.0)


@native
def kl_of_zero_target() -> object:
    log_prediction = jnp.log(jnp.array([0.5, 0.5]))

    def divergence(target: jax.Array) -> jax.Array:
        return optax.losses.kl_divergence(log_prediction, target)

    return jax.jit(jax.grad(divergence))(jnp.array([0.0, 1.0]))


@native
def softmax_all_masked() -> object:
    return jax.jit(jax.grad(lambda x: jax.nn.softmax(x)[0]))(jnp.array([-jnp.inf, -jnp.inf]))
