"""``samestep bench``: every mode and its peers, timed on the same work after parity is proved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from samestep.benchmarking.conduct import bench
from samestep.benchmarking.result import BenchResult
from samestep.cli.console import FAILED, HELD, INTERRUPTED, errors, output

__all__ = ["run_bench"]


def run_bench(
    *,
    quick: bool = False,
    on: Sequence[str] = (),
    dtype: str = "float32",
    workloads: Sequence[str] = (),
    as_json: bool = False,
    markdown: bool = False,
    folder: Path | None = None,
) -> int:
    """Run the benchmark and print ratios, contenders and growth; return the exit status.

    Parameters
    ----------
    quick : bool
        Less than a minute; it says what it leaves out.
    on : sequence of str
        Participants; all installed ones by default.
    dtype : {"float32", "float64"}
    workloads : sequence of str
        Some of the workloads; all by default.
    as_json, markdown : bool
        How it is printed.
    folder : Path, optional
        A run's folder, to keep tables and figures for its report.
    """
    result = _conduct(quick=quick, on=on, dtype=dtype, workloads=workloads)
    if folder:
        result.save(folder)
    if as_json:
        sys.stdout.write(result.to_json())
    elif markdown:
        sys.stdout.write(result.to_markdown())
    else:
        for table in result.tables():
            output().print(table)
        for note in result.notes:
            output().print(note)
    if result.interrupted:
        return INTERRUPTED
    return HELD if result.holds else FAILED


def _conduct(
    *, quick: bool, on: Sequence[str], dtype: str, workloads: Sequence[str]
) -> BenchResult:
    console = errors()
    with Progress(
        BarColumn(bar_width=20),
        TimeRemainingColumn(),
        TextColumn(
            "{task.description}",
            style="dim",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not console.is_terminal,
        refresh_per_second=2,  # so that it does not disturb what is timed
    ) as bar:
        task = bar.add_task("", total=None)

        def progress(what: str, done: float, total: float) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        return bench(
            quick=quick,
            on=on,
            dtype=dtype,
            workloads=workloads,
            progress=progress,
            tell=lambda text: bar.console.print(text, soft_wrap=True),
        )
