"""The report: one HTML file that needs no other, from what ``summary.json`` holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from markupsafe import Markup

from samestep.referee import QUANTITIES
from samestep.summary import (
    AgreementModel,
    ClaimModel,
    ExerciseModel,
    FigureModel,
    FitModel,
    PublishedModel,
    Summary,
)
from samestep.templating import templates

__all__ = ["render_report", "write_report"]

_VERDICTS = {True: "held", False: "failed", None: "undecided"}


def write_report(summary: Summary, folder: Path) -> Path:
    """Write ``report.html`` into the folder that holds the figures."""
    path = folder / "report.html"
    path.write_text(render_report(summary, folder), encoding="utf-8")
    return path


def render_report(summary: Summary, folder: Path) -> str:
    """Return the report as one HTML page, with the figures of the folder inlined as SVG.

    Parameters
    ----------
    summary : Summary
        With the figures' files filled in, as :meth:`samestep.results.Result.save` does.
    folder : Path
        To which those files are relative.
    """
    environment = templates()
    environment.filters["number"] = _number
    environment.filters["verdict"] = _VERDICTS.__getitem__
    return environment.get_template("report.html.j2").render(
        summary=summary,
        problems=[problem for exercise in summary.exercises for problem in _problems(exercise)],
        undecided=_undecided(summary),
        quantities=QUANTITIES,
        evidence=_evidence,
        pairs=_pairs,
        fits=_fits,
        published=_published,
        failures_first=_failures_first,
        svg=lambda figure: _inline_svg(figure, folder),
    )


@dataclass(frozen=True)
class _Problem:
    """Something that failed, for the top of the page."""

    exercise: str
    anchor: str
    what: str
    why: str


def _undecided(summary: Summary) -> int:
    """How many claims and published numbers too few seeds leave undecided."""
    verdicts = [claim.holds for exercise in summary.exercises for claim in exercise.claims]
    for exercise in summary.exercises:
        verdicts.extend(exercise.published_verdicts.values())
    return verdicts.count(None)


def _problems(exercise: ExerciseModel) -> Iterator[_Problem]:
    def problem(what: str, why: str, anchor: str = "") -> _Problem:
        return _Problem(exercise.id, anchor or exercise.id, what, why)

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
                f"{check.value:g} lies outside {_number(check.low)} to {_number(check.high)}, "
                f"{check.participant}"
            )
            yield problem(what, why, f"{exercise.id}--published")


@dataclass(frozen=True)
class _Pair:
    """All agreements of two participants: the worst of each quantity, and what they are about."""

    participants: tuple[str, ...]
    worst: dict[str, AgreementModel]
    holds: dict[str, bool]
    gap: float
    plans: int
    runs: int
    runs_checked: int


def _pairs(exercise: ExerciseModel) -> list[_Pair]:
    grouped: dict[tuple[str, ...], list[AgreementModel]] = {}
    for agreement in exercise.agreements:
        grouped.setdefault(tuple(agreement.participants), []).append(agreement)
    pairs = []
    for participants, agreements in grouped.items():
        quantity = {q: [a for a in agreements if a.quantity == q] for q in QUANTITIES}
        updates = quantity["update"]
        pairs.append(
            _Pair(
                participants=participants,
                worst={q: max(of, key=lambda a: a.ratio) for q, of in quantity.items() if of},
                holds={q: all(a.holds for a in of) for q, of in quantity.items()},
                gap=max((a.relative_gap for a in updates), default=0.0),
                plans=len(updates),
                runs=sum(a.runs for a in updates),
                runs_checked=sum(a.runs_checked for a in updates),
            )
        )
    return pairs


def _evidence(claim: ClaimModel) -> dict[tuple[bool | None, bool, str], list[str]]:
    """Participants by what they contribute, which is often the same."""
    grouped: dict[tuple[bool | None, bool, str], list[str]] = {}
    for participant, e in claim.evidence.items():
        grouped.setdefault((e.holds, e.applies, e.text), []).append(participant)
    return grouped


def _fits(exercise: ExerciseModel) -> dict[str, list[FitModel]]:
    """Fits by title, in order."""
    grouped: dict[str, list[FitModel]] = {}
    for fit in exercise.fits:
        grouped.setdefault(fit.title, []).append(fit)
    return grouped


def _published(exercise: ExerciseModel) -> dict[str, list[PublishedModel]]:
    """Published numbers by id, those that failed first; each with its participants."""
    verdicts = exercise.published_verdicts
    order = sorted(verdicts, key=lambda name: verdicts[name] is not False)
    return {name: [check for check in exercise.published if check.id == name] for name in order}


class _Judged(Protocol):
    @property
    def holds(self) -> bool | None: ...


def _failures_first(items: Sequence[_Judged]) -> list[_Judged]:
    return sorted(items, key=lambda item: item.holds is not False)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _inline_svg(figure: FigureModel, folder: Path) -> Markup:
    """Return a figure's SVG as it can stand in a page together with others.

    Its ids, and the references to them, get the figure's name in front; its style rules apply to
    itself only; and it takes the width of the page.
    """
    files = [name for name in figure.files if name.endswith(".svg")]
    if not files:
        return Markup()
    text = (folder / files[0]).read_text(encoding="utf-8")
    start = text.index("<svg")
    head, body = text[start : text.rindex("</svg>")].split(">", maxsplit=1)
    name, caption = figure.name, Markup.escape(figure.caption)
    width = re.search(r'width="([^"]*)"', head)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head.removeprefix("<svg"))
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = body.replace("*{", f"#{name} *{{", 1)
    style = f"max-width: {width[1]}" if width else ""
    # Safe: the plotting library escapes what it writes, and the caption is escaped above.
    return Markup(
        f'<svg id="{name}" role="img" aria-label="{caption}" style="{style}"{head}>{body}</svg>'
    )
