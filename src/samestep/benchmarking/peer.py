"""A way of doing a workload: an honest baseline, or one of our own modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.benchmarking.workload import Workload
from samestep.trace import Trace

__all__ = ["Fit", "Outcome", "Peer"]


class Outcome(NamedTuple):
    """What a workload's fits came to, as NumPy arrays at the workload's dtype.

    Parameters
    ----------
    final : dict of arrays
        Parameters after the last step: ``w`` of shape (runs, features) and ``b`` of shape (runs,).
    record : dict of arrays of shape (steps, runs, ...), or None
        With the keys of :meth:`samestep.trace.Trace.of_record`: ``prediction``, ``loss``,
        ``gradient/w``, ``gradient/b``, ``params/w``, ``params/b``. None where only the end was
        asked for.
    """

    final: dict[str, npt.NDArray[Any]]
    record: dict[str, npt.NDArray[Any]] | None = None

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """Return what a trace says."""
        record = trace.record(np.arange(trace.plan.runs)) if trace.every_step else None
        return cls(trace.final, record)


Fit: TypeAlias = Callable[[], Outcome | Trace]
"""One whole fit of all runs, from their initial values to NumPy arrays: nothing is left to wait
for when it returns."""


@dataclass(frozen=True)
class Peer:
    """A way of doing a workload, which can be described without importing any framework.

    Parameters
    ----------
    name, title : str
        What it is called, and what it is in one line.
    backend : str
        The backend in whose process environment it works; empty for none.
    requires : tuple of str
        Distributions it needs.
    compiler : str
        ``"none"``, or the compiler that it has, such as ``"LLVM"``.
    obstacle : callable
        ``Workload -> str``: why it cannot do a workload; empty if it can.
    prepare : callable
        ``Workload -> Fit``: imports what it needs and puts the data where the framework wants them.
        That is not timed; what it returns is.
    does_more : str
        What it does beyond the workload, such as ``"validates after each epoch"``: then no ratio
        is printed.
    slow : bool
        Takes seconds to import or to compile, so that a quick benchmark leaves it out.
    """

    name: str
    title: str
    backend: str
    requires: tuple[str, ...]
    compiler: str
    obstacle: Callable[[Workload], str]
    prepare: Callable[[Workload], Fit]
    does_more: str = ""
    slow: bool = False
