"""Losses of classes that exclude each other."""

# A call of a module is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # its name in everybody's code
from torch import Tensor, nn
from torch.func import functional_call

from samestep.ledger.native import Native
from samestep_torch.ledger.losses.reduction import reduce

__all__ = ["CLASSIFICATION"]


def cross_entropy(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.CrossEntropyLoss(reduction=reduction)(prediction, target)


def cross_entropy_weighted(
    prediction: Tensor, target: Tensor, weight: Tensor, *, reduction: str
) -> Tensor:
    return nn.CrossEntropyLoss(weight=weight, reduction=reduction)(prediction, target)


def label_smoothing(
    prediction: Tensor, target: Tensor, *, label_smoothing: float, reduction: str
) -> Tensor:
    loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing, reduction=reduction)
    return loss(prediction, target)


def label_smoothing_weighted(
    prediction: Tensor, target: Tensor, weight: Tensor, *, label_smoothing: float, reduction: str
) -> Tensor:
    loss = nn.CrossEntropyLoss(weight=weight, label_smoothing=label_smoothing, reduction=reduction)
    return loss(prediction, target)


def nll(prediction: Tensor, target: Tensor, weight: Tensor, *, reduction: str) -> Tensor:
    return nn.NLLLoss(weight=weight, reduction=reduction)(prediction, target)


def linear_cross_entropy(
    prediction: Tensor, projection: Tensor, target: Tensor, *, reduction: str
) -> Tensor:
    layer = nn.LinearCrossEntropyLoss(projection.shape[1], projection.shape[0], reduction=reduction)
    return functional_call(layer, {"linear.weight": projection}, (prediction, target))


def adaptive(prediction: Tensor, target: Tensor, head: Tensor, down: Tensor, up: Tensor) -> Tensor:
    cutoff = head.shape[0] - 1
    layer = nn.AdaptiveLogSoftmaxWithLoss(
        prediction.shape[1], n_classes=cutoff + up.shape[0], cutoffs=[cutoff], div_value=4
    )
    weights = {"head.weight": head, "tail.0.0.weight": down, "tail.0.1.weight": up}
    return functional_call(layer, weights, (prediction, target)).loss


def poly(prediction: Tensor, target: Tensor, *, epsilon: float, reduction: str) -> Tensor:
    entropy = F.cross_entropy(prediction, target, reduction="none")
    missed = (target * (1 - prediction.softmax(-1))).sum(-1)
    return reduce(entropy + epsilon * missed, reduction)


def multiclass_sparsemax(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    z = prediction - prediction.gather(1, target[:, None])
    descending = z.sort(-1, descending=True).values
    excess = descending.cumsum(-1) - 1
    k = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    size = (k * descending > excess).sum(-1, keepdim=True)
    p = F.relu(z - excess.gather(1, size - 1) / size)
    return reduce((p * z).sum(-1) + (1 - (p * p).sum(-1)) / 2, reduction)


_INDICES = Native(call=cross_entropy, public="torch.nn.CrossEntropyLoss")

CLASSIFICATION: dict[str, Native] = {
    "cross-entropy": _INDICES,
    "cross-entropy-axis": _INDICES,
    "cross-entropy-ignored": _INDICES,
    "cross-entropy-probabilities": _INDICES,
    "safe-softmax": _INDICES,
    "fenchel-young": _INDICES,
    "cross-entropy-weighted": Native(
        call=cross_entropy_weighted, public="torch.nn.CrossEntropyLoss"
    ),
    "cross-entropy-probabilities-weighted": Native(
        call=cross_entropy_weighted, public="torch.nn.CrossEntropyLoss"
    ),
    "label-smoothing": Native(call=label_smoothing, public="torch.nn.CrossEntropyLoss"),
    "label-smoothing-weighted": Native(
        call=label_smoothing_weighted, public="torch.nn.CrossEntropyLoss"
    ),
    "nll": Native(call=nll, public="torch.nn.NLLLoss"),
    "linear-cross-entropy": Native(
        call=linear_cross_entropy, public="torch.nn.LinearCrossEntropyLoss"
    ),
    "adaptive-softmax": Native(call=adaptive, public="torch.nn.AdaptiveLogSoftmaxWithLoss"),
    "poly": Native(call=poly),
    "multiclass-sparsemax": Native(call=multiclass_sparsemax),
}
