"""A setting of an optimizer in the catalogue: its rule, and what it is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Backend
from samestep.ledger.entry import Entry
from samestep.ledger.native import Native
from samestep.ledger.tape import Tape, Term
from samestep.loss import Float64

__all__ = ["Course", "OptimizerEntry", "OptimizerNative", "Record", "Rule"]

Record: TypeAlias = dict[str, npt.NDArray[Any]]
"""Parameters by name, and state as ``"velocity w"``, before each step and after the last.

Arrays of shape (steps + 1, ...) in the working precision.
"""

Rule: TypeAlias = Callable[[Tape, "Course", Mapping[str, Term]], dict[str, Term]]
"""One step, as textbooks write it: what the record holds before it to what it holds after it.

All steps of a course are computed at once, each from the recorded numbers before it; terms have a
leading axis of steps.
"""


@dataclass(frozen=True, eq=False)
class Course:
    """What optimizers are tried on: gradients that were drawn beforehand.

    Nothing but the optimizer is compared: the gradients do not depend on the parameters.

    Parameters
    ----------
    start : mapping of str to array
        Initial parameters.
    gradients : mapping of str to array of shape (steps, ...)
        Zero where a parameter is not used.
    used : mapping of str to bool array of shape (steps,)
        Whether the loss of a step uses the parameter at all.
    """

    start: Mapping[str, Float64]
    gradients: Mapping[str, Float64]
    used: Mapping[str, npt.NDArray[np.bool_]]

    @property
    def steps(self) -> int:
        """Number of updates."""
        return len(next(iter(self.used.values())))

    @property
    def number(self) -> npt.NDArray[np.intp]:
        """Steps from 0, shape (steps,)."""
        return np.arange(self.steps)


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(Entry):
    """A setting of an optimizer.

    Parameters
    ----------
    rule : callable
    course : Course
    initial : mapping of str to float
        What a kind of state starts from, where that is not 0.
    instead : callable, optional
        The rule of the like-named code that is another function: it says *how* that differs.
    conversion : str
        What it takes to get the same step, in a few words; empty if the like-named options do.
    """

    rule: Rule
    course: Course
    initial: Mapping[str, float] = field(default_factory=dict)
    instead: Rule | None = None
    conversion: str = ""


@dataclass(frozen=True, kw_only=True)
class OptimizerNative(Native):
    """One side of an optimizer's entry.

    Parameters
    ----------
    follow : callable
        ``(backend, call, course) -> Record``: runs what ``call`` makes along a course.

    Notes
    -----
    ``converted`` says that it takes more than the like-named options: a chain, another value, other
    order. A ``lookalike`` is then what one would write first. Without a conversion it is what the
    framework ships under that name.
    """

    follow: Callable[[Backend, Callable[..., Any], Course], Record]
