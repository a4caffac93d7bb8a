"""Losses with a margin."""

# A call of a module is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  # its name in everybody's code
from torch import Tensor, nn

from samestep.ledger.native import Lookalike, Native
from samestep_torch.ledger.losses.reduction import reduce

__all__ = ["MARGIN"]


def margin_ranking(
    prediction: Tensor, other: Tensor, target: Tensor, *, margin: float, reduction: str
) -> Tensor:
    return nn.MarginRankingLoss(margin=margin, reduction=reduction)(prediction, other, target)


def hinge_embedding(prediction: Tensor, target: Tensor, *, margin: float, reduction: str) -> Tensor:
    return nn.HingeEmbeddingLoss(margin=margin, reduction=reduction)(prediction, target)


def default_hinge_embedding(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.HingeEmbeddingLoss(reduction=reduction)(prediction, target)


def multi_margin(
    prediction: Tensor, target: Tensor, weight: Tensor, *, p: int, margin: float, reduction: str
) -> Tensor:
    loss = nn.MultiMarginLoss(p=p, margin=margin, weight=weight, reduction=reduction)
    return loss(prediction, target)


def default_multi_margin(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.MultiMarginLoss(reduction=reduction)(prediction, target)


def multiclass_hinge(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    others = 1 - F.one_hot(target, prediction.shape[-1])
    own = prediction.gather(1, target[:, None])[:, 0]
    return reduce((prediction + others).amax(-1) - own, reduction)


def multiclass_perceptron(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    own = prediction.gather(1, target[:, None])[:, 0]
    return reduce(prediction.amax(-1) - own, reduction)


def multilabel_margin(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.MultiLabelMarginLoss(reduction=reduction)(prediction, target)


def multilabel_soft_margin(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.MultiLabelSoftMarginLoss(reduction=reduction)(prediction, target)


MARGIN: dict[str, Native] = {
    "hinge": Native(
        call=margin_ranking,
        public="torch.nn.MarginRankingLoss",
        converted=True,
    ),
    "perceptron": Native(call=margin_ranking, public="torch.nn.MarginRankingLoss", converted=True),
    "margin-ranking": Native(call=margin_ranking, public="torch.nn.MarginRankingLoss"),
    "hinge-embedding": Native(call=hinge_embedding, public="torch.nn.HingeEmbeddingLoss"),
    "multi-margin": Native(call=multi_margin, public="torch.nn.MultiMarginLoss"),
    "multiclass-hinge": Native(
        call=multiclass_hinge,
        lookalike=Lookalike("torch.nn.MultiMarginLoss", default_multi_margin),
    ),
    "multiclass-perceptron": Native(call=multiclass_perceptron),
    "multilabel-margin": Native(call=multilabel_margin, public="torch.nn.MultiLabelMarginLoss"),
    "multilabel-soft-margin": Native(
        call=multilabel_soft_margin, public="torch.nn.MultiLabelSoftMarginLoss"
    ),
}
