"""The derivative of a real function at a point: stated, measured, and what it admits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from samestep.probes.comparison import ULPS, spacing
from samestep.probes.observation import Items, Numbers, Outcome, Parts
from samestep.probes.truth import Mathematics, Truth

__all__ = ["FLOAT_STEPS", "Derivative", "Slope"]

Slope: TypeAlias = float | None
"""A one-sided derivative: a number, +-inf, or None where there is none."""

FLOAT_STEPS = (2.0**-13, 2.0**-26)
"""Steps of a difference quotient in double precision; the second balances its two errors."""

_GROWTH = 1.5
"""A quotient that grows so much from one step to the next has no limit."""


@final
@dataclass(frozen=True)
class Derivative(Truth):
    """The derivative of a real function at a point, or its one-sided derivatives at a kink.

    Parameters
    ----------
    function : callable
        ``(m, *point) -> number``, where ``m`` is ``math`` or ``mpmath.mp``: use the functions
        that both have (``m.sqrt``, ``m.exp``, ``m.log``, ``m.atan2``, ``m.inf``), ``abs``,
        ``max`` and Python's ``if``.
    at : float or sequence of float
        The point: one number per argument.
    left, right : float, None, or a sequence of these
        The limits of (f(x) - f(x - h)) / h and (f(x + h) - f(x)) / h for h -> 0+, per argument,
        with the others held fixed. They are equal where f is differentiable. None: there is no
        limit, or f is not defined on that side.
    diagonal : (left, right), optional
        The same when all arguments move together, h (1, ..., 1): it tells (1/2, 1/2), which is in
        the subdifferential of max(a, b) at a tie, from (1, 1), which is not.
    remark : str
        What should be said besides, such as the whole subdifferential.

    Notes
    -----
    A gradient is right if in each direction its component lies between the one-sided derivatives;
    for a convex function this holds for all subgradients. Where one side is missing it must be
    the other one's derivative; where both are missing nothing is wrong.
    """

    function: Callable[..., Any]
    at: float | Sequence[float]
    left: Slope | Sequence[Slope]
    right: Slope | Sequence[Slope]
    diagonal: tuple[Slope, Slope] | None = None
    remark: str = ""

    @property
    def point(self) -> tuple[float, ...]:
        """The point, one number per argument."""
        return tuple(self.at) if isinstance(self.at, Sequence) else (self.at,)

    @property
    def slopes(self) -> tuple[tuple[Slope, Slope], ...]:
        """The stated one-sided derivatives: (left, right) per argument."""
        left = self.left if isinstance(self.left, Sequence) else (self.left,)
        right = self.right if isinstance(self.right, Sequence) else (self.right,)
        return tuple(zip(left, right, strict=True))

    @property
    def directions(self) -> tuple[tuple[float, ...], ...]:
        """The directions of :attr:`slopes`, then the diagonal if it is stated."""
        n = len(self.point)
        axes = [tuple(float(i == j) for j in range(n)) for i in range(n)]
        return (*axes, *([(1.0,) * n] if self.diagonal else []))

    @property
    def stated(self) -> tuple[tuple[Slope, Slope], ...]:
        """What is claimed, (left, right) in each of :attr:`directions`."""
        return (*self.slopes, *([self.diagonal] if self.diagonal else []))

    def measured(
        self, m: Mathematics = math, steps: tuple[Any, Any] = FLOAT_STEPS
    ) -> tuple[tuple[Slope, Slope], ...]:
        """Return difference quotients, (left, right) in each of :attr:`directions`."""
        return tuple(
            (self._quotient(m, d, -1, steps), self._quotient(m, d, 1, steps))
            for d in self.directions
        )

    @property
    def brief(self) -> str:
        """One interval per argument; a single number where f is differentiable."""
        shown = [_interval(*pair) for pair in self.slopes]
        return shown[0] if len(shown) == 1 else f"({', '.join(shown)})"

    @property
    def statement(self) -> str:
        """The one-sided derivatives, with the remark."""
        shown = [_sentence(*pair) for pair in self.slopes]
        alike = shown[:1] if len(set(shown)) == 1 else shown
        text = "; ".join(alike) + (" for each argument" if len(shown) > len(alike) else "")
        if self.diagonal:
            text += f"; along (1, ..., 1): {_sentence(*self.diagonal)}"
        return f"{text}. {self.remark}" if self.remark else f"{text}."

    def admits(self, outcome: Outcome, scale: float = 0.0) -> bool | None:
        """Say whether a gradient lies between the one-sided derivatives in each direction."""
        if isinstance(outcome, Parts):
            return _all(self.admits(part, scale) for part in outcome.parts.values())
        flat = _flat(outcome)
        if flat is None or len(flat[0]) != len(self.point):
            return False
        gradient, dtype = flat
        return _all(
            _within(sum(_times(g, c) for g, c in zip(gradient, d, strict=True)), pair, dtype, scale)
            for d, pair in zip(self.directions, self.stated, strict=True)
        )

    def _quotient(
        self, m: Mathematics, direction: Sequence[float], sign: int, steps: tuple[Any, Any]
    ) -> Slope:
        try:
            large, small = (float(self._difference(m, direction, sign, h)) for h in steps)
        except (ArithmeticError, ValueError, TypeError):  # not defined there, or not real
            return None
        if math.isnan(small):
            return None
        return (
            math.copysign(math.inf, small) if abs(small) > max(1, _GROWTH * abs(large)) else small
        )

    def _difference(self, m: Mathematics, direction: Sequence[float], sign: int, h: Any) -> Any:
        here = self.function(m, *(h * 0 + x for x in self.point))
        there = self.function(
            m, *(h * 0 + x + sign * h * d for x, d in zip(self.point, direction, strict=True))
        )
        if not (math.isfinite(float(here)) and math.isfinite(float(there))):
            raise ZeroDivisionError  # an infinite value is none
        return sign * (there - here) / h


def _flat(outcome: Outcome) -> tuple[list[float], str] | None:
    """All numbers of an observation, and the coarsest dtype; None if something is no number."""
    match outcome:
        case Numbers() if outcome.imag is None:
            return [float(x) for x in outcome.values], outcome.dtype
        case Items():
            found = [_flat(item) for item in outcome.items]
            parts = [item for item in found if item is not None]
            if not parts or len(parts) < len(found):
                return None
            dtype = max((dtype for _, dtype in parts), key=spacing)
            return [x for values, _ in parts for x in values], dtype
    return None


def _times(slope: float, component: float) -> float:
    return slope * component if component else 0.0  # an infinite slope times 0 is not wanted


def _within(slope: float, pair: tuple[Slope, Slope], dtype: str, scale: float) -> bool | None:
    ends = [end for end in pair if end is not None]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    finite = [abs(end) for end in (low, high) if math.isfinite(end)]
    slack = ULPS * spacing(dtype) * max([scale, *finite])
    return low - slack <= slope <= high + slack


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def _number(slope: float) -> str:
    return f"{slope:.6g}"


def _interval(left: Slope, right: Slope) -> str:
    if left is None or right is None:
        ends = [end for end in (left, right) if end is not None]
        side = "right" if left is None else "left"
        return f"{_number(ends[0])} ({side})" if ends else "undefined"
    if left == right:
        return _number(left)
    return f"[{_number(min(left, right))}, {_number(max(left, right))}]"


def _sentence(left: Slope, right: Slope) -> str:
    if left == right:
        return "undefined" if left is None else f"the derivative is {_number(left)}"
    shown = ["undefined" if end is None else _number(end) for end in (left, right)]
    return f"no derivative: {shown[0]} from the left, {shown[1]} from the right"
