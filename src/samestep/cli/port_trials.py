"""``samestep port --selftest``: ports of real models with planted bugs, checked now."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.progress import Progress, TimeRemainingColumn

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.port_bugs import FAITHFUL, TRIALS
from samestep.port_trials import side_backends, try_port
from samestep.port_trials_outcome import PortTrials
from samestep.workers.opening import open_worker

__all__ = ["show_port_trials"]


def show_port_trials(
    *, as_json: bool, markdown: bool, folder: Path | None, in_process: bool = False
) -> int:
    """Check faithful ports and ports with a bug, and print what was said; return the exit status.

    Parameters
    ----------
    as_json, markdown : bool
        How it is printed.
    folder : Path or None
        A run's folder, to keep the table for its report.
    in_process : bool
        Import the frameworks into this process, without a worker.
    """
    console = errors()
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        open_worker(*side_backends(), in_process=in_process) as worker,
    ):
        faithful, bugs = (
            [worker.submit(try_port, trial).result() for trial in bar.track(trials, description=of)]
            for trials, of in ((FAITHFUL, "faithful ports"), (TRIALS, "planted bugs"))
        )
    outcome = PortTrials(faithful, bugs)
    if folder:
        outcome.table().save(folder)
    if as_json:
        sys.stdout.write(json.dumps(outcome.to_dict(), indent=1) + "\n")
    elif markdown:
        sys.stdout.write(outcome.table().to_markdown())
    else:
        out = output()
        out.print(outcome.table())
        for alarm in outcome.alarms:
            out.print(f"FALSE ALARM {alarm}")
        for line in dict.fromkeys(outcome.not_run):
            out.print(f"not run: {line}")
    return HELD if outcome.holds else FAILED
