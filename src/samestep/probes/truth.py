"""What is true, whatever a framework says; each kind carries the means to check it.

A derivative is stated with the function and the point (:mod:`samestep.probes.derivative`), a value
with its computation, so that the tests can measure both in high precision. A convention has nothing
to measure, and must say why.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from samestep.probes.comparison import Relation, relate
from samestep.probes.observation import Items, Outcome, Parts, observe

__all__ = ["Convention", "Mathematics", "Truth", "Value"]

Mathematics: TypeAlias = Any
"""``math`` or ``mpmath.mp``: the functions that both have, by the same names."""


class Truth(abc.ABC):
    """What is true about a probe's question."""

    @property
    @abc.abstractmethod
    def brief(self) -> str:
        """It, in a cell of a table."""

    @property
    @abc.abstractmethod
    def statement(self) -> str:
        """It, in a sentence."""

    @abc.abstractmethod
    def admits(self, outcome: Outcome, scale: float = 0.0) -> bool | None:
        """Say whether an observation is right; None where nothing can be wrong."""


@final
@dataclass(frozen=True)
class Value(Truth):
    """A value that can be computed: a second derivative, a sum without rounding, a matrix.

    Parameters
    ----------
    expected : object
        What a side should return: a number, list of numbers, bool, or a dict by label.
    computed : callable
        ``mp -> value``, its computation in mpmath, by a way of its own: ``mp.diff``, a sum in
        high precision. It must not merely repeat ``expected``.
    remark : str
        What should be said besides.
    """

    expected: object
    computed: Callable[[Mathematics], object]
    remark: str = ""

    @property
    def brief(self) -> str:
        """The value."""
        return _expected(self.expected).text

    @property
    def statement(self) -> str:
        """The value, with the remark."""
        return f"{self.brief}. {self.remark}" if self.remark else f"{self.brief}."

    def admits(self, outcome: Outcome, scale: float = 0.0) -> bool | None:
        """Say whether an observation is this value, up to rounding."""
        return _equals(outcome, _expected(self.expected), scale)


UNSTATED = object()


@final
@dataclass(frozen=True)
class Convention(Truth):
    """What a mathematician, or a transformer of functions, would expect; nothing to measure.

    Parameters
    ----------
    says : str
        One short sentence: it stands in a cell of the table.
    unmeasured : str
        Why there is nothing to check numerically, such as "a rule of the interface".
    expected : object, optional
        The observation that would follow; without it no side is called right or wrong.
    """

    says: str
    unmeasured: str
    expected: object = UNSTATED

    @property
    def brief(self) -> str:
        """The sentence."""
        return self.says

    @property
    def statement(self) -> str:
        """The sentence."""
        return self.says

    def admits(self, outcome: Outcome, scale: float = 0.0) -> bool | None:
        """Say whether an observation is the expected one, if one is stated."""
        if self.expected is UNSTATED:
            return None
        return _equals(outcome, _expected(self.expected), scale)


def _expected(value: object) -> Outcome:
    """Lists of numbers stand for arrays; they are exact, so the observation's dtype decides."""
    if isinstance(value, dict):
        return Parts(parts={label: _expected(part) for label, part in value.items()})
    if isinstance(value, list):
        value = np.array(value)
    if isinstance(value, tuple):
        return Items(items=tuple(map(_expected, value)))
    return observe(value)


def _equals(outcome: Outcome, expected: Outcome, scale: float) -> bool:
    if isinstance(outcome, Parts) and not isinstance(expected, Parts):
        return all(_equals(part, expected, scale) for part in outcome.parts.values())
    return relate(outcome, expected, scale) is Relation.SAME
