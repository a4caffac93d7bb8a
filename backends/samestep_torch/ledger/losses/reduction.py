"""The reduction of losses that PyTorch does not ship, and which are therefore not reduced yet."""

from __future__ import annotations

from torch import Tensor

__all__ = ["reduce"]


def reduce(values: Tensor, reduction: str) -> Tensor:
    """Return the values themselves (``"none"``), their mean or their sum."""
    if reduction == "none":
        return values
    return values.mean() if reduction == "mean" else values.sum()
