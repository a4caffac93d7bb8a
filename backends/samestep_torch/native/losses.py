"""The regression losses that PyTorch ships, and the one that its users write by hand.

Each is ``f(prediction, y, delta, reduction)`` with ``reduction`` one of ``"none"``, ``"mean"`` and
``"sum"``; those without a parameter ignore ``delta``. PyTorch ships no half of the squared error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


def squared_error(prediction: Tensor, y: Tensor, delta: float, reduction: str) -> Tensor:
    """``r^2``, without a factor 1/2."""
    loss: Tensor = nn.MSELoss(reduction=reduction)(prediction, y)
    return loss


def absolute_error(prediction: Tensor, y: Tensor, delta: float, reduction: str) -> Tensor:
    """``|r|``."""
    loss: Tensor = nn.L1Loss(reduction=reduction)(prediction, y)
    return loss


def huber(prediction: Tensor, y: Tensor, delta: float, reduction: str) -> Tensor:
    """``r^2 / 2`` up to ``|r| = delta``, else ``delta (|r| - delta / 2)``."""
    loss: Tensor = nn.HuberLoss(reduction=reduction, delta=delta)(prediction, y)
    return loss


def smooth_l1(prediction: Tensor, y: Tensor, delta: float, reduction: str) -> Tensor:
    """``r^2 / (2 beta)`` up to ``|r| = beta``, else ``|r| - beta / 2``; here beta is ``delta``."""
    loss: Tensor = nn.SmoothL1Loss(reduction=reduction, beta=delta)(prediction, y)
    return loss


def half_squared_error(prediction: Tensor, y: Tensor, delta: float, reduction: str) -> Tensor:
    """``r^2 / 2``."""
    loss: Tensor = nn.MSELoss(reduction=reduction)(prediction, y) / 2
    return loss


LOSSES: dict[str, Callable[..., Any]] = {
    "loss/squared_error": squared_error,
    "loss/absolute_error": absolute_error,
    "loss/huber": huber,
    "loss/smooth_l1": smooth_l1,
    "loss-by-hand/half_squared_error": half_squared_error,
}
