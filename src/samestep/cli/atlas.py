"""``samestep atlas``: where the frameworks' derivatives differ, observed now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markdown import Markdown
from rich.progress import track

from samestep.cli.console import HELD, errors, output
from samestep.probes.catalogue import select
from samestep.probes.conduct import atlas
from samestep.probes.result import Atlas
from samestep.workers.opening import open_worker

__all__ = ["show_atlas"]


def show_atlas(
    names: Sequence[str],
    *,
    on: Sequence[str] = (),
    as_json: bool = False,
    markdown: bool = False,
    against: Path | None = None,
    save: Path | None = None,
    folder: Path | None = None,
    in_process: bool = False,
) -> int:
    """Run probes and print what was observed; return the exit status, which is 0.

    Parameters
    ----------
    names : sequence of str
        Categories and ids of probes; all by default. One probe is shown in full.
    on : sequence of str
        Backends; all installed ones by default.
    as_json, markdown : bool
        How it is printed.
    against : Path, optional
        A stored run; what changed since then is printed instead.
    save : Path, optional
        Store this run there.
    folder : Path, optional
        A run's folder, to keep the table for its report.
    in_process : bool
        Import the frameworks into this process, without a worker.
    """
    entries = select(names)
    earlier = Atlas.load(against) if against else None
    console = errors()
    # The worker is for no backend: what is observed are the frameworks as a user finds them, not in
    # the environment that runs need.
    with open_worker(in_process=in_process) as worker:
        parts = [
            worker.submit(atlas, entry.probe.id, on=on).result()
            for entry in track(
                entries,
                "probes",
                console=console,
                transient=True,
                disable=not console.is_terminal,
            )
        ]
    pages = tuple(page for part in parts for page in part.probes)
    found = Atlas(versions=parts[0].versions, probes=pages)
    if save:
        found.save(save)
    if folder:
        found.table().save(folder)
    if earlier:
        table = found.against(earlier).table()
        if as_json:
            sys.stdout.write(table.model_dump_json(indent=1) + "\n")
        elif markdown:
            sys.stdout.write(table.to_markdown())
        else:
            output().print(table)
    elif as_json:
        sys.stdout.write(found.to_json())
    elif markdown:
        sys.stdout.write(found.to_markdown())
    elif len(found.probes) == 1:
        output().print(Markdown(found.to_markdown()))
    else:
        for category in found.categories:
            output().print(found.table(category))
        output().print(found.summary())
    return HELD
