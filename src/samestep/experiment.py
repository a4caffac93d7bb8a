"""What an exercise is: a question, and how it is answered by experiment. It knows no framework."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from samestep.errors import UsageError
from samestep.plan import Plan
from samestep.problem import SyntheticRegression

if TYPE_CHECKING:
    from samestep.lab import Lab

__all__ = ["Experiment", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """Something about an experiment that ``--set NAME=VALUE`` changes."""

    default: int | float | str
    help: str

    def convert(self, name: str, value: int | float | str) -> int | float | str:
        """Return a value, given as a number or as text, in the type of the default.

        Raises
        ------
        UsageError
            If it is of another type, or a number that is not finite.
        """
        try:
            match self.default:
                case int() if isinstance(value, str) or value == int(value):
                    return int(value)
                case float() if math.isfinite(float(value)):
                    return float(value)
                case str() if isinstance(value, str):
                    return value
        except (ValueError, OverflowError):
            pass
        kind = {int: "a whole number", float: "a finite number", str: "text"}[type(self.default)]
        raise UsageError(
            f"Parameter {name} is {value!r}.",
            f"Expected {kind}; the default is {self.default!r} ({self.help}).",
        )


class Experiment(abc.ABC):
    """One exercise: a question, and how it is answered by experiment.

    Subclasses set ``id``, ``title``, ``question`` and ``parameters``, and implement :meth:`run`.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    weight: ClassVar[float] = 1.0
    """Expected share of the time of a full run, for the estimate of the time that remains."""

    def typical_fit(self) -> Plan:
        """Return the single fit that stands for the exercise; the baseline unless overridden."""
        return Plan.of(SyntheticRegression().draw(0), name="baseline")

    def fits(self) -> dict[str, Plan]:
        """Return the single fits that show what the exercise is about, by title.

        They are what the report pictures, and what a native version does in its own way.
        """
        return {self.title: self.typical_fit()}

    @abc.abstractmethod
    def run(self, lab: Lab) -> str:
        """Do the experiment and return the answer: two or three sentences with measured numbers."""
