"""Losses of classes that exclude each other."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jax import Array
from jax.nn import log_softmax
from jax.scipy.special import logsumexp

from samestep.ledger.native import Native
from samestep_jax.ledger.losses.reduction import reduce

__all__ = ["CLASSIFICATION"]


def cross_entropy(prediction: Array, target: Array, *, reduction: str, axis: int = -1) -> Array:
    loss = optax.losses.softmax_cross_entropy_with_integer_labels(prediction, target, axis=axis)
    return reduce(loss, reduction)


def cross_entropy_weighted(
    prediction: Array, target: Array, weight: Array | float = 1.0, *, reduction: str
) -> Array:
    loss = optax.losses.softmax_cross_entropy_with_integer_labels(prediction, target)
    return reduce(weight * loss, reduction)


def cross_entropy_probabilities(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.softmax_cross_entropy(prediction, target), reduction)


def label_smoothing(
    prediction: Array, target: Array, *, label_smoothing: float, reduction: str
) -> Array:
    smooth = optax.losses.smooth_labels(target, label_smoothing)
    return reduce(optax.losses.softmax_cross_entropy(prediction, smooth), reduction)


def safe_softmax(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.safe_softmax_cross_entropy(prediction, target), reduction)


def nll(prediction: Array, target: Array, weight: Array, *, reduction: str) -> Array:
    w = weight[target]
    loss = -w * jnp.take_along_axis(prediction, target[:, None], axis=1)[:, 0]
    return loss.sum() / w.sum() if reduction == "mean" else reduce(loss, reduction)


def adaptive(prediction: Array, target: Array, head: Array, down: Array, up: Array) -> Array:
    cutoff = head.shape[0] - 1
    by_head = log_softmax(prediction @ head.T)
    within = log_softmax(prediction @ down.T @ up.T)
    log_p = jnp.concatenate([by_head[:, :cutoff], by_head[:, cutoff:] + within], axis=1)
    return -jnp.take_along_axis(log_p, target[:, None], axis=1).mean()


def poly(prediction: Array, target: Array, *, epsilon: float, reduction: str) -> Array:
    loss = optax.losses.poly_loss_cross_entropy(prediction, target, epsilon=epsilon)
    return reduce(loss, reduction)


def fenchel_young(prediction: Array, target: Array, *, reduction: str) -> Array:
    loss = optax.losses.make_fenchel_young_loss(logsumexp)
    return reduce(loss(prediction, target), reduction)


def multiclass_sparsemax(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.multiclass_sparsemax_loss(prediction, target), reduction)


_INDICES = "optax.losses.softmax_cross_entropy_with_integer_labels"
_PROBABILITIES = "optax.losses.softmax_cross_entropy"

CLASSIFICATION: dict[str, Native] = {
    "cross-entropy": Native(call=cross_entropy, public=_INDICES),
    "cross-entropy-axis": Native(call=cross_entropy, public=_INDICES, converted=True),
    "cross-entropy-ignored": Native(call=cross_entropy_weighted, public=_INDICES, converted=True),
    "cross-entropy-weighted": Native(call=cross_entropy_weighted, public=_INDICES, converted=True),
    "cross-entropy-probabilities": Native(call=cross_entropy_probabilities, public=_PROBABILITIES),
    "cross-entropy-probabilities-weighted": Native(
        call=cross_entropy_probabilities, public=_PROBABILITIES, converted=True
    ),
    "label-smoothing": Native(
        call=label_smoothing, public="optax.losses.smooth_labels", converted=True
    ),
    "label-smoothing-weighted": Native(
        call=cross_entropy_probabilities, public=_PROBABILITIES, converted=True
    ),
    "safe-softmax": Native(call=safe_softmax, public="optax.losses.safe_softmax_cross_entropy"),
    "nll": Native(call=nll),
    "linear-cross-entropy": Native(call=cross_entropy, public=_INDICES, converted=True),
    "adaptive-softmax": Native(call=adaptive),
    "poly": Native(call=poly, public="optax.losses.poly_loss_cross_entropy"),
    "fenchel-young": Native(call=fenchel_young, public="optax.losses.make_fenchel_young_loss"),
    "multiclass-sparsemax": Native(
        call=multiclass_sparsemax, public="optax.losses.multiclass_sparsemax_loss"
    ),
}
