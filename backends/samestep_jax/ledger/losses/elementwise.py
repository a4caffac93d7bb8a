"""Losses of numbers: regression, likelihoods, binary targets."""

# optax is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jax.nn import log_sigmoid

from samestep.ledger.native import Native
from samestep_jax.ledger.losses.reduction import reduce

__all__ = ["ELEMENTWISE"]


def squared_error(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.squared_error(prediction, target), reduction)


def half_squared_error(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.l2_loss(prediction, target), reduction)


def absolute_error(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(jnp.abs(prediction - target), reduction)


def huber(prediction: Array, target: Array, *, delta: float, reduction: str) -> Array:
    return reduce(optax.losses.huber_loss(prediction, target, delta=delta), reduction)


def log_cosh(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.log_cosh(prediction, target), reduction)


def cosine_similarity(prediction: Array, target: Array, *, epsilon: float, reduction: str) -> Array:
    cosine = optax.losses.cosine_similarity(prediction, target, epsilon=epsilon)
    return reduce(cosine, reduction)


def cosine_distance(prediction: Array, target: Array, *, epsilon: float, reduction: str) -> Array:
    distance = optax.losses.cosine_distance(prediction, target, epsilon=epsilon)
    return reduce(distance, reduction)


def cosine_embedding(
    prediction: Array, other: Array, target: Array, *, margin: float, reduction: str
) -> Array:
    eps = float(np.float32(1e-12))
    squares = jnp.square(prediction).sum(-1) + eps, jnp.square(other).sum(-1) + eps
    cosine = (prediction * other).sum(-1) / jnp.sqrt(squares[0] * squares[1])
    return reduce(jnp.where(target == 1, 1 - cosine, jnp.maximum(cosine - margin, 0)), reduction)


def poisson(
    prediction: Array, target: Array, *, log_input: bool, full: bool, eps: float, reduction: str
) -> Array:
    if log_input:
        loss = jnp.exp(prediction) - target * prediction
    else:
        loss = prediction - target * jnp.log(prediction + eps)
    if full:
        y = jnp.where(target > 1, target, 1)
        stirling = y * jnp.log(y) - y + jnp.log(2 * jnp.pi * y) / 2
        loss += jnp.where(target > 1, stirling, 0)
    return reduce(loss, reduction)


def gaussian(
    prediction: Array, target: Array, variance: Array, *, full: bool, eps: float, reduction: str
) -> Array:
    # The clamp is not differentiated: variances below eps get the gradient of eps.
    v = variance + lax.stop_gradient(jnp.maximum(variance, eps) - variance)
    loss = (jnp.log(v) + (prediction - target) ** 2 / v) / 2
    return reduce(loss + jnp.log(2 * jnp.pi) / 2 if full else loss, reduction)


def sigmoid_bce(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.sigmoid_binary_cross_entropy(prediction, target), reduction)


def sigmoid_bce_weighted(
    prediction: Array, target: Array, factor: Array, *, reduction: str
) -> Array:
    loss = optax.losses.sigmoid_binary_cross_entropy(prediction, target)
    return reduce(factor * loss, reduction)


def sigmoid_bce_positives(
    prediction: Array, target: Array, *, pos_weight: float, reduction: str
) -> Array:
    positive, negative = log_sigmoid(prediction), log_sigmoid(-prediction)
    return reduce(-pos_weight * target * positive - (1 - target) * negative, reduction)


def focal(
    prediction: Array, target: Array, *, alpha: float | None, gamma: float, reduction: str
) -> Array:
    loss = optax.losses.sigmoid_focal_loss(prediction, target, alpha=alpha, gamma=gamma)
    return reduce(loss, reduction)


def sparsemax(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.sparsemax_loss(prediction, target), reduction)


_BCE = "optax.losses.sigmoid_binary_cross_entropy"

ELEMENTWISE: dict[str, Native] = {
    "squared-error": Native(call=squared_error, public="optax.losses.squared_error"),
    "half-squared-error": Native(call=half_squared_error, public="optax.losses.l2_loss"),
    "absolute-error": Native(call=absolute_error),
    "huber": Native(call=huber, public="optax.losses.huber_loss"),
    "smooth-l1": Native(call=huber, public="optax.losses.huber_loss", converted=True),
    "log-cosh": Native(call=log_cosh, public="optax.losses.log_cosh"),
    "cosine-similarity": Native(call=cosine_similarity, public="optax.losses.cosine_similarity"),
    "cosine-distance": Native(call=cosine_distance, public="optax.losses.cosine_distance"),
    "cosine-embedding": Native(call=cosine_embedding),
    "poisson-nll": Native(call=poisson),
    "gaussian-nll": Native(call=gaussian),
    "sigmoid-bce": Native(call=sigmoid_bce, public=_BCE),
    "sigmoid-bce-weighted": Native(call=sigmoid_bce_weighted, public=_BCE, converted=True),
    "sigmoid-bce-positives": Native(call=sigmoid_bce_positives),
    "bce": Native(call=sigmoid_bce, public=_BCE, converted=True),
    "soft-margin": Native(call=sigmoid_bce, public=_BCE, converted=True),
    "focal": Native(call=focal, public="optax.losses.sigmoid_focal_loss"),
    "sparsemax": Native(call=sparsemax, public="optax.losses.sparsemax_loss"),
}
