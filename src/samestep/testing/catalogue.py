"""All checks of the kit, in the order in which a backend's author would mend what they find."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from samestep.interface import Backend
from samestep.testing import (
    border,
    descents,
    description,
    gradients,
    kinks,
    loops,
    operations,
    scopes,
    steps,
)

__all__ = ["CHECKS", "Check"]


@dataclass(frozen=True)
class Check:
    """One promise of the interface, and the function that tries it.

    Parameters
    ----------
    part : str
        Which part of the interface it belongs to.
    function : callable
        ``function(backend)`` returns None, or raises a `ConformanceError` that says what is wrong,
        or a `NotApplicableError` that says why there is nothing to try.
    """

    part: str
    function: Callable[[Backend], None]

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.part}-{self.function.__name__}"

    @property
    def promise(self) -> str:
        """What is promised, in a sentence."""
        return (inspect.getdoc(self.function) or "").splitlines()[0]

    def __call__(self, backend: Backend) -> None:
        """Try the promise on a backend."""
        self.function(backend)


_PARTS = {
    "description": description.CHECKS,
    "border": border.CHECKS,
    "operations": operations.CHECKS,
    "scope": scopes.CHECKS,
    "autograd": gradients.CHECKS,
    "kinks": kinks.CHECKS,
    "sgd": descents.CHECKS,
    "loops": loops.CHECKS,
    "steps": steps.CHECKS,
}

CHECKS: tuple[Check, ...] = tuple(
    Check(part, function) for part, functions in _PARTS.items() for function in functions
)
"""All checks; each takes a backend of one precision, and the suite tries both."""
