"""Losses of rows, pairs, images and sequences."""

# A call of a module is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from samestep.ledger.native import Lookalike, Native
from samestep_torch.ledger.losses.reduction import reduce

__all__ = ["STRUCTURED"]


def ranking_softmax(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.CrossEntropyLoss(reduction=reduction)(prediction, target)


def kl(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.KLDivLoss(reduction=reduction)(prediction, target)


def kl_log_target(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.KLDivLoss(reduction=reduction, log_target=True)(prediction, target)


def generalized_kl(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    divergence = nn.KLDivLoss(reduction="none")(prediction, target)
    return reduce((divergence + prediction.exp() - target).sum(-1), reduction)


def triplet(
    prediction: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float,
    p: int,
    eps: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    loss = nn.TripletMarginLoss(margin=margin, p=p, eps=eps, swap=swap, reduction=reduction)
    return loss(prediction, positive, negative)


def triplet_power_sum(
    prediction: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float,
    eps: float,
    reduction: str,
) -> Tensor:
    near = ((prediction - positive).square().sum(-1) + eps).sqrt()
    far = ((prediction - negative).square().sum(-1) + eps).sqrt()
    return reduce((near - far + margin).relu(), reduction)


def default_triplet(
    prediction: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float,
    eps: float,
    reduction: str,
) -> Tensor:
    loss = nn.TripletMarginLoss(margin=margin, eps=eps, reduction=reduction)
    return loss(prediction, positive, negative)


def triplet_with_distance(
    prediction: Tensor, positive: Tensor, negative: Tensor, *, margin: float, reduction: str
) -> Tensor:
    loss = nn.TripletMarginWithDistanceLoss(
        distance_function=lambda a, b: (a - b).square().sum(-1), margin=margin, reduction=reduction
    )
    return loss(prediction, positive, negative)


def ntxent(prediction: Tensor, target: Tensor, *, temperature: float) -> Tensor:
    least = torch.finfo(prediction.dtype).eps
    unit = prediction / prediction.square().sum(-1, keepdim=True).clamp(min=least).sqrt()
    cosines = unit @ unit.T / temperature
    alike = target[:, None] == target[None, :]
    pairs = alike & ~torch.eye(len(target), dtype=torch.bool)
    others = cosines.masked_fill(alike, -torch.inf).logsumexp(-1, keepdim=True)
    losses = torch.logaddexp(cosines, others) - cosines
    return losses.where(pairs, 0).sum() / pairs.sum()


def dice(
    prediction: Tensor,
    target: Tensor,
    *,
    smooth: float,
    alpha: float,
    beta: float,
    reduction: str,
) -> Tensor:
    p = prediction.softmax(-1)
    overlap = (p * target).sum(1)
    errors = alpha * (p.sum(1) - overlap) + beta * (target.sum(1) - overlap)
    return reduce((1 - (overlap + smooth) / (overlap + errors + smooth)).mean(-1), reduction)


def binary_dice(prediction: Tensor, target: Tensor, *, smooth: float, reduction: str) -> Tensor:
    p = prediction.sigmoid()
    overlap = (p * target).sum(1)
    size = (p.sum(1) + target.sum(1)) / 2
    return reduce(1 - (overlap + smooth) / (size + smooth), reduction)


def generalized_dice(prediction: Tensor, target: Tensor, *, smooth: float) -> Tensor:
    weight = 1 / (target.sum((0, 1)) ** 2 + 1e-7)
    weight = weight / weight.mean()
    p = prediction.softmax(-1)
    overlap = (p * target).sum(1)
    size = (p.sum(1) + target.sum(1)) / 2
    return (weight * (1 - (overlap + smooth) / (size + smooth))).mean()


def ctc(
    prediction: Tensor,
    target: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    *,
    blank: int,
    reduction: str,
) -> Tensor:
    log_p = prediction.log_softmax(-1)
    loss = nn.CTCLoss(blank=blank, reduction=reduction)
    return loss(log_p, target, input_lengths, target_lengths)


_TRIPLET = "torch.nn.TripletMarginLoss"

STRUCTURED: dict[str, Native] = {
    "ranking-softmax": Native(call=ranking_softmax, public="torch.nn.CrossEntropyLoss"),
    "ranking-softmax-masked": Native(
        call=ranking_softmax, public="torch.nn.CrossEntropyLoss", converted=True
    ),
    "kl": Native(call=kl, public="torch.nn.KLDivLoss"),
    "kl-log-target": Native(call=kl_log_target, public="torch.nn.KLDivLoss"),
    "generalized-kl": Native(call=generalized_kl),
    "convex-kl": Native(call=generalized_kl),
    "triplet": Native(call=triplet, public=_TRIPLET),
    "triplet-power-sum": Native(
        call=triplet_power_sum, lookalike=Lookalike(_TRIPLET, default_triplet)
    ),
    "triplet-with-distance": Native(
        call=triplet_with_distance, public="torch.nn.TripletMarginWithDistanceLoss"
    ),
    "ntxent": Native(call=ntxent),
    "dice": Native(call=dice),
    "binary-dice": Native(call=binary_dice),
    "generalized-dice": Native(call=generalized_dice),
    "ctc": Native(call=ctc, public="torch.nn.CTCLoss"),
    "ctc-forward-probabilities": Native(call=ctc, public="torch.nn.CTCLoss"),
}
