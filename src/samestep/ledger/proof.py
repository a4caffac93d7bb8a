"""The proof of a loss: both sides, case by case, against the reference and against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from samestep.errors import one_line
from samestep.interface import DTYPES
from samestep.ledger.examination import Examined, Point, examine
from samestep.ledger.loss_entry import Case, LossEntry, Step
from samestep.ledger.native import Exhibit, Native
from samestep.ledger.sides import Outcome, Runner
from samestep.registry import backend

__all__ = ["Proof", "SideProof", "StepProof", "prove"]


@dataclass
class SideProof:
    """What was found about one side.

    Parameters
    ----------
    native : Exhibit
    ratio, error, relative : dict
        By dtype: the largest error over its bound, the largest error, and the largest relative
        error, on ordinary inputs, over all reductions, values and gradients.
    failures : list of str
        Where it is not what the reference is.
    lookalike : str, optional
        Where what is shipped under that name differs; empty if it does not.
    """

    native: Exhibit
    ratio: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DTYPES, 0.0))
    error: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DTYPES, 0.0))
    relative: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DTYPES, 0.0))
    failures: list[str] = field(default_factory=list)
    lookalike: str | None = None

    def add(self, item: Examined, side: str) -> None:
        """Take note of what was found about one quantity."""
        finding = item.findings[side]
        if not item.case.adversarial:
            for known, found in (
                (self.ratio, finding.ratio),
                (self.error, finding.error),
                (self.relative, finding.relative),
            ):
                known[item.dtype] = max(known[item.dtype], found)
        if failure := item.failure(side):
            self.failures.append(failure)


@dataclass(frozen=True)
class StepProof:
    """A step of a conversion, and what happens without it: nothing, if ``without`` is empty."""

    step: Step
    without: str


@dataclass(frozen=True)
class Proof:
    """Everything that was found about a loss.

    Parameters
    ----------
    sides : mapping
        By backend.
    steps : tuple of StepProof
    points : tuple of Point
    numbers : int
        How many numbers of all sides were compared with the reference.
    """

    sides: Mapping[str, SideProof]
    steps: tuple[StepProof, ...]
    points: tuple[Point, ...]
    numbers: int


class _Code:
    """A side's code at one working precision, compiled once for each set of options."""

    def __init__(
        self,
        entry: LossEntry,
        name: str,
        dtype: str,
        code: Callable[..., Any],
        steps: Sequence[Step],
    ) -> None:
        self._entry, self._code, self._steps = entry, code, steps
        self._backend = backend(name, dtype=dtype)
        self._runners: dict[str, Runner] = {}

    def run(self, case: Case) -> tuple[list[Outcome], str]:
        """Return the outcomes of a case, or what was raised."""
        key = repr(sorted(case.options.items()))
        if key not in self._runners:
            self._runners[key] = Runner(
                self._backend,
                self._entry.predictions,
                self._code,
                self._entry.settings(case),
                self._steps,
            )
        try:
            return self._runners[key](case), ""
        except Exception as error:  # noqa: BLE001  # whatever a framework raises is a finding
            return [], one_line(error)


def prove(entry: LossEntry, natives: Mapping[str, Native]) -> Proof:
    """Prove an entry in every working precision.

    Parameters
    ----------
    entry : LossEntry
    natives : mapping
        The code of each side, by backend.
    """
    sides = {name: SideProof(native.exhibit()) for name, native in natives.items()}
    points: dict[tuple[Any, ...], Point] = {}
    numbers = 0
    for dtype in DTYPES:
        codes = {
            name: _Code(
                entry, name, dtype, native.call, entry.conversion if native.converted else ()
            )
            for name, native in natives.items()
        }
        for case in entry.cases:
            outcomes = {}
            for name, code in codes.items():
                found, raised = code.run(case)
                if raised:
                    sides[name].failures.append(f"{case.name}, {dtype}: {raised}")
                else:
                    outcomes[name] = found
            for item in examine(entry, case, dtype, outcomes):
                for name in outcomes:
                    sides[name].add(item, name)
                    numbers += item.reference.value.size
                for point in item.points():
                    key = (point.case, point.quantity, point.index)
                    known = points.setdefault(key, point)
                    if dtype not in known.dtypes:
                        points[key] = replace(known, dtypes=(*known.dtypes, dtype))
    for name, side in sides.items():
        if lookalike := natives[name].lookalike:
            side.lookalike = _difference(entry, name, lookalike.call, ())
    return Proof(sides, _without_each(entry, natives), tuple(points.values()), numbers)


def _without_each(entry: LossEntry, natives: Mapping[str, Native]) -> tuple[StepProof, ...]:
    converted = {name: native for name, native in natives.items() if native.converted}
    proofs = []
    for k, step in enumerate(entry.conversion):
        rest = (*entry.conversion[:k], *entry.conversion[k + 1 :])
        # Needed means needed by every side that is converted.
        found = [_difference(entry, name, side.call, rest) for name, side in converted.items()]
        proofs.append(StepProof(step, found[0] if found and all(found) else ""))
    return tuple(proofs)


def _difference(
    entry: LossEntry, side: str, code: Callable[..., Any], steps: Sequence[Step]
) -> str:
    """Say where code first differs from the reference on ordinary inputs in float64, if it does."""
    dtype = DTYPES[-1]
    runner = _Code(entry, side, dtype, code, steps)
    for case in (case for case in entry.cases if not case.adversarial):
        outcomes, raised = runner.run(case)
        if raised:
            return raised
        for item in examine(entry, case, dtype, {side: outcomes}):
            if failure := item.failure(side):
                return failure
    return ""
