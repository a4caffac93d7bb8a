"""Losses of rows, pairs, images and sequences."""

# optax is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import jax.numpy as jnp
import optax
from jax import Array

from samestep.ledger.native import Lookalike, Native
from samestep_jax.ledger.losses.reduction import reduce

__all__ = ["STRUCTURED"]


def ranking_softmax(prediction: Array, target: Array, *, reduction: str) -> Array:
    reducers = {"none": None, "mean": jnp.mean, "sum": jnp.sum}
    return optax.losses.ranking_softmax_loss(prediction, target, reduce_fn=reducers[reduction])


def ranking_softmax_masked(
    prediction: Array, target: Array, mask: Array, weight: Array, *, reduction: str
) -> Array:
    reducers = {"none": None, "mean": jnp.mean, "sum": jnp.sum}
    return optax.losses.ranking_softmax_loss(
        prediction, target, where=mask, weights=weight, reduce_fn=reducers[reduction]
    )


def kl(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.kl_divergence(prediction, target), reduction)


def kl_log_target(prediction: Array, target: Array, *, reduction: str) -> Array:
    divergence = optax.losses.kl_divergence_with_log_targets(prediction, target)
    return reduce(divergence, reduction)


def generalized_kl(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.generalized_kl_divergence(prediction, target), reduction)


def convex_kl(prediction: Array, target: Array, *, reduction: str) -> Array:
    return reduce(optax.losses.convex_kl_divergence(prediction, target), reduction)


def triplet(
    prediction: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float,
    p: int,
    eps: float,
    swap: bool,
    reduction: str,
) -> Array:
    near = jnp.linalg.norm(prediction - positive + eps, ord=p, axis=-1)
    far = jnp.linalg.norm(prediction - negative + eps, ord=p, axis=-1)
    if swap:
        far = jnp.minimum(far, jnp.linalg.norm(positive - negative + eps, ord=p, axis=-1))
    return reduce(jnp.maximum(near - far + margin, 0), reduction)


def optax_triplet(
    prediction: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float,
    p: int,
    eps: float,
    swap: bool,
    reduction: str,
) -> Array:
    loss = optax.losses.triplet_margin_loss(
        prediction, positive, negative, norm_degree=p, margin=margin, eps=eps
    )
    return reduce(loss, reduction)


def triplet_power_sum(
    prediction: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float,
    eps: float,
    reduction: str,
) -> Array:
    loss = optax.losses.triplet_margin_loss(prediction, positive, negative, margin=margin, eps=eps)
    return reduce(loss, reduction)


def triplet_with_distance(
    prediction: Array, positive: Array, negative: Array, *, margin: float, reduction: str
) -> Array:
    near = jnp.square(prediction - positive).sum(-1)
    far = jnp.square(prediction - negative).sum(-1)
    return reduce(jnp.maximum(near - far + margin, 0), reduction)


def ntxent(prediction: Array, target: Array, *, temperature: float) -> Array:
    return optax.losses.ntxent(prediction, target, temperature=temperature)


def dice(
    prediction: Array,
    target: Array,
    *,
    smooth: float,
    alpha: float,
    beta: float,
    reduction: str,
) -> Array:
    loss = optax.losses.dice_loss(prediction, target, smooth=smooth, alpha=alpha, beta=beta)
    return reduce(loss, reduction)


def binary_dice(prediction: Array, target: Array, *, smooth: float, reduction: str) -> Array:
    return reduce(optax.losses.binary_dice_loss(prediction, target, smooth=smooth), reduction)


def generalized_dice(prediction: Array, target: Array, *, smooth: float) -> Array:
    return optax.losses.multiclass_generalized_dice_loss(prediction, target, smooth=smooth)


def ctc(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int,
    reduction: str,
    weight: Array | float = 1.0,
) -> Array:
    loss = optax.losses.ctc_loss(logits, logit_paddings, labels, label_paddings, blank_id=blank_id)
    return reduce(weight * loss, reduction)


def ctc_forward(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int,
    reduction: str,
    weight: Array | float = 1.0,
) -> Array:
    loss, _, _ = optax.losses.ctc_loss_with_forward_probs(
        logits, logit_paddings, labels, label_paddings, blank_id=blank_id
    )
    return reduce(weight * loss, reduction)


_TRIPLET = "optax.losses.triplet_margin_loss"
_RANKING = "optax.losses.ranking_softmax_loss"
_DICE = "optax.losses.multiclass_generalized_dice_loss"

STRUCTURED: dict[str, Native] = {
    "ranking-softmax": Native(call=ranking_softmax, public=_RANKING),
    "ranking-softmax-masked": Native(call=ranking_softmax_masked, public=_RANKING),
    "kl": Native(call=kl, public="optax.losses.kl_divergence", converted=True),
    "kl-log-target": Native(
        call=kl_log_target, public="optax.losses.kl_divergence_with_log_targets", converted=True
    ),
    "generalized-kl": Native(call=generalized_kl, public="optax.losses.generalized_kl_divergence"),
    "convex-kl": Native(call=convex_kl, public="optax.losses.convex_kl_divergence"),
    "triplet": Native(call=triplet, lookalike=Lookalike(_TRIPLET, optax_triplet)),
    "triplet-power-sum": Native(call=triplet_power_sum, public=_TRIPLET),
    "triplet-with-distance": Native(call=triplet_with_distance),
    "ntxent": Native(call=ntxent, public="optax.losses.ntxent"),
    "dice": Native(call=dice, public="optax.losses.dice_loss"),
    "binary-dice": Native(call=binary_dice, public="optax.losses.binary_dice_loss"),
    "generalized-dice": Native(call=generalized_dice, public=_DICE),
    "ctc": Native(call=ctc, public="optax.losses.ctc_loss", converted=True),
    "ctc-forward-probabilities": Native(
        call=ctc_forward, public="optax.losses.ctc_loss_with_forward_probs", converted=True
    ),
}
