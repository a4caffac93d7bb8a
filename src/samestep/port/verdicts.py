"""Whether a step of the port is a step of the original: every quantity against its bound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from samestep.loss import Float64
from samestep.port.lockstep import Run, Step
from samestep.port.observation import KINDS, Observation, Quantity, apart
from samestep.port.precision import precision
from samestep.port.spread import SAMPLES
from samestep.port.taps import Taps

__all__ = ["Finding", "Row", "judge_start", "judge_step", "summarise", "without_unlike_taps"]

_PATIENCE = 4
"""How many times the usual variations are run before something is called wrong."""

_HOPELESS = 1e3
"""So many bounds apart, two float64 runs will not be brought together by more variations."""


@dataclass(frozen=True)
class Finding:
    """One comparison in one step.

    Parameters
    ----------
    step : int
    quantity : Quantity
    sides : tuple of str
        What was compared: a side and a precision, twice.
    own : bool
        Whether it is a side in the working precision against its own referee.
    error, bound : float
        Largest error, and how large rounding can make it.
    element : tuple of int
        Where the error is largest.
    values : tuple of float
        Both numbers there, in the order of the sides.
    """

    step: int
    quantity: Quantity
    sides: tuple[str, str]
    own: bool
    error: float
    bound: float
    element: tuple[int, ...]
    values: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Whether the error is within the bound."""
        return self.error <= self.bound

    @property
    def ratio(self) -> float:
        """Error in bounds; 0 for no error."""
        return self.error / self.bound if self.bound else (np.inf if self.error else 0.0)


@dataclass(frozen=True)
class Row:
    """All steps of one quantity.

    Parameters
    ----------
    quantity : Quantity
    worst : Finding
        The one that is farthest beyond its bound, or nearest to it.
    first : Finding or None
        The first that is beyond its bound.
    """

    quantity: Quantity
    worst: Finding
    first: Finding | None

    @property
    def holds(self) -> bool:
        """Whether all steps are within their bounds."""
        return self.first is None


def judge_start(
    original: Observation, port: Observation, dtype: str, labels: tuple[str, str]
) -> list[Finding]:
    """Compare what the two sides were given: equal but for one rounding; nothing counts as 0."""
    findings = []
    for quantity in dict.fromkeys((*original, *port)):
        shape = original.get(quantity, port.get(quantity, np.zeros(()))).shape
        value, theirs = (side.get(quantity, np.zeros(shape)) for side in (original, port))
        largest = max((float(np.abs(x).max(initial=0.0)) for x in (value, theirs)), default=0.0)
        bound = float(precision(dtype).ulp(largest)) if largest else 0.0
        findings.append(_finding(0, quantity, labels, value, theirs, bound, own=False))
    return findings


def judge_step(step: Step, labels: tuple[str, str]) -> tuple[list[Finding], str]:
    """Judge one step: first the two referees, then each side against its own.

    Where something is beyond its bound, more variations are run, so that an unlucky few do not
    make an alarm: a ReLU may fall on either side of its kink.

    Returns
    -------
    findings
    note : str
        That and where the numbers stopped being finite, after which nothing can be judged; else
        empty.
    """
    findings = _judged(step, labels)
    doubtful = {
        id(run): run
        for finding in findings
        if not finding.holds and (finding.own or finding.ratio < _HOPELESS)
        for run in (step.working if finding.own else step.referee)
    }
    if doubtful:
        for run in doubtful.values():
            run.spread.grow((_PATIENCE - 1) * SAMPLES)
        findings = _judged(step, labels)
    return _until_overflow(step, findings)


def _until_overflow(step: Step, findings: list[Finding]) -> tuple[list[Finding], str]:
    """Leave out what comes after numbers of the working precision stop being finite.

    Both sides must stop in the same quantity; if only one does, that is a divergence.
    """
    firsts = [
        next((q for q, x in run.seen.items() if not np.isfinite(x).all()), None)
        for run in step.working
    ]
    if firsts == [None, None]:
        return findings, ""
    name = next(q for q in firsts if q is not None)
    dtype = step.working[0].dtype
    note = f"From step {step.index} on, {name}, numbers are not finite in {dtype}: not judged."
    if firsts[0] != firsts[1]:
        return findings, note
    order = list(step.working[0].seen)
    after = set(order[order.index(name) :])
    return [f for f in findings if f.quantity not in after or not f.own], note


