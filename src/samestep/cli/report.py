"""``samestep report``: the report of stored results; it needs no framework."""

from __future__ import annotations

from pathlib import Path

from samestep.cli.console import HELD, output, show_in_browser
from samestep.errors import UsageError
from samestep.report import write_report
from samestep.summary import load_summary

__all__ = ["make_report"]


def make_report(folder: Path, *, path: Path | None, open_report: bool, questions_only: bool) -> int:
    """Write the report of stored results and say where it is; return the exit status, which is 0.

    Parameters
    ----------
    folder : Path
        The output folder of a run.
    path : Path or None
        The file to write; ``report.html`` in that folder by default.
    open_report : bool
        Open it in the browser.
    questions_only : bool
        Hide answers and evidence behind a click, for use in class.
    """
    summary = load_summary(folder)
    try:
        written = write_report(summary, folder, path, questions_only=questions_only)
    except OSError as error:
        raise UsageError(
            f"Cannot write {error.filename!r}: {error.strerror}.", "Name another file: -o FILE."
        ) from error
    output().print(f"Report: {written}", soft_wrap=True)
    if open_report:
        show_in_browser(written)
    return HELD
