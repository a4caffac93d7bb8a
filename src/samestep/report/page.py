"""The page: everything that the templates show, from the folder of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samestep.report import findings, replays
from samestep.report.images import embed
from samestep.report.listing import highlighted, side_by_side
from samestep.report.overview import overview
from samestep.report.sections import table_sections
from samestep.summary import ExerciseModel, Summary
from samestep.table import load_tables
from samestep.templating import templates

__all__ = ["render_report", "write_report"]


def write_report(
    summary: Summary, folder: Path, path: Path | None = None, *, questions_only: bool = False
) -> Path:
    """Write the report of a run as one HTML file, and return its path.

    Parameters
    ----------
    summary : Summary
        With the figures' files filled in, as :meth:`samestep.results.Result.save` does.
    folder : Path
        The output folder of the run, with its figures and tables.
    path : Path, optional
        The file; ``report.html`` in that folder by default.
    questions_only : bool
        Hide answers and evidence behind a click, for use in class.

    Raises
    ------
    UsageError
        If a file in the folder's ``tables`` is no table.
    OSError
        If the file cannot be written.
    """
    path = path or folder / "report.html"
    text = render_report(summary, folder, questions_only=questions_only)
    path.write_text(text, encoding="utf-8")
    return path


def render_report(summary: Summary, folder: Path, *, questions_only: bool = False) -> str:
    """Return the report as the text of one HTML page; parameters as of :func:`write_report`."""
    problems = [p for exercise in summary.exercises for p in findings.problems(exercise)]
    undecided = _undecided(summary)
    tables = load_tables(folder)
    return (
        templates()
        .get_template("report/page.html.j2")
        .render(
            summary=summary,
            environment=summary.described_environment,
            questions_only=questions_only,
            problems=problems,
            undecided=undecided,
            verdict="something failed"
            if problems
            else "nothing failed"
            if undecided or summary.not_run
            else "everything held",
            overview=overview(summary, problems, tables),
            sections=table_sections(tables, folder),
            plans=findings.plan_table(summary),
            embed=lambda figure: embed(figure, folder),
            gap=_gap,
            counted=_counted,
            agreement_table=findings.agreement_table,
            failures_first=findings.failures_first,
            fits_by_title=findings.fits_by_title,
            grouped_evidence=findings.grouped_evidence,
            pairs=findings.pairs,
            published_by_id=findings.published_by_id,
            draw_panels=replays.draw_panels,
            frame=replays.FRAME,
            highlighted=highlighted,
            side_by_side=side_by_side,
        )
    )


def _undecided(summary: Summary) -> int:
    """How many claims and published numbers too few seeds leave undecided."""
    verdicts = [claim.holds for exercise in summary.exercises for claim in exercise.claims]
    for exercise in summary.exercises:
        verdicts.extend(exercise.published_verdicts.values())
    return verdicts.count(None)


def _gap(exercise: ExerciseModel) -> float:
    return findings.largest_gap([a for a in exercise.agreements if a.quantity == "update"])


def _counted(verdicts: Sequence[bool | None]) -> str:
    """Such as ``3 held, 1 undecided``, failures first, without what does not occur."""
    counts = {
        "failed": verdicts.count(False),
        "held": verdicts.count(True),
        "undecided": verdicts.count(None),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"
