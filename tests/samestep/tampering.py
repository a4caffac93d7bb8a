"""Sound traces, and copies of them with something changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import samestep
from samestep import Plan, Trace, train


def both(plan: Plan, dtype: str) -> tuple[Trace, Trace]:
    """Traces of a plan on both frameworks."""
    first, second = (train(samestep.backend(name, dtype=dtype), plan) for name in ("torch", "jax"))
    return first, second


def with_array(trace: Trace, kind: str, name: str, change: Callable[[Any], None]) -> Trace:
    """Copy a trace, with one of its arrays changed."""
    value = getattr(trace, kind)
    array = (value[name] if name else value).copy()
    change(array)
    changes: dict[str, Any] = {kind: {**value, name: array} if name else array}
    return dataclasses.replace(trace, **changes)


def set_at(index: tuple[int, ...], number: Any) -> Callable[[Any], None]:
    """Put a number, or a row of them, into an array."""

    def change(array: Any) -> None:
        array[index] = number

    return change


def add_at(index: tuple[int, ...], number: float) -> Callable[[Any], None]:
    """Move a number in an array."""

    def change(array: Any) -> None:
        array[index] += number

    return change
