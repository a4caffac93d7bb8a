"""``samestep selftest``: planted bugs, sound problems, and the smallest error that is caught."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from rich.progress import Progress, TimeRemainingColumn

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.cli.interpreters import interpreters
from samestep.fuzz import try_seeds, try_sound
from samestep.interface import DTYPES, Backend
from samestep.participants import Participant, open_team
from samestep.planted import BUGS
from samestep.problem import require_positive
from samestep.registry import ORACLE
from samestep.runner import check_participants
from samestep.selftest import sensitivity, sound_plans, try_bug
from samestep.selftest_outcome import SelfTest

__all__ = ["run_selftest"]

_T = TypeVar("_T")
_Open: TypeAlias = Callable[[], AbstractContextManager[list[Participant]]]

_SIZES = tuple((batch_size, features) for batch_size in (8, 32, 256) for features in (1, 16, 512))
_ALARMS_SHOWN = 10
_PER_PROCESS, _PER_TASK = 200, 10


def run_selftest(
    *,
    on: Sequence[str],
    sound: int,
    teeth: bool,
    as_json: bool,
    folder: Path | None,
    in_process: bool = False,
    python: Sequence[str] = (),
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
    in_process : bool
        Import the backends into this process, without workers.
    python : sequence of str
        ``NAME=PATH``: the interpreter for a backend's worker.
    """
    if sound:
        require_positive(sound=sound)
    apart = interpreters(python, in_process=in_process)
    participants = check_participants(on or [ORACLE], DTYPES, apart)
    # The oracle's own backend is no framework that would have to be kept apart.
    in_process |= participants == [ORACLE] and not apart
    opened = partial(open_team, participants, DTYPES, in_process=in_process, python=apart)
    outcome = _conduct(opened, sound, teeth=teeth)
    if folder:
        outcome.save(folder)
    if as_json:
        sys.stdout.write(json.dumps(outcome.to_dict(), indent=2) + "\n")
    else:
        _show(outcome)
    return HELD if outcome.holds else FAILED


def _conduct(opened: _Open, sound: int, *, teeth: bool) -> SelfTest:
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, console=errors(), transient=True) as bar:
        with opened() as team:
            names = dict.fromkeys((item.name, item.device) for item in team)
            bugs = _each(
                bar,
                "planted bugs",
                (
                    (item, partial(try_bug, bug=bug))
                    for name in names
                    for bug in BUGS
                    for item in team
                    if (item.name, item.device) == name and item.dtype == bug.dtype
                ),
            )
            trials = _each(
                bar,
                "plans of the bugs",
                ((item, partial(try_sound, plan=plan)) for item in team for plan in sound_plans()),
            )
            smallest = _each(
                bar,
                "smallest error",
                (
                    (item, partial(sensitivity, batch_size=batch_size, features=features))
                    for item in team
                    for batch_size, features in (_SIZES if teeth else ())
                ),
            )
        # A process that compiles a thousand different programs runs out of memory maps, so each
        # one tries a limited number of problems.
        for start in range(0, sound, _PER_PROCESS):
            stop = min(start + _PER_PROCESS, sound)
            with opened() as team:
                parts = _each(
                    bar,
                    f"sound problems {start} to {stop - 1}",
                    (
                        (item, partial(try_seeds, seeds=range(at, min(at + _PER_TASK, stop))))
                        for item in team
                        for at in range(start, stop, _PER_TASK)
                    ),
                )
            trials += [trial for part in parts for trial in part]
    return SelfTest(bugs, trials, smallest)


def _each(
    bar: Progress, what: str, given: Iterable[tuple[Participant, Callable[[Backend], _T]]]
) -> list[_T]:
    """Have all participants do their work side by side, and show how far they are."""
    work = list(given)
    task = bar.add_task(what, total=len(work))
    pending = []
    for item, do in work:
        pending.append(item.ask(do))
        pending[-1].add_done_callback(lambda _: bar.advance(task))
    return [future.result() for future in pending]


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
