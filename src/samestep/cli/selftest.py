"""``samestep selftest``: planted bugs, sound problems, and the smallest error that is caught."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.progress import Progress, TimeRemainingColumn
from rich.table import Table

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.fuzz import random_plan, try_sound
from samestep.planted import BUGS
from samestep.problem import require_positive
from samestep.registry import ORACLE, backend, parse_participant
from samestep.selftest import BugResult, Sensitivity, sensitivity, sound_plans, try_bug

__all__ = ["run_selftest"]

_SIZES = tuple((batch_size, features) for batch_size in (8, 32, 256) for features in (1, 16, 512))


def run_selftest(*, on: Sequence[str], sound: int, teeth: bool, as_json: bool) -> int:
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
    """
    if sound:
        require_positive(sound=sound)
    names = [parse_participant(text)[0] for text in on] or [ORACLE]
    for name in names:
        backend(name)
    dtypes = ("float32", "float64")
    with (
        Progress(
            *Progress.get_default_columns()[:-1],
            TimeRemainingColumn(),
            console=errors(),
            transient=True,
        ) as bar,
    ):
        task = bar.add_task("planted bugs", total=len(BUGS) * len(names))
        results = []
        for name in names:
            for bug in BUGS:
                results.append(try_bug(name, bug))
                bar.advance(task)
        task = bar.add_task("sound problems", total=len(names) * 2 * (sound + len(sound_plans())))
        alarms, judged = [], 0
        plans = [*sound_plans(), *map(random_plan, range(sound))]
        for plan in plans:
            for name in names:
                for dtype in dtypes:
                    trial = try_sound(backend(name, dtype=dtype), plan)
                    judged += trial.judged > 0
                    if trial.alarm:
                        alarms.append(f"{plan.name} on {trial.participant}: {trial.alarm}")
                    bar.advance(task)
        sizes = _SIZES if teeth else ()
        task = bar.add_task("smallest error", total=len(sizes) * 2 * len(names))
        found = []
        for name in names:
            for dtype in dtypes:
                for batch_size, features in sizes:
                    item = backend(name, dtype=dtype)
                    found.append(sensitivity(item, batch_size=batch_size, features=features))
                    bar.advance(task)
    if as_json:
        text = json.dumps(_as_data(results, alarms, judged, found), indent=2)
        sys.stdout.write(text + "\n")
    else:
        _show(results, alarms, judged, found)
    right = all(r.caught and r.step_right and r.quantity_right for r in results)
    causes = sum(r.cause_right for r in results) >= 0.9 * len(results)
    return HELD if right and causes and not alarms else FAILED


def _as_data(
    results: Sequence[BugResult], alarms: Sequence[str], judged: int, found: Sequence[Sensitivity]
) -> dict[str, Any]:
    return {
        "bugs": [
            {
                "id": r.bug.id,
                "description": r.bug.description,
                "participant": r.participant,
                "caught": r.caught,
                "step_right": r.step_right,
                "quantity_right": r.quantity_right,
                "cause_right": r.cause_right,
                "step": r.divergence.finding.step if r.divergence else None,
                "quantity": r.divergence.quantity if r.divergence else None,
                "causes": [cause.id for cause in r.divergence.causes] if r.divergence else [],
            }
            for r in results
        ],
        "false_alarms": len(alarms),
        "alarms": list(alarms),
        "sound_runs": judged,
        "sensitivity": [
            {
                "participant": s.participant,
                "batch_size": s.batch_size,
                "features": s.features,
                "smallest_relative_gradient_error": s.smallest,
                "looseness": s.looseness,
            }
            for s in found
        ],
    }


def _show(
    results: Sequence[BugResult], alarms: Sequence[str], judged: int, found: Sequence[Sensitivity]
) -> None:
    console = output()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("planted bug", "in", "found at", "likely cause"):
        table.add_column(title)
    for r in results:
        where = f"step {r.divergence.finding.step}, {r.divergence.quantity}" if r.divergence else ""
        right = r.step_right and r.quantity_right
        causes = r.divergence.causes if r.divergence else ()
        table.add_row(
            r.bug.id,
            r.participant,
            where if right else f"WRONG: {where or 'not caught'}",
            (causes[0].text if r.cause_right else f"WRONG: {_names(causes)}"),
        )
    console.print(table)
    count = len(results)
    console.print(
        f"{sum(r.caught for r in results)} of {count} caught, "
        f"{sum(r.step_right for r in results)} at the right step, "
        f"{sum(r.quantity_right for r in results)} in the right quantity, "
        f"{sum(r.cause_right for r in results)} with the right cause first."
    )
    console.print(f"{len(alarms)} false alarms in {judged} sound runs.")
    for alarm in alarms[:10]:
        console.print(f"  {alarm}")
    if found:
        _show_sensitivity(found)


def _names(causes: Iterable[object]) -> str:
    return "; ".join(str(cause) for cause in causes) or "none"


def _show_sensitivity(found: Sequence[Sensitivity]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("participant", "rows", "features", "smallest error caught"):
        table.add_column(title)
    table.add_column("error/bound, median: prediction, loss, gradient, update")
    for s in found:
        table.add_row(
            s.participant,
            str(s.batch_size),
            str(s.features),
            f"{s.smallest:.1e}",
            "  ".join(f"{value:.4f}" for value in s.looseness.values()),
        )
    output().print(table)
