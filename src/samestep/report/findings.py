"""What the page says about an exercise, grouped as a reader wants it: failures first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from samestep.referee import QUANTITIES
from samestep.summary import (
    AgreementModel,
    ClaimModel,
    ExerciseModel,
    FitModel,
    PublishedModel,
    Summary,
)
from samestep.table import Column, Row, Table

__all__ = [
    "Pair",
    "Problem",
    "agreement_table",
    "failures_first",
    "fits_by_title",
    "grouped_evidence",
    "largest_gap",
    "number",
    "pairs",
    "plan_table",
    "problems",
    "published_by_id",
]


@dataclass(frozen=True)
class Problem:
    """Something that failed, for the top of the page."""

    exercise: str
    anchor: str
    what: str
    why: str


@dataclass(frozen=True)
class Pair:
    """All agreements of two participants: the worst of each quantity, and what they are about."""

    participants: tuple[str, ...]
    worst: dict[str, AgreementModel]
    holds: dict[str, bool]
    gap: float
    plans: int
    runs: int
    runs_checked: int


def problems(exercise: ExerciseModel) -> Iterator[Problem]:
    """Everything that failed in an exercise, with a link to where it stands in the page."""

    def problem(what: str, why: str, anchor: str = "") -> Problem:
        return Problem(exercise.id, anchor or exercise.id, what, why)

    if exercise.error:
        yield problem("The exercise was not finished.", exercise.error)
    for participant, reason in exercise.failures.items():
        yield problem(f"{participant} raised.", reason)
    for claim in exercise.claims:
        if claim.holds is False:
            contradicted = [
                f"{label}: {evidence.text}"
                for label, evidence in claim.evidence.items()
                if evidence.applies and evidence.holds is False
            ]
            anchor = f"{exercise.id}--{claim.id}"
            yield problem(f"Claim: {claim.statement}", "; ".join(contradicted), anchor)
    for agreement in exercise.agreements:
        if not agreement.holds:
            pair = " and ".join(agreement.participants)
            what = f"Not the same step: {agreement.quantity}, {pair}."
            why = f"{agreement.plan}. {agreement.explanation}"
            yield problem(what, why, f"{exercise.id}--steps")
    for check in exercise.published:
        if check.holds is False:
            what = f"Published number {check.id} is no ordinary draw."
            why = (
                f"{check.value:g} lies outside {number(check.low)} to {number(check.high)}, "
                f"{check.participant}"
            )
            yield problem(what, why, f"{exercise.id}--published")


def pairs(exercise: ExerciseModel) -> list[Pair]:
    """Group the agreements by the two participants that they are about."""
    grouped: dict[tuple[str, ...], list[AgreementModel]] = {}
    for agreement in exercise.agreements:
        grouped.setdefault(tuple(agreement.participants), []).append(agreement)
    found = []
    for participants, agreements in grouped.items():
        quantity = {q: [a for a in agreements if a.quantity == q] for q in QUANTITIES}
        updates = quantity["update"]
        found.append(
            Pair(
                participants=participants,
                worst={q: max(of, key=lambda a: a.ratio) for q, of in quantity.items() if of},
                holds={q: all(a.holds for a in of) for q, of in quantity.items()},
                gap=largest_gap(updates),
                plans=len(updates),
                runs=sum(a.runs for a in updates),
                runs_checked=sum(a.runs_checked for a in updates),
            )
        )
    return found


def largest_gap(updates: Sequence[AgreementModel]) -> float:
    """Return the largest relative gap between the paths of parameters; NaN counts as infinite."""
    gaps = [math.inf if math.isnan(a.relative_gap) else a.relative_gap for a in updates]
    return max(gaps, default=0.0)


def grouped_evidence(claim: ClaimModel) -> dict[tuple[bool | None, bool, str], list[str]]:
    """Participants by what they contribute, which is often the same."""
    grouped: dict[tuple[bool | None, bool, str], list[str]] = {}
    for participant, e in claim.evidence.items():
        grouped.setdefault((e.holds, e.applies, e.text), []).append(participant)
    return grouped


def fits_by_title(exercise: ExerciseModel) -> dict[str, list[FitModel]]:
    """Fits by title, in order."""
    grouped: dict[str, list[FitModel]] = {}
    for fit in exercise.fits:
        grouped.setdefault(fit.title, []).append(fit)
    return grouped


def published_by_id(exercise: ExerciseModel) -> dict[str, list[PublishedModel]]:
    """Published numbers by id, those that failed first; each with its participants."""
    verdicts = exercise.published_verdicts
    order = sorted(verdicts, key=lambda name: verdicts[name] is not False)
    return {name: [check for check in exercise.published if check.id == name] for name in order}


class _Judged(Protocol):
    @property
    def holds(self) -> bool | None: ...


_J = TypeVar("_J", bound=_Judged)


def failures_first(items: Sequence[_J]) -> list[_J]:
    """Return the items, those that failed before the others."""
    return sorted(items, key=lambda item: item.holds is not False)


def agreement_table(exercise: ExerciseModel, id: str) -> Table:
    """All agreements of an exercise."""
    columns = (
        Column(title="plan"),
        Column(title="participants"),
        Column(title="quantity"),
        Column(title="error", kind="number", form=".2e"),
        Column(title="bound", kind="number", form=".2e"),
        Column(title="error / bound", kind="number", form=".2g"),
        Column(title="at step", kind="number"),
        Column(title="steps", kind="number"),
        Column(title="gap", kind="number", form=".2e"),
        Column(title="runs judged", kind="number"),
        Column(title="runs", kind="number"),
        Column(title="verdict", kind="verdict"),
    )
    rows = tuple(
        Row(
            cells=(
                a.plan,
                " and ".join(a.participants),
                a.quantity,
                a.max_error,
                a.bound,
                a.ratio,
                a.step,
                a.steps,
                a.gap,
                a.runs_checked,
                a.runs,
                a.holds,
            )
        )
        for a in failures_first(exercise.agreements)
    )
    title = f"All {len(rows)} agreements: each quantity of each plan, where its error is largest"
    return Table(id=id, title=title, columns=columns, rows=rows)


def plan_table(summary: Summary) -> Table:
    """Every plan that was run, with the hash of everything that determines its steps."""
    plans = {
        (exercise.id, agreement.plan, agreement.plan_hash): agreement.runs
        for exercise in summary.exercises
        for agreement in exercise.agreements
    }
    return Table(
        id="plans",
        title="Plans and their hashes",
        note="SHA-256 of everything that determines the steps: data, initial values, the order of "
        "the batches, loss and settings. Plans with one hash take the same steps.",
        columns=(
            Column(title="exercise"),
            Column(title="plan"),
            Column(title="runs", kind="number"),
            Column(title="hash", kind="code"),
        ),
        rows=tuple(Row(cells=(*key[:2], runs, key[2])) for key, runs in plans.items()),
    )


def number(value: float) -> str:
    """Return a number to four digits."""
    return f"{value:.4g}"
