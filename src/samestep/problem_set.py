"""Several problems in order, with their rows laid end to end."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.loss import Float64
from samestep.problem import Problem, largest

__all__ = ["ProblemSet", "first_rows"]


class _Arrays(NamedTuple):
    """One array of each problem, all in one."""

    elements: npt.NDArray[Any]
    shapes: tuple[tuple[int, ...], ...]


_Column: TypeAlias = _Arrays | list[Any]
"""What a field of all problems holds: anything that is not an array each time stays a list."""


class ProblemSet(tuple[Problem, ...]):
    """A tuple of problems that travels as a few large arrays instead of many small ones.

    Copies have the same bytes in the same order, and so the same hashes.
    """

    @functools.cached_property
    def rows(self) -> tuple[Float64, Float64]:
        """``X`` and ``y`` of all problems end to end, in float64; a lone problem's are its own."""
        if len(self) == 1:
            return self[0].X, self[0].y
        return np.concatenate([p.X for p in self]), np.concatenate([p.y for p in self])

    @functools.cached_property
    def largest_number(self) -> float:
        """Largest magnitude in the data."""
        return max(largest(array) for array in self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle sees a lone problem that several sets share; another class has other state.
        if len(self) == 1 or any(type(problem) is not Problem for problem in self):
            return ProblemSet, (list(self),)
        return _from_columns, (_to_columns(self),)


def first_rows(problems: Sequence[Problem]) -> npt.NDArray[np.int64]:
    """First row of each problem when all rows are laid end to end."""
    return np.cumsum([0] + [p.num_train for p in problems])[:-1]


def _to_columns(problems: Iterable[Problem]) -> dict[str, _Column]:
    problems = list(problems)
    return {
        field.name: _column([getattr(problem, field.name) for problem in problems])
        for field in fields(Problem)
        if field.init
    }


def _column(values: list[Any]) -> _Column:
    if not all(isinstance(value, np.ndarray) for value in values):
        return values
    if len({value.dtype for value in values}) > 1:
        return values
    elements = np.concatenate([value.ravel() for value in values])
    return _Arrays(elements, tuple(value.shape for value in values))


def _from_columns(columns: dict[str, _Column]) -> ProblemSet:
    rows = zip(*map(_values, columns.values()), strict=True)
    problems = ProblemSet(Problem.again(dict(zip(columns, row, strict=True))) for row in rows)
    X, y = columns["X"], columns["y"]
    if isinstance(X, _Arrays) and isinstance(y, _Arrays):
        problems.rows = X.elements.reshape(len(y.elements), -1), y.elements
    return problems


def _values(column: _Column) -> Sequence[Any]:
    if not isinstance(column, _Arrays):
        return column
    sizes = [math.prod(shape) for shape in column.shapes]
    parts = np.split(column.elements, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, column.shapes, strict=True)]
