"""``samestep selftest``: planted bugs, sound problems, and the smallest error that is caught."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.progress import Progress, TimeRemainingColumn

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.fuzz import Trial, try_seeds, try_sound
from samestep.interface import DTYPES
from samestep.planted import BUGS
from samestep.problem import require_positive
from samestep.registry import ORACLE, backend, parse_participant
from samestep.selftest import sensitivity, sound_plans, try_bug
from samestep.selftest_outcome import SelfTest
from samestep.workers.executor import WorkerExecutor
from samestep.workers.tasks import on_backend

__all__ = ["run_selftest"]

_SIZES = tuple((batch_size, features) for batch_size in (8, 32, 256) for features in (1, 16, 512))
_ALARMS_SHOWN = 10
_PER_PROCESS, _PER_TASK = 200, 10


def run_selftest(
    *, on: Sequence[str], sound: int, teeth: bool, as_json: bool, folder: Path | None
) -> int:
    """Plant every bug, judge sound problems, and print what was found; return the exit status.

    Parameters
    ----------
    on : sequence of str
        Backends to plant the bugs in; the oracle's own backend by default, which needs no
        framework.
    sound : int
        Number of random sound problems; 0 leaves only the plans of the bugs.
    teeth : bool
        Measure the smallest gradient error that is caught.
    as_json : bool
    folder : Path or None
        A run's folder, to keep the tables for its report.
    """
    if sound:
        require_positive(sound=sound)
    names = [parse_participant(text)[0] for text in on] or [ORACLE]
    for name in names:
        backend(name)
    outcome = _conduct(names, sound, teeth=teeth)
    if folder:
        outcome.save(folder)
    if as_json:
        sys.stdout.write(json.dumps(outcome.to_dict(), indent=2) + "\n")
    else:
        _show(outcome)
    return HELD if outcome.holds else FAILED


def _conduct(names: Sequence[str], sound: int, *, teeth: bool) -> SelfTest:
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, console=errors(), transient=True) as bar:
        task = bar.add_task("planted bugs", total=len(BUGS) * len(names))
        bugs = []
        for name in names:
            for bug in BUGS:
                bugs.append(try_bug(name, bug))
                bar.advance(task)
        plans = sound_plans()
        task = bar.add_task("sound problems", total=len(names) * len(DTYPES) * (len(plans) + sound))
        trials = []
        for name in names:
            for dtype in DTYPES:
                for plan in plans:
                    trials.append(try_sound(backend(name, dtype=dtype), plan))
                    bar.advance(task)
        for part in _hunt(names, sound):
            trials.extend(part)
            bar.advance(task, len(part))
        sizes = _SIZES if teeth else ()
        task = bar.add_task("smallest error", total=len(sizes) * len(DTYPES) * len(names))
        found = []
        for name in names:
            for dtype in DTYPES:
                for batch_size, features in sizes:
                    item = backend(name, dtype=dtype)
                    found.append(sensitivity(item, batch_size=batch_size, features=features))
                    bar.advance(task)
    return SelfTest(bugs, trials, found)


def _hunt(names: Sequence[str], sound: int) -> Iterator[list[Trial]]:
    """Try random sound problems in worker processes, each for a limited number of problems.

    A process that compiles a thousand different programs runs out of memory maps.
    """
    for name in names:
        for start in range(0, sound, _PER_PROCESS):
            seeds = range(start, min(start + _PER_PROCESS, sound))
            with WorkerExecutor(name) as worker:
                tasks = [
                    worker.submit(on_backend, partial(try_seeds, seeds=part), name, dtype)
                    for dtype in DTYPES
                    for part in (seeds[i : i + _PER_TASK] for i in range(0, len(seeds), _PER_TASK))
                ]
                for task in tasks:
                    yield task.result()


def _show(outcome: SelfTest) -> None:
    console = output()
    console.print(outcome.bug_table())
    for alarm in outcome.alarms[:_ALARMS_SHOWN]:
        console.print(f"  {alarm}")
    for dtype, ratios in outcome.looseness().items():
        medians = ", ".join(f"{quantity} {ratio:.2g}" for quantity, ratio in ratios.items())
        console.print(f"error/bound in {dtype}, median over steps, then over sound runs: {medians}")
    if outcome.sensitivities:
        console.print()
        console.print(outcome.sensitivity_table())
