"""The top of the page: what agrees, what differs, and why; all of it counted, nothing typed in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from samestep.report.findings import Problem, largest_gap
from samestep.summary import AgreementModel, Summary
from samestep.table import Table

__all__ = ["Overview", "Point", "overview"]

_UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}
_EXPLANATIONS = 5
"""Steps that were not taken, spelt out at the top; the list of failures has them all."""


@dataclass(frozen=True)
class Point:
    """A sentence or two, and the anchor of the place that says more."""

    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Overview:
    """The summary of a run in three lists, each of which may be empty."""

    agrees: list[Point]
    differs: list[Point]
    why: list[Point]


def overview(
    summary: Summary, problems: Sequence[Problem], tables: Mapping[str, Table]
) -> Overview:
    """Sum up a run.

    Parameters
    ----------
    summary : Summary
    problems : sequence of Problem
        Everything that failed.
    tables : mapping of str to Table
        The tables beside the run, by id.
    """
    return Overview(
        agrees=list(_agrees(summary)),
        differs=[*_failed(problems), *_gaps(summary), *_lacking(summary), *_counted(tables)],
        why=list(_why(summary)),
    )


def _agreements(summary: Summary) -> list[AgreementModel]:
    return [agreement for exercise in summary.exercises for agreement in exercise.agreements]


def _agrees(summary: Summary) -> Iterator[Point]:
    agreements = _agreements(summary)
    if agreements:
        worst = max(agreements, key=lambda agreement: agreement.ratio)
        where = next(e for e in summary.exercises if worst in e.agreements)
        plans = len({agreement.plan_hash for agreement in agreements})
        held = [agreement.holds for agreement in agreements].count(True)
        yield Point(
            f"The same step: {held} of {len(agreements)} agreements held (plans: {plans}). The "
            f"largest error is {worst.ratio:.2g} times what rounding can make in one step "
            f"({worst.quantity}, {worst.plan}).",
            f"{where.id}--steps",
        )
    if any(name.startswith("oracle/") for a in agreements for name in a.participants):
        yield Point("A participant that is alone at its precision was compared with the oracle.")
    claims = [claim.holds for exercise in summary.exercises for claim in exercise.claims]
    yield from _counts(claims, "claims", "held")
    checks = [v for exercise in summary.exercises for v in exercise.published_verdicts.values()]
    yield from _counts(
        checks, "published numbers", "ordinary draws from our distribution over seeds"
    )


def _counts(verdicts: Sequence[bool | None], what: str, good: str) -> Iterator[Point]:
    """Count what held and what is undecided; what failed is no agreement."""
    counts = {good: verdicts.count(True), "undecided, for want of seeds": verdicts.count(None)}
    found = "; ".join(f"{count} {words}" for words, count in counts.items() if count)
    if found:
        yield Point(f"Of {len(verdicts)} {what}: {found}.")


def _failed(problems: Sequence[Problem]) -> Iterator[Point]:
    if problems:
        yield Point(f"Findings that failed: {len(problems)}.", "failed")


def _gaps(summary: Summary) -> Iterator[Point]:
    """How far the paths of two participants come apart, by precision."""
    gaps = _largest_gaps(summary)
    if any(gaps.values()):
        listed = ", ".join(f"{gap:.1e} in {dtype}" for dtype, gap in gaps.items())
        yield Point(
            f"The paths of the parameters come apart by up to {listed}, as a share of the largest "
            "parameter of that step."
        )
    elif gaps:
        yield Point("The paths of the parameters are equal to the bit.")


def _largest_gaps(summary: Summary) -> dict[str, float]:
    updates: dict[str, list[AgreementModel]] = {}
    for agreement in _agreements(summary):
        if agreement.quantity == "update":
            updates.setdefault(agreement.dtype, []).append(agreement)
    return {dtype: largest_gap(of) for dtype, of in updates.items()}


def _lacking(summary: Summary) -> Iterator[Point]:
    """Claims about something that some frameworks have and others have not."""
    for exercise in summary.exercises:
        claims: dict[tuple[str, str], list[str]] = {}
        for claim in exercise.claims:
            lacking = {
                (label.partition("/")[0], evidence.text.removeprefix("not applicable: "))
                for label, evidence in claim.evidence.items()
                if not evidence.applies
            }
            for both in sorted(lacking):
                claims.setdefault(both, []).append(claim.id)
        for (framework, reason), ids in claims.items():
            yield Point(f"Does not apply to {framework} ({', '.join(ids)}): {reason}.", exercise.id)


def _counted(tables: Mapping[str, Table]) -> Iterator[Point]:
    """How often each verdict stands in the tables beside the run."""
    for table in tables.values():
        for i, column in enumerate(table.columns):
            if column.kind == "verdict":
                counts = Counter(table.texts(row)[i] for row in table.rows)
                listed = ", ".join(f"{count} {word}" for word, count in counts.most_common())
                yield Point(f"{table.title}, {column.title}: {listed}.", f"table-{table.id}")


def _why(summary: Summary) -> Iterator[Point]:
    agreements = _agreements(summary)
    failed = dict.fromkeys(f"{a.plan}: {a.explanation}" for a in agreements if not a.holds)
    for text in list(failed)[:_EXPLANATIONS]:
        yield Point(f"{text}.")
    if not agreements or failed:
        return
    text = "Each step on its own lies within rounding"
    gaps = _largest_gaps(summary)
    if any(gaps.values()):
        text += ", so the gap between two paths is rounding carried from step to step"
    if all(0 < gaps.get(dtype, 0) < math.inf for dtype in _UNIT_ROUNDOFF):
        roundoff, gap = (v["float32"] / v["float64"] for v in (_UNIT_ROUNDOFF, gaps))
        text += f": in float64, whose roundoff is {roundoff:,.2g} times smaller, it is {gap:,.2g}"
        text += " times smaller"
    yield Point(f"{text}.")
