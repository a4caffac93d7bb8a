"""Dual numbers: the derivative of an elementwise function, carried along with its value.

This is forward-mode automatic differentiation on one screen, on NumPy. The oracle has no autograd;
for a loss that brings no closed-form derivative these numbers supply one, which owes nothing to the
frameworks that are on trial. They also keep the largest number met on the way, which is what
overflows first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.interface import TensorOps

__all__ = ["DUAL_OPS", "Dual", "differentiate"]

Real: TypeAlias = npt.NDArray[np.floating[Any]]


class Dual:
    """A value, its derivative with respect to the variable, and the largest number on the way.

    Parameters
    ----------
    value, slope, largest : arrays of one shape and dtype
    """

    __array_ufunc__ = None  # NumPy's scalars leave their operators to this class

    def __init__(self, value: Real, slope: Real, largest: Real) -> None:
        self.value = value
        self.slope = slope
        self.largest = np.maximum(largest, np.abs(value))

    @classmethod
    def variable(cls, x: Real) -> Dual:
        """The variable itself: its derivative is 1."""
        return cls(x, np.ones_like(x), np.abs(x))

    def _constant(self, x: Dual | Real | float) -> Dual:
        if isinstance(x, Dual):
            return x
        value = np.broadcast_to(np.asarray(x, self.value.dtype), self.value.shape)
        return Dual(value, np.zeros_like(value), np.abs(value))

    def _map(self, value: Real, slope: Real) -> Dual:
        """Apply the chain rule: ``slope`` is the outer derivative."""
        return Dual(value, slope * self.slope, self.largest)

    def _join(self, other: Dual, value: Real, slope: Real) -> Dual:
        return Dual(value, slope, np.maximum(self.largest, other.largest))

    def __add__(self, other: Dual | float) -> Dual:
        b = self._constant(other)
        return self._join(b, self.value + b.value, self.slope + b.slope)

    def __sub__(self, other: Dual | float) -> Dual:
        b = self._constant(other)
        return self._join(b, self.value - b.value, self.slope - b.slope)

    def __mul__(self, other: Dual | float) -> Dual:
        b = self._constant(other)
        return self._join(b, self.value * b.value, self.slope * b.value + self.value * b.slope)

    def __truediv__(self, other: Dual | float) -> Dual:
        b = self._constant(other)
        quotient = self.value / b.value
        return self._join(b, quotient, (self.slope - quotient * b.slope) / b.value)

    def __pow__(self, exponent: float) -> Dual:
        return self._map(self.value**exponent, exponent * self.value ** (exponent - 1))

    def __neg__(self) -> Dual:
        return self._map(-self.value, np.full_like(self.value, -1))

    def __radd__(self, other: float) -> Dual:
        return self._constant(other) + self

    def __rsub__(self, other: float) -> Dual:
        return self._constant(other) - self

    def __rmul__(self, other: float) -> Dual:
        return self._constant(other) * self

    def __rtruediv__(self, other: float) -> Dual:
        return self._constant(other) / self

    def __lt__(self, other: Dual | float) -> Any:
        return self.value < self._constant(other).value

    def __le__(self, other: Dual | float) -> Any:
        return self.value <= self._constant(other).value

    def __gt__(self, other: Dual | float) -> Any:
        return self.value > self._constant(other).value

    def __ge__(self, other: Dual | float) -> Any:
        return self.value >= self._constant(other).value


class _DualOps:
    """The elementwise functions of ``TensorOps``; at a kink the mean of the one-sided slopes."""

    def abs(self, x: Dual) -> Dual:
        return x._map(np.abs(x.value), np.sign(x.value))

    def exp(self, x: Dual) -> Dual:
        value = np.exp(x.value)
        return x._map(value, value)

    def log(self, x: Dual) -> Dual:
        return x._map(np.log(x.value), 1 / x.value)

    def sqrt(self, x: Dual) -> Dual:
        root = np.sqrt(x.value)
        return x._map(root, 0.5 / root)

    def square(self, x: Dual) -> Dual:
        return x._map(x.value * x.value, 2 * x.value)

    def tanh(self, x: Dual) -> Dual:
        value = np.tanh(x.value)
        return x._map(value, 1 - value * value)

    def maximum(self, a: Dual | float, b: Dual | float) -> Dual:
        return self._either(a, b, np.greater)

    def minimum(self, a: Dual | float, b: Dual | float) -> Dual:
        return self._either(a, b, np.less)

    def where(self, condition: Any, a: Dual | float, b: Dual | float) -> Dual:
        first, second = _pair(a, b)
        largest = np.maximum(first.largest, second.largest)  # both branches are computed
        return Dual(
            np.where(condition, first.value, second.value),
            np.where(condition, first.slope, second.slope),
            largest,
        )

    def zeros_like(self, x: Dual) -> Dual:
        return x._constant(0.0)

    def ones_like(self, x: Dual) -> Dual:
        return x._constant(1.0)

    def isfinite(self, x: Dual) -> Any:
        return np.isfinite(x.value)

    def _either(self, a: Dual | float, b: Dual | float, wins: Callable[..., Any]) -> Dual:
        first, second = _pair(a, b)
        share = np.where(first.value == second.value, 0.5, wins(first.value, second.value))
        share = share.astype(first.value.dtype)
        slope = share * first.slope + (1 - share) * second.slope
        value = np.where(share > 0, first.value, second.value)
        return first._join(second, value, slope)

    def __getattr__(self, name: str) -> Any:
        raise UsageError(
            f"xp.{name} is not elementwise: the oracle cannot differentiate a loss that uses it.",
            "A loss is a function of one residual: use elementwise functions of TensorOps.",
        )


def _pair(a: Dual | float, b: Dual | float) -> tuple[Dual, Dual]:
    if isinstance(a, Dual):
        return a, a._constant(b)
    if isinstance(b, Dual):
        return b._constant(a), b
    raise TypeError("one of the two must depend on the variable")


DUAL_OPS: TensorOps = cast(TensorOps, _DualOps())
"""``TensorOps`` on dual numbers."""


def differentiate(f: Callable[[TensorOps, Any], Any], x: Real) -> Dual:
    """Evaluate an elementwise function and its derivative.

    Parameters
    ----------
    f : callable
        ``(xp, x) -> array``, elementwise.
    x : array
        Real numbers of any precision; the arithmetic is done in it.

    Returns
    -------
    Dual
    """
    with np.errstate(all="ignore"):
        variable = Dual.variable(x)
        return variable._constant(f(DUAL_OPS, variable))
