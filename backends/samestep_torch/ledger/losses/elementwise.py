"""Losses of numbers: regression, likelihoods, binary targets."""

# A call of a module is untyped to mypy, and the code below is shown as it stands.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812  # its name in everybody's code
from torch import Tensor, nn

from samestep.ledger.native import Native
from samestep_torch.ledger.losses.reduction import reduce

__all__ = ["ELEMENTWISE"]


def squared_error(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.MSELoss(reduction=reduction)(prediction, target)


def absolute_error(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.L1Loss(reduction=reduction)(prediction, target)


def huber(prediction: Tensor, target: Tensor, *, delta: float, reduction: str) -> Tensor:
    return nn.HuberLoss(delta=delta, reduction=reduction)(prediction, target)


def smooth_l1(prediction: Tensor, target: Tensor, *, beta: float, reduction: str) -> Tensor:
    return nn.SmoothL1Loss(beta=beta, reduction=reduction)(prediction, target)


def log_cosh(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    r = prediction - target
    return reduce(torch.logaddexp(r, -r) - math.log(2), reduction)


def cosine_similarity(prediction: Tensor, target: Tensor, *, eps: float, reduction: str) -> Tensor:
    return reduce(nn.CosineSimilarity(dim=-1, eps=eps)(prediction, target), reduction)


def cosine_distance(prediction: Tensor, target: Tensor, *, eps: float, reduction: str) -> Tensor:
    return reduce(1 - F.cosine_similarity(prediction, target, dim=-1, eps=eps), reduction)


def cosine_embedding(
    prediction: Tensor, other: Tensor, target: Tensor, *, margin: float, reduction: str
) -> Tensor:
    return nn.CosineEmbeddingLoss(margin=margin, reduction=reduction)(prediction, other, target)


def poisson(
    prediction: Tensor, target: Tensor, *, log_input: bool, full: bool, eps: float, reduction: str
) -> Tensor:
    loss = nn.PoissonNLLLoss(log_input=log_input, full=full, eps=eps, reduction=reduction)
    return loss(prediction, target)


def gaussian(
    prediction: Tensor, target: Tensor, variance: Tensor, *, full: bool, eps: float, reduction: str
) -> Tensor:
    return nn.GaussianNLLLoss(full=full, eps=eps, reduction=reduction)(prediction, target, variance)


def sigmoid_bce(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.BCEWithLogitsLoss(reduction=reduction)(prediction, target)


def sigmoid_bce_weighted(
    prediction: Tensor, target: Tensor, weight: Tensor, *, reduction: str
) -> Tensor:
    return nn.BCEWithLogitsLoss(weight=weight, reduction=reduction)(prediction, target)


def sigmoid_bce_positives(
    prediction: Tensor, target: Tensor, *, pos_weight: float, reduction: str
) -> Tensor:
    weight = torch.tensor(pos_weight, dtype=prediction.dtype)
    return nn.BCEWithLogitsLoss(pos_weight=weight, reduction=reduction)(prediction, target)


def bce(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.BCELoss(reduction=reduction)(prediction, target)


def soft_margin(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    return nn.SoftMarginLoss(reduction=reduction)(prediction, target)


def focal(
    prediction: Tensor, target: Tensor, *, alpha: float | None, gamma: float, reduction: str
) -> Tensor:
    entropy = F.binary_cross_entropy_with_logits(prediction, target, reduction="none")
    missed = (1 - target) * prediction.sigmoid() + target * (-prediction).sigmoid()
    loss = missed**gamma * entropy
    if alpha is not None:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return reduce(loss, reduction)


def sparsemax(prediction: Tensor, target: Tensor, *, reduction: str) -> Tensor:
    x = torch.where(target == 1, -prediction, prediction)
    parabola = (x.clamp(-1, 1) + 1) ** 2 / 4
    return reduce(parabola + F.relu(x - 1), reduction)


ELEMENTWISE: dict[str, Native] = {
    "squared-error": Native(call=squared_error, public="torch.nn.MSELoss"),
    "half-squared-error": Native(call=squared_error, public="torch.nn.MSELoss", converted=True),
    "absolute-error": Native(call=absolute_error, public="torch.nn.L1Loss"),
    "huber": Native(call=huber, public="torch.nn.HuberLoss"),
    "smooth-l1": Native(call=smooth_l1, public="torch.nn.SmoothL1Loss"),
    "log-cosh": Native(call=log_cosh),
    "cosine-similarity": Native(
        call=cosine_similarity, public="torch.nn.CosineSimilarity", converted=True
    ),
    "cosine-distance": Native(call=cosine_distance, converted=True),
    "cosine-embedding": Native(call=cosine_embedding, public="torch.nn.CosineEmbeddingLoss"),
    "poisson-nll": Native(call=poisson, public="torch.nn.PoissonNLLLoss"),
    "gaussian-nll": Native(call=gaussian, public="torch.nn.GaussianNLLLoss"),
    "sigmoid-bce": Native(call=sigmoid_bce, public="torch.nn.BCEWithLogitsLoss"),
    "sigmoid-bce-weighted": Native(call=sigmoid_bce_weighted, public="torch.nn.BCEWithLogitsLoss"),
    "sigmoid-bce-positives": Native(
        call=sigmoid_bce_positives, public="torch.nn.BCEWithLogitsLoss"
    ),
    "bce": Native(call=bce, public="torch.nn.BCELoss"),
    "soft-margin": Native(call=soft_margin, public="torch.nn.SoftMarginLoss"),
    "focal": Native(call=focal),
    "sparsemax": Native(call=sparsemax),
}
