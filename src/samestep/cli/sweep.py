"""``samestep sweep``: a grid of runs from a file into a store, which can be taken up again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from samestep.cli.console import FAILED, HELD, INTERRUPTED, errors, output
from samestep.cli.interpreters import interpreters
from samestep.errors import UsageError
from samestep.sweeping.checking import agreement_table, cross_check
from samestep.sweeping.conduct import sweep
from samestep.sweeping.specification import read_sweep

__all__ = ["sweep_file"]


def sweep_file(
    file: Path,
    *,
    folder: Path,
    in_process: bool = False,
    cluster: str | None = None,
    python: Sequence[str] = (),
    timeout: float | None = None,
) -> int:
    """Sweep, judge a sample of the runs, and print what was found; return the exit status.

    Parameters
    ----------
    file : Path
        The sweep, as TOML.
    folder : Path
        The store; what is complete there is not run again.
    in_process : bool
        Without worker processes.
    cluster : str, optional
        ``"local"``, or the address of a Dask scheduler.
    python : sequence of str
        ``NAME=PATH``: the interpreter for a backend's worker.
    timeout : float, optional
        Seconds after which a worker's chunk counts as hung.
    """
    if in_process and cluster:
        raise UsageError("--in-process and --cluster were both given.", "Give one of them.")
    settings = read_sweep(file)
    engine = "in-process" if in_process else (cluster or "workers")
    bar = _progress_bar()
    finished, total = 0, 0

    def progress(done: int, chunks: int) -> None:
        nonlocal finished, total
        if not total and done:
            bar.console.print(f"{done} of {chunks} chunks are complete already.")
        finished, total = done, chunks
        bar.update(task, completed=done, total=chunks)

    def tell(text: str) -> None:
        bar.console.print(text, soft_wrap=True)

    try:
        with bar:
            task = bar.add_task("chunks", total=None)
            result = sweep(
                **settings,
                out=folder,
                engine=engine,
                python=interpreters(python),
                timeout=timeout,
                progress=progress,
                tell=tell,
            )
    except KeyboardInterrupt:
        command = ["samestep", "sweep", str(file), "--out", str(folder)]
        errors().print(
            f"Interrupted: {finished} of {total} chunks are complete in {folder}. "
            f"To go on from there: {shlex.join(command)}",
            soft_wrap=True,
        )
        return INTERRUPTED
    agreements = cross_check(result)
    output().print(agreement_table(agreements))
    for agreement in agreements:
        if agreement.explanation:
            output().print(agreement.explanation, soft_wrap=True)
    output().print(f"Store: {folder}", soft_wrap=True)
    return HELD if all(agreement.holds for agreement in agreements) else FAILED


def _progress_bar() -> Progress:
    console = errors()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not console.is_terminal,
    )
