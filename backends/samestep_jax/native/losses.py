"""The regression losses that optax ships, and those that its users write by hand.

Each is ``f(prediction, y, delta, reduction)`` with ``reduction`` one of ``"none"``, ``"mean"`` and
``"sum"``; those without a parameter ignore ``delta``. Losses of optax are elementwise: the
reduction is the caller's. It ships neither the absolute error nor smooth L1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from jax import Array

_REDUCE: dict[str, Callable[[Array], Array]] = {
    "none": lambda values: values,
    "mean": jnp.mean,
    "sum": jnp.sum,
}


def squared_error(prediction: Array, y: Array, delta: float, reduction: str) -> Array:
    """``r^2``, without a factor 1/2."""
    return _REDUCE[reduction](optax.squared_error(prediction, y))


def half_squared_error(prediction: Array, y: Array, delta: float, reduction: str) -> Array:
    """``r^2 / 2``, which optax calls ``l2_loss``."""
    return _REDUCE[reduction](optax.l2_loss(prediction, y))


def huber(prediction: Array, y: Array, delta: float, reduction: str) -> Array:
    """``r^2 / 2`` up to ``|r| = delta``, else ``delta (|r| - delta / 2)``."""
    return _REDUCE[reduction](optax.huber_loss(prediction, y, delta=delta))


def absolute_error(prediction: Array, y: Array, delta: float, reduction: str) -> Array:
    """``|r|``."""
    return _REDUCE[reduction](jnp.abs(prediction - y))


def smooth_l1(prediction: Array, y: Array, delta: float, reduction: str) -> Array:
    """``r^2 / (2 delta)`` up to ``|r| = delta``, else ``|r| - delta / 2``: Huber's over delta."""
    return _REDUCE[reduction](optax.huber_loss(prediction, y, delta=delta) / delta)


LOSSES: dict[str, Callable[..., Any]] = {
    "loss/squared_error": squared_error,
    "loss/half_squared_error": half_squared_error,
    "loss/huber": huber,
    "loss-by-hand/absolute_error": absolute_error,
    "loss-by-hand/smooth_l1": smooth_l1,
}
