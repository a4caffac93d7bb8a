"""``samestep show`` and ``samestep compare``: what is in a store, and whether stores agree."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from samestep.cli.console import FAILED, HELD, output
from samestep.sweeping.checking import agreement_table, cross_check
from samestep.sweeping.results import SweepResult, open_sweep
from samestep.table import Column, Detail, Row, Table

__all__ = ["compare_stores", "show_store"]


def show_store(folder: Path, *, as_json: bool = False) -> int:
    """Verify what is in a store and list it; return the exit status."""
    result = open_sweep(folder)
    if result.store.complete:
        result.manifest  # noqa: B018  # unchanged since it was finished, or an error
    table = _contents(result)
    if as_json:
        sys.stdout.write(table.model_dump_json(indent=1) + "\n")
    else:
        output().print(table)
    return HELD


def compare_stores(folders: Sequence[Path], *, as_json: bool = False) -> int:
    """Cross-check what is in one store or several; return the exit status."""
    agreements = cross_check(*map(open_sweep, folders))
    table = agreement_table(agreements)
    if as_json:
        sys.stdout.write(table.model_dump_json(indent=1) + "\n")
    else:
        output().print(table)
        for agreement in agreements:
            if agreement.explanation:
                output().print(agreement.explanation, soft_wrap=True)
    return HELD if all(agreement.holds for agreement in agreements) else FAILED


def _contents(result: SweepResult) -> Table:
    plan = result.store.plan["sweep"]
    settings = "; ".join(
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in plan.items()
        if name not in ("chunk", "chunk_sizes")
    )
    finished = (
        f"Complete since {result.manifest['finished']}."
        if result.store.complete
        else "Not complete: the command that began it goes on from there."
    )
    return Table(
        id="store",
        title=f"{result.plan.runs} runs on each participant, in {result.store.folder}",
        note=f"{settings}. {finished} All that is there was read and fits its checksums.",
        columns=(
            Column(title="participant"),
            Column(title="versions"),
            Column(title="loss, batch size"),
            Column(title="runs", kind="number"),
            Column(title="chunks", kind="number"),
            Column(title="seconds", kind="number", form=".1f"),
        ),
        rows=tuple(_rows(result)),
    )


def _rows(result: SweepResult) -> Iterator[Row]:
    for participant in result.participants:
        for dtype in result.dtypes:
            for group in result.groups():
                tasks = result.of(participant, dtype, group)
                done, runs, seconds = 0, 0, 0.0
                for task in tasks:
                    note = result.store.done(task.name)
                    if note:
                        result.read(task, note)
                        done, seconds = done + 1, seconds + note["seconds"]
                        runs += task.chunk.runs.stop - task.chunk.runs.start
                environment = result.store.environment(tasks[0].side) or {}
                versions = environment.get("versions", {})
                cells = (
                    environment.get("participant", tasks[0].side),
                    ", ".join(f"{name} {version}" for name, version in versions.items()),
                    f"{group.loss}, {group.batch_size}",
                    runs,
                    f"{done} of {len(tasks)}",
                    seconds,
                )
                yield Row(
                    cells=cells,
                    details=(Detail(title="environment", text=json.dumps(environment, indent=1)),),
                )
