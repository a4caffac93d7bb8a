"""A loss in the catalogue: its reference, its inputs, and how one call becomes the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend
from samestep.ledger.entry import Entry
from samestep.ledger.tape import Term

__all__ = ["Call", "Case", "Kind", "LossEntry", "Step", "factor", "rename"]

Kind: TypeAlias = Literal[
    "factor", "reduction", "parameter", "arguments", "prediction", "target", "mask"
]
"""What a step of a conversion is about."""


@dataclass(frozen=True)
class Call:
    """A call of a loss, before it happens.

    Parameters
    ----------
    arguments : mapping
        Arrays by name.
    options : mapping
        Numbers, words and truth values by name.
    factor : float or array
        What the result is multiplied by.
    """

    arguments: Mapping[str, Array]
    options: Mapping[str, Any]
    factor: Array = 1.0

    def with_arguments(self, **arguments: Array) -> Call:
        """Return the call with some arguments replaced or added."""
        return replace(self, arguments={**self.arguments, **arguments})

    def with_options(self, **options: Any) -> Call:
        """Return the call with some options replaced or added."""
        return replace(self, options={**self.options, **options})

    def without(self, *names: str) -> Call:
        """Return the call without some arguments or options."""
        return replace(
            self,
            arguments={k: v for k, v in self.arguments.items() if k not in names},
            options={k: v for k, v in self.options.items() if k not in names},
        )

    def times(self, factor: Array) -> Call:
        """Return the call with its result multiplied."""
        return replace(self, factor=self.factor * factor)


@dataclass(frozen=True)
class Step:
    """One step of a conversion: what a user reads, and what the proof applies.

    Parameters
    ----------
    kind : str
    text : str
        What changes.
    apply : callable
        ``(backend, call) -> call``, on the arrays of whichever framework is at work.
    """

    kind: Kind
    text: str
    apply: Callable[[Backend, Call], Call]


def factor(text: str, of: Callable[[Call], float]) -> Step:
    """Return the step that multiplies the result by what an option says."""
    return Step("factor", text, lambda _, call: call.times(of(call)))


def rename(
    kind: Kind, text: str, old: str, new: str, via: Callable[[Any], Any] = lambda x: x
) -> Step:
    """Return the step that gives an argument or an option another name, and maybe another value."""

    def apply(backend: Backend, call: Call) -> Call:
        rest = call.without(old)
        if old in call.options:
            return rest.with_options(**{new: via(call.options[old])})
        return rest.with_arguments(**{new: via(call.arguments[old])})

    return Step(kind, text, apply)


@dataclass(frozen=True)
class Case:
    """Inputs of a loss.

    Parameters
    ----------
    name : str
        What is particular about them.
    arguments : mapping
        NumPy arrays by name; float64 numbers that float32 has too.
    options : mapping
        All but the reduction.
    adversarial : bool
        Whether single points may be out of the ordinary: kinks, poles, overflow. In other inputs
        nothing may.
    """

    name: str
    arguments: Mapping[str, npt.NDArray[Any]]
    options: Mapping[str, Any] = field(default_factory=dict)
    adversarial: bool = False

    def __post_init__(self) -> None:
        for name, x in self.arguments.items():
            if x.dtype.kind == "f" and not np.array_equal(x, x.astype(np.float32), equal_nan=True):
                raise ValueError(f"case {self.name!r}: {name} has numbers that float32 lacks")


@dataclass(frozen=True, kw_only=True)
class LossEntry(Entry):
    """A loss.

    Parameters
    ----------
    reference : callable
        ``(**arguments, **options)``; predictions are terms of a tape, other arguments NumPy
        arrays. Returns the loss as a term.
    cases : tuple of Case
    predictions : tuple of str
        Arguments with respect to which the loss is differentiated.
    reductions : tuple of str
        Values of the option ``reduction`` that the verdict covers; none if there is no such option.
    conversion : tuple of Step
        From what the reference receives to what a converted side receives.
    """

    reference: Callable[..., Term]
    cases: tuple[Case, ...]
    predictions: tuple[str, ...] = ("prediction",)
    reductions: tuple[str, ...] = ("none", "mean", "sum")
    conversion: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        names = [case.name for case in self.cases]
        if len(set(names)) < len(names):
            raise ValueError(f"entry {self.id!r}: two cases have one name: {names}")

    def settings(self, case: Case) -> list[dict[str, Any]]:
        """Return the options of a case, once for each reduction."""
        if not self.reductions:
            return [dict(case.options)]
        return [{**case.options, "reduction": reduction} for reduction in self.reductions]
