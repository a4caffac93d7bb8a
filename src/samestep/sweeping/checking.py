"""Do the participants of stored sweeps take the same step? Also across stores and machines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from samestep.agreement import Agreement, agree
from samestep.errors import UsageError
from samestep.judgement import Judgement, judge
from samestep.registry import oracle
from samestep.store.files import StoreError
from samestep.store.store import differences
from samestep.sweeping.layout import Chunk, Group, chunk_plan
from samestep.sweeping.recording import checked_trace
from samestep.sweeping.results import SweepResult, SweepTask
from samestep.table import Column, Row, Table
from samestep.training import train
from samestep.verdict import order_of_ratio

__all__ = ["SweepAgreement", "agreement_table", "cross_check"]

_TOGETHER = 256
"""Runs that are judged at a time; bounds the memory."""


@dataclass(frozen=True)
class SweepAgreement:
    """Two participants on a group of runs: both took the oracle's steps, or not.

    Parameters
    ----------
    participants : tuple of str
    dtype, loss : str
    batch_size : int
    quantity : str
        The one whose error is largest relative to its bound.
    max_error, bound : float
    relative_gap : float
        Largest difference between the two participants' records of the judged runs, as a share of
        the largest number in the same step; reported, not judged.
    judged, runs : int
        How many of how many runs were judged, at every step.
    equal_runs : int
        Runs whose parameters at the end are equal; of all, not of the judged ones. None against
        the oracle, which runs only what is judged.
    holds : bool
    explanation : str
        The first number that is wrong.
    """

    participants: tuple[str, ...]
    dtype: str
    loss: str
    batch_size: int
    quantity: str
    max_error: float
    bound: float
    relative_gap: float
    judged: int
    runs: int
    equal_runs: int
    holds: bool
    explanation: str

    @property
    def ratio(self) -> float:
        """Error over bound."""
        return _ratio(self)


@dataclass(frozen=True)
class _Side:
    """A participant of one of the stores, in one precision."""

    result: SweepResult
    participant: str
    dtype: str
    label: str

    def tasks(self, group: Group) -> list[SweepTask]:
        return self.result.of(self.participant, self.dtype, group)


def cross_check(*results: SweepResult) -> list[SweepAgreement]:
    """Judge the checked runs of all participants, and form pairs within each precision.

    A participant that is alone in its precision is paired with the oracle.

    Parameters
    ----------
    *results : SweepResult
        One or more; a participant may stand in several of them.

    Raises
    ------
    UsageError
        If plans differ, a store is not complete, or two or more stores share no precision.
    StoreError
        If arrays are damaged, or the data cannot be drawn here as they were there.
    """
    first = results[0]
    for other in results[1:]:
        differ = differences(first.store.plan["sweep"], other.store.plan["sweep"])
        if differ:
            raise UsageError(
                f"The plans of {first.store.folder} and {other.store.folder} differ.",
                f"They differ in {differ}.",
            )
    for result in results:
        result.notes(result.tasks)  # complete, or an error
        result.manifest  # noqa: B018  # unchanged since it was finished, or an error
    by_dtype = _sides(results)
    shared = [len({side.result.store.folder for side in sides}) for sides in by_dtype.values()]
    if len(results) > 1 and max(shared) < 2:
        raise UsageError(
            "The stores have no precision in common: "
            + "; ".join(f"{r.store.folder}: {', '.join(r.dtypes)}" for r in results)
            + ".",
            "Compare sweeps at one dtype.",
        )
    return [
        agreement
        for sides in by_dtype.values()
        for group in first.groups()
        for agreement in _check_group(sides, group)
    ]


def _sides(results: Sequence[SweepResult]) -> dict[str, list[_Side]]:
    """All participants by precision; who stands in two stores is told apart by their names."""
    found: dict[str, list[_Side]] = {}
    for result in results:
        for task in result.tasks:
            label = (result.store.environment(task.side) or {}).get("participant", task.side)
            side = _Side(result, task.participant, task.dtype, label)
            if side not in found.setdefault(task.dtype, []):
                found[task.dtype].append(side)
    for sides in found.values():
        labels = [side.label for side in sides]
        sides[:] = [
            replace(side, label=f"{side.label} in {side.result.store.folder}")
            if labels.count(side.label) > 1
            else side
            for side in sides
        ]
    return found


def _check_group(sides: Sequence[_Side], group: Group) -> Iterator[SweepAgreement]:
    _require_same_data(sides, group)
    for side in sides:
        side.result.verify(side.tasks(group))
    parts: dict[tuple[str, ...], list[SweepAgreement]] = {}
    for start in range(0, len(group.checked), _TOGETHER):
        judgements = _judge(sides, group, slice(start, start + _TOGETHER))
        for pair in itertools.combinations(judgements, 2):
            found = _agreement(pair, group)
            parts.setdefault(found.participants, []).append(found)
    ends = {side.label: _ends(side, group) for side in sides}
    for participants, found_parts in parts.items():
        worst = max(found_parts, key=_ratio)
        a, b = (ends.get(label) for label in participants)
        yield replace(
            worst,
            relative_gap=max(part.relative_gap for part in found_parts),
            judged=len(np.unique(group.checked)),
            equal_runs=0 if a is None or b is None else _equal_runs(a, b),
            holds=all(part.holds for part in found_parts),
            explanation=next((part.explanation for part in found_parts if part.explanation), ""),
        )


def _require_same_data(sides: Sequence[_Side], group: Group) -> None:
    """Compare the hashes of what was drawn: there, elsewhere and here."""
    here = chunk_plan(Chunk(group, 0)).hash
    known: dict[str, str] = {}
    for side in sides:
        notes = side.result.notes(side.tasks(group))
        for task in side.tasks(group):
            plan = notes[task.name]["plan"]
            if known.setdefault(task.chunk.name, plan) != plan:
                raise StoreError(
                    f"{side.label} ran other data than {sides[0].label} in {task.chunk.name}: the "
                    "hashes of their plans differ.",
                    "Random numbers depend on the version of NumPy: samestep show tells it.",
                )
    if known[Chunk(group, 0).name] != here:
        raise StoreError(
            "The data that the sweep ran on cannot be drawn here: the plan has another hash.",
            "Random numbers depend on the version of NumPy: samestep show tells which one ran it.",
        )


def _judge(sides: Sequence[_Side], group: Group, places: slice) -> list[Judgement]:
    judgements = []
    for side in sides:
        arrays = side.result.open(side.tasks(group)[0])
        judgements.append(judge(checked_trace(group, places, arrays, side.label, side.dtype)))
    if len(judgements) == 1:
        # In the participant's precision, so that it overflows at the same step.
        trace = train(oracle(sides[0].dtype), judgements[0].trace.plan)
        judgements.append(judge(replace(trace, participant=f"oracle/{sides[0].dtype}")))
    return judgements


def _agreement(pair: tuple[Judgement, ...], group: Group) -> SweepAgreement:
    first, second = pair
    agreements = list(agree(first, second))
    worst = max(agreements, key=_ratio)
    divergences = [
        f"{j.trace.participant}: {quantity} at step {finding.step}, {finding.element}: "
        f"{finding.observed!r} instead of {finding.expected!r}"
        for j in pair
        if j.first
        for quantity, finding in [j.first]
    ]
    holds = all(agreement.holds for agreement in agreements)
    if not holds and not divergences:
        divergences = ["numbers stop being finite at different steps, or without reason"]
    return SweepAgreement(
        participants=worst.participants,
        dtype=worst.dtype,
        loss=group.loss,
        batch_size=group.batch_size,
        quantity=worst.quantity,
        max_error=worst.max_error,
        bound=worst.bound,
        relative_gap=max(agreement.relative_gap for agreement in agreements),
        judged=0,
        runs=group.runs,
        equal_runs=0,
        holds=holds,
        explanation="; ".join(divergences),
    )


def _ratio(agreement: Agreement | SweepAgreement) -> float:
    if not agreement.bound:
        return 0.0
    return order_of_ratio(agreement.max_error / agreement.bound)


def _ends(side: _Side, group: Group) -> npt.NDArray[np.floating]:
    return np.asarray(side.result.open(side.tasks(group)[0])["parameters"])


def _equal_runs(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> int:
    return int(((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1).sum())


def agreement_table(agreements: Sequence[SweepAgreement]) -> Table:
    """Return the agreements as a table."""
    return Table(
        id="sweep-agreements",
        title="Did they take the same step?",
        note="Error/bound: the largest error of any judged step as a share of what rounding can "
        "make of it. The gap between the participants' paths is reported, not judged. Judged: runs "
        "that were recorded at every step. Equal ends: runs whose last parameters are equal.",
        columns=(
            Column(title="participants"),
            Column(title="loss, batch size"),
            Column(title="same step", kind="verdict"),
            Column(title="error/bound"),
            Column(title="rel. gap", kind="number", form=".1e"),
            Column(title="judged", kind="number"),
            Column(title="equal ends", kind="number"),
        ),
        rows=tuple(
            Row(
                cells=(
                    " and ".join(a.participants),
                    f"{a.loss}, {a.batch_size}",
                    a.holds,
                    f"{a.ratio:.2g} {a.quantity}",
                    a.relative_gap,
                    f"{a.judged}/{a.runs}",
                    f"{a.equal_runs}/{a.runs}",
                )
            )
            for a in agreements
        ),
    )
