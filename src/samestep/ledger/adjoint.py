"""Derivatives on their way back through a formula, with what rounding and kinks amount to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Adjoint", "Float64", "Pull", "Unary", "product_error", "times"]

Float64: TypeAlias = npt.NDArray[np.float64]
Unary: TypeAlias = Callable[[Float64], Float64]


@dataclass(frozen=True)
class Adjoint:
    """A derivative, and how far rounding and kinks could move it.

    Parameters
    ----------
    value, error, jump : arrays of one shape
    """

    value: Float64
    error: Float64
    jump: Float64

    @property
    def size(self) -> Float64:
        """The largest magnitude that it may have, but for rounding."""
        return np.abs(self.value) + self.jump

    def map(self, f: Unary) -> Adjoint:
        """Apply what only moves elements about or adds them up."""
        return Adjoint(f(self.value), f(self.error), f(self.jump))

    def widened(self, by: Float64) -> Adjoint:
        """Add to the error."""
        return Adjoint(self.value, self.error + by, self.jump)


Pull: TypeAlias = Callable[[Adjoint], Adjoint]
"""Takes an adjoint from a result back to one of its sources."""


def times(a: Float64, b: Float64 | float) -> Float64:
    """``a b``, and zero where ``a`` is, even if ``b`` is infinite."""
    return np.where(a == 0, 0.0, a * b)


def product_error(a: Float64, a_error: Float64, b: Float64, b_error: Float64 | float) -> Float64:
    """How far ``a b`` may be off if each factor is off by its error."""
    return times(np.abs(a), b_error) + times(a_error, np.abs(b) + b_error)
