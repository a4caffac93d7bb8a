"""Inputs of losses: drawn by NumPy, and rounded to float32 so that every precision has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["Float64", "Integers", "classes", "distributions", "normal", "one_hot", "pairs", "signs"]

Float64 = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def rounded(x: npt.ArrayLike) -> Float64:
    """Round to float32, and return float64."""
    with np.errstate(over="ignore"):
        return np.asarray(x, dtype=np.float32).astype(np.float64)


def normal(seed: int, *shape: int, scale: float = 1.0) -> Float64:
    """Draw normal numbers."""
    return rounded(scale * np.random.default_rng(seed).normal(size=shape))


def uniform(seed: int, *shape: int, low: float = 0.0, high: float = 1.0) -> Float64:
    """Draw uniform numbers."""
    return rounded(np.random.default_rng(seed).uniform(low, high, size=shape))


def classes(seed: int, n: int, count: int) -> Integers:
    """Draw class indices."""
    return np.random.default_rng(seed).integers(0, count, size=n)


def signs(seed: int, *shape: int) -> Float64:
    """Draw -1 and 1."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=shape)


def distributions(seed: int, n: int, count: int) -> Float64:
    """Draw rows of probabilities; multiples of 1/1024, so that they sum to 1 exactly."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(1024, rng.dirichlet(np.ones(count), size=n)) / 1024


def one_hot(labels: Integers, count: int) -> Float64:
    """Return the rows of the identity matrix that belong to class indices."""
    return np.eye(count)[labels]


def pairs(first: Iterable[float], second: Iterable[float]) -> tuple[Float64, Float64]:
    """Return each number of the first with each of the second."""
    a, b = np.array(list(itertools.product(first, second))).T
    return rounded(a), rounded(b)
