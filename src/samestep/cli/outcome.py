"""What an exercise found, on one line; what failed, on a few more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from samestep.runner import DEFAULT_SEEDS

if TYPE_CHECKING:
    from samestep.summary import ExerciseModel, Summary

__all__ = ["failure_lines", "header_line", "outcome_line", "total_lines"]

GOOD, BAD, OPEN = "green", "bold red", "yellow"

_SHOWN = 2
"""Failures of one exercise that are spelt out on the terminal; the report has them all."""

_TITLES = ("exercise", "same step", "error/bound", "rel. gap", "claims", "published", "time")
_WIDTHS = (21, 11, 18, 10, 20, 13, 7)


def header_line(width: int) -> Text:
    """Titles of the columns; narrow terminals have them in each line instead."""
    return _row([Text(title, "dim") for title in _TITLES]) if width >= sum(_WIDTHS) else Text()


def outcome_line(exercise: ExerciseModel, width: int) -> Text:
    """One exercise: same step or not, worst error, gap, claims, published numbers, time.

    It takes one line on a terminal of 100 columns, two on a narrower one.
    """
    worst = exercise.worst
    gaps = [a.relative_gap for a in exercise.agreements if a.quantity == "update"]
    cells = [
        Text(exercise.id, "bold"),
        _same_step([agreement.holds for agreement in exercise.agreements]),
        Text(f"{worst.ratio:.2g} {worst.quantity}" if worst else "-"),
        Text(f"{max(gaps):.1e}" if gaps else "-"),
        _count([claim.holds for claim in exercise.claims], "held"),
        _count(list(exercise.published_verdicts.values()), "inside"),
        Text(f"{exercise.seconds:.1f} s", "dim"),
    ]
    if width >= sum(_WIDTHS):
        return _row(cells)
    _, *rest = (
        Text.assemble((f"{title} ", "dim"), cell)
        for title, cell in zip(_TITLES, cells, strict=True)
    )
    indented = Text("\n" + " " * 4).append_text(Text("  ").join(rest[3:]))
    return Text.assemble(cells[0], "  ", Text("  ").join(rest[:3]), indented)


def failure_lines(exercise: ExerciseModel) -> Iterator[Padding]:
    """What was contradicted: claims, agreements, published numbers."""
    found = list(_failures(exercise))
    for what, why in found[:_SHOWN]:
        yield Padding(Text.assemble((what, BAD), f" {why}"), (0, 0, 0, 4), expand=False)
    if len(found) > _SHOWN:
        yield Padding(
            f"and {len(found) - _SHOWN} more: the report has them all", (0, 0, 0, 4), expand=False
        )


def total_lines(summary: Summary, seconds: float) -> Iterator[Text]:
    """The verdict on the whole run."""
    exercises = summary.exercises
    claims = [claim.holds for exercise in exercises for claim in exercise.claims]
    agreements = [a.holds for exercise in exercises for a in exercise.agreements]
    published = [v for exercise in exercises for v in exercise.published_verdicts.values()]
    counted = (
        f"{_plural(len(claims), 'claim')}, {_plural(len(agreements), 'agreement')}, "
        f"{_plural(len(published), 'published number')}; {seconds:.0f} s"
    )
    failed = [*claims, *agreements, *published].count(False)
    if failed:
        yield Text.assemble((f"{failed} failed", BAD), f" of {counted}.")
    elif None in (*claims, *published):
        held = [*claims, *agreements, *published].count(True)
        yield Text.assemble(("Nothing failed", GOOD), f", {held} held, of {counted}.")
    else:
        yield Text.assemble(("Everything held", GOOD), f": {counted}.")
    for what, names in (
        ("Not finished, or not by all participants", [e.id for e in exercises if not e.complete]),
        ("Not run", summary.not_run),
    ):
        if names:
            yield Text.assemble((what, BAD), f": {', '.join(names)}.")
    undecided = [*claims, *published].count(None)
    if undecided:
        yield Text.assemble(
            (f"{undecided} undecided", OPEN), f": too few seeds; {DEFAULT_SEEDS} decide all."
        )


def _failures(exercise: ExerciseModel) -> Iterator[tuple[str, str]]:
    for claim in exercise.claims:
        if claim.holds is False:
            who = [label for label, e in claim.evidence.items() if e.applies and e.holds is False]
            evidence = claim.evidence[who[0]].text
            yield f"claim {claim.id}:", f"{claim.statement} {', '.join(who)}: {evidence}"
    # One divergence shows in several quantities, and in every pair with that participant.
    divergences = {
        f"{a.plan}: {a.explanation or ' and '.join(a.participants)}"
        for a in exercise.agreements
        if not a.holds
    }
    for divergence in sorted(divergences):
        yield "not the same step:", divergence
    for check in exercise.published:
        if check.holds is False:
            yield (
                f"published {check.id}:",
                f"{check.value:g} lies outside [{check.low:.4g}, {check.high:.4g}] "
                f"({check.participant}, percentile {check.percentile:.3g})",
            )


def _same_step(holds: Sequence[bool]) -> Text:
    if not holds:
        return Text("-")
    return Text("yes", GOOD) if all(holds) else Text(f"NO ({holds.count(False)}x)", BAD)


def _count(verdicts: Sequence[bool | None], good: str) -> Text:
    """Such as ``3 held, 1 undecided, 1 FAILED``, without what does not occur."""
    parts = [
        (f"{verdicts.count(True)} {good}", GOOD, verdicts.count(True)),
        (f"{verdicts.count(None)} undecided", OPEN, verdicts.count(None)),
        (f"{verdicts.count(False)} FAILED", BAD, verdicts.count(False)),
    ]
    shown = [Text(text, style) for text, style, count in parts if count]
    return Text(", ").join(shown) if shown else Text("-")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _row(cells: Sequence[Text]) -> Text:
    """Lay cells out in columns; a cell that is too wide pushes the next ones, and loses nothing."""
    line, start = Text(), 0
    for cell, width in zip(cells, _WIDTHS, strict=True):
        line.append(" " * max(start - len(line), 1 if start else 0))
        line.append_text(cell)
        start += width
    return line
