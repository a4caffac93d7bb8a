"""The reduction, which optax leaves to the caller."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

__all__ = ["reduce"]


def reduce(values: Array, reduction: str) -> Array:
    """Return the values themselves (``"none"``), their mean or their sum."""
    if reduction == "none":
        return values
    return jnp.mean(values) if reduction == "mean" else jnp.sum(values)
