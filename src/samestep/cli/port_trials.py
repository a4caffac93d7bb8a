"""``samestep port --selftest``: ports of real models with planted bugs, checked now."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.progress import Progress, TimeRemainingColumn

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.port_bugs import FAITHFUL, TRIALS
from samestep.port_trials import try_port
from samestep.port_trials_outcome import PortTrials

__all__ = ["show_port_trials"]


def show_port_trials(*, as_json: bool, markdown: bool, folder: Path | None) -> int:
    """Check faithful ports and ports with a bug, and print what was said; return the exit status.

    Parameters
    ----------
    as_json, markdown : bool
        How it is printed.
    folder : Path or None
        A run's folder, to keep the table for its report.
    """
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, console=errors(), transient=True) as bar:
        outcome = PortTrials(
            faithful=[try_port(t) for t in bar.track(FAITHFUL, description="faithful ports")],
            bugs=[try_port(t) for t in bar.track(TRIALS, description="planted bugs")],
        )
    if folder:
        outcome.table().save(folder)
    if as_json:
        sys.stdout.write(json.dumps(outcome.to_dict(), indent=1) + "\n")
    elif markdown:
        sys.stdout.write(outcome.table().to_markdown())
    else:
        console = output()
        console.print(outcome.table())
        for alarm in outcome.alarms:
            console.print(f"FALSE ALARM {alarm}")
        for line in dict.fromkeys(outcome.not_run):
            console.print(f"not run: {line}")
    return HELD if outcome.holds else FAILED
