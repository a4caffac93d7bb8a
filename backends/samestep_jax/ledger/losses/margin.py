"""Losses with a margin."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jax import Array
from jax.nn import one_hot

from samestep.ledger.native import Lookalike, Native
from samestep_jax.ledger.losses.reduction import reduce

__all__ = ["MARGIN"]


def hinge(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.hinge_loss(prediction, target), reduction)


def hinge_of_distance(prediction: Array, target: Array, *, margin: float, reduction: str) -> Array:
    return reduce(optax.losses.hinge_loss(prediction, target), reduction)


def perceptron(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.perceptron_loss(prediction, target), reduction)


def hinge_embedding(prediction: Array, target: Array, *, margin: float, reduction: str) -> Array:
    loss = jnp.where(target == 1, prediction, jnp.maximum(margin - prediction, 0))
    return reduce(loss, reduction)


def multi_margin(
    prediction: Array, target: Array, weight: Array, *, p: int, margin: float, reduction: str
) -> Array:
    own = jnp.take_along_axis(prediction, target[:, None], axis=1)
    others = 1 - one_hot(target, prediction.shape[-1])
    over = jnp.maximum(margin - own + prediction, 0) ** p * others
    return reduce(weight[target] * over.mean(-1), reduction)


def worst_margin(
    prediction: Array, target: Array, weight: Array, *, p: int, margin: float, reduction: str
) -> Array:
    loss = optax.losses.multiclass_hinge_loss(prediction, target)
    return reduce(weight[target] * loss, reduction)


def multiclass_hinge(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.multiclass_hinge_loss(prediction, target), reduction)


def multiclass_perceptron(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.multiclass_perceptron_loss(prediction, target), reduction)


def multilabel_margin(prediction: Array, target: Array, *, reduction: str) -> Array:
    listed = jnp.cumprod(target >= 0, axis=-1)[..., None] * one_hot(target, target.shape[-1])
    own = listed.sum(1)
    gaps = jnp.maximum(1 - prediction[:, :, None] + prediction[:, None, :], 0)
    gaps = gaps * own[:, :, None] * (1 - own)[:, None, :]
    return reduce(gaps.sum((1, 2)) / target.shape[-1], reduction)


def sigmoid_bce(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.sigmoid_binary_cross_entropy(prediction, target), reduction)


MARGIN: dict[str, Native] = {
    "hinge": Native(call=hinge, public="optax.losses.hinge_loss"),
    "perceptron": Native(call=perceptron, public="optax.losses.perceptron_loss"),
    "margin-ranking": Native(call=hinge, public="optax.losses.hinge_loss", converted=True),
    "hinge-embedding": Native(
        call=hinge_embedding, lookalike=Lookalike("optax.losses.hinge_loss", hinge_of_distance)
    ),
    "multi-margin": Native(
        call=multi_margin, lookalike=Lookalike("optax.losses.multiclass_hinge_loss", worst_margin)
    ),
    "multiclass-hinge": Native(call=multiclass_hinge, public="optax.losses.multiclass_hinge_loss"),
    "multiclass-perceptron": Native(
        call=multiclass_perceptron, public="optax.losses.multiclass_perceptron_loss"
    ),
    "multilabel-margin": Native(call=multilabel_margin),
    "multilabel-soft-margin": Native(
        call=sigmoid_bce, public="optax.losses.sigmoid_binary_cross_entropy", converted=True
    ),
}