def _judged(step: Step, labels: tuple[str, str]) -> list[Finding]:
    first, second = step.referee
    sides = (f"{labels[0]} {first.dtype}", f"{labels[1]} {second.dtype}")
    slots = [q for q in dict.fromkeys((*first.seen, *second.seen)) if q.kind not in KINDS]
    paired = [q for q in first.seen if q in second.seen and q.kind in KINDS]
    updated = {q.name for q in paired if q.kind == "update"}
    findings = [
        _compared(step.index, quantity, sides, first, second, own=False)
        for quantity in (*paired, *(q for q in slots if q.name in updated))
    ]
    for label, run, referee in zip(labels, step.working, step.referee, strict=True):
        if run is not referee:
            sides = (f"{label} {run.dtype}", f"{label} {referee.dtype}")
            findings.extend(
                _compared(step.index, quantity, sides, run, referee, own=True)
                for quantity in run.seen
            )
    return findings


def _compared(
    step: int, quantity: Quantity, sides: tuple[str, str], first: Run, second: Run, *, own: bool
) -> Finding:
    """Compare one quantity of two runs; what a run does not have is no number."""
    runs = (first, second)
    shape = next(run.seen[quantity].shape for run in runs if quantity in run.seen)
    a, b = (run.seen.get(quantity, np.full(shape, np.nan)) for run in runs)
    bound = sum(run.spread.bound(quantity) for run in runs if quantity in run.seen)
    return _finding(step, quantity, sides, a, b, bound, own=own)


def _finding(
    step: int,
    quantity: Quantity,
    sides: tuple[str, str],
    a: Float64,
    b: Float64,
    bound: float,
    *,
    own: bool,
) -> Finding:
    differences = apart(a, b)
    error = float(differences.max(initial=0.0))
    element = tuple(int(i) for i in np.unravel_index(int(differences.argmax()), a.shape))
    there = b.reshape(a.shape) if a.size == b.size else np.full(a.shape, np.nan)
    values = (float(a[element]), float(there[element]))
    return Finding(step, quantity, sides, own, error, bound, element, values)


def summarise(findings: Sequence[Finding], order: Iterable[Quantity]) -> list[Row]:
    """Gather the steps of each quantity, in the order in which the original makes them."""
    initial = [f.quantity for f in findings if f.quantity.kind.startswith("initial")]
    groups: dict[Quantity, list[Finding]] = {quantity: [] for quantity in (*initial, *order)}
    for finding in findings:
        groups.setdefault(finding.quantity, []).append(finding)
    rows = []
    for quantity, group in groups.items():
        if not group:
            continue
        failed = [finding for finding in group if not finding.holds]
        rows.append(Row(quantity, max(group, key=lambda f: f.ratio), failed[0] if failed else None))
    return rows


def without_unlike_taps(findings: Sequence[Finding], taps: Taps) -> tuple[list[Finding], list[str]]:
    """Leave out layers that were paired by a guess and differ while all that follows agrees.

    Where outputs, losses, gradients and updates agree, the two layers are not one; a layer with its
    activation, for instance, beside one without.
    """
    wrong = {f.quantity for f in findings if not f.holds}
    guessed = {Quantity("activation", tap.original) for tap in taps.pairs if not tap.given}
    if not wrong or not wrong <= guessed:
        return list(findings), []
    names = ", ".join(sorted(q.name for q in wrong))
    note = (
        f"Not compared: {names}. They differ from the layers they were paired with, while outputs, "
        "losses, gradients and updates agree, so they are other layers."
    )
    return [f for f in findings if f.quantity not in wrong], [note]
