"""``samestep losses`` and ``samestep optimizers``: what corresponds to what, proven now."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from rich.markdown import Markdown
from rich.progress import Progress

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.ledger.book import Ledger, Page
from samestep.ledger.conduct import assemble, chosen_losses, loss_pages
from samestep.ledger.native import side_names
from samestep.ledger.optimizer_ledger import (
    assemble_optimizers,
    chosen_optimizers,
    optimizer_pages,
)
from samestep.workers.opening import open_worker

__all__ = ["show_losses", "show_optimizers"]

_P = TypeVar("_P", bound=Page)

_PER_CORE = 4
"""Entries in one piece of work: enough to keep all cores busy, few enough for the bar to move."""


def show_losses(
    names: Sequence[str],
    *,
    as_json: bool = False,
    markdown: bool = False,
    out: Path | None = None,
    in_process: bool = False,
) -> int:
    """Prove losses and print the ledger; return the exit status.

    Parameters
    ----------
    names : sequence of str
        Ids, families, or what a framework calls a loss; all by default. A single loss is shown in
        full.
    as_json, markdown : bool
        How it is printed.
    out : Path, optional
        A run's folder, to keep the table for its report.
    in_process : bool
        Import the frameworks into this process, without a worker.
    """
    with open_worker(*side_names(), in_process=in_process) as worker:
        pages = _pages(worker, "losses", _loss_ids, loss_pages, names)
    return _show(assemble(pages), as_json=as_json, markdown=markdown, out=out)


def show_optimizers(
    names: Sequence[str],
    *,
    as_json: bool = False,
    markdown: bool = False,
    out: Path | None = None,
    in_process: bool = False,
) -> int:
    """Prove settings of optimizers and print the ledger; return the exit status.

    Parameters
    ----------
    names : sequence of str
        Ids or families; all by default. A single entry is shown in full.
    as_json, markdown, out, in_process
        As for :func:`show_losses`.
    """
    with open_worker(*side_names(), in_process=in_process) as worker:
        pages = _pages(worker, "optimizers", _optimizer_ids, optimizer_pages, names)
    return _show(assemble_optimizers(pages), as_json=as_json, markdown=markdown, out=out)


def _loss_ids(names: Iterable[str]) -> list[str]:
    return [entry.id for entry in chosen_losses(names)]


def _optimizer_ids(names: Iterable[str]) -> list[str]:
    return [entry.id for entry in chosen_optimizers(names)]


def _pages(
    worker: Executor,
    what: str,
    choose: Callable[[Sequence[str]], list[str]],
    prove: Callable[[Sequence[str]], list[_P]],
    names: Sequence[str],
) -> list[_P]:
    """Have entries proven, some at a time, and show how far that is."""
    console = errors()
    pages: list[_P] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        # A framework's own names for things are known to the framework alone.
        ids = worker.submit(choose, names).result()
        bar.update(task, total=len(ids))
        at_once = _PER_CORE * (os.cpu_count() or 1)
        for start in range(0, len(ids), at_once):
            pages += worker.submit(prove, ids[start : start + at_once]).result()
            bar.update(task, completed=len(pages))
    return pages


def _show(ledger: Ledger[_P], *, as_json: bool, markdown: bool, out: Path | None) -> int:
    if out:
        ledger.table().save(out)
    if as_json:
        sys.stdout.write(ledger.to_json() + "\n")
    elif len(ledger.pages) == 1:
        text = ledger.pages[0].to_markdown()
        if markdown:
            sys.stdout.write(text)
        else:
            output().print(Markdown(text))
    elif markdown:
        sys.stdout.write(ledger.table().to_markdown())
    else:
        console = output()
        console.print(ledger.table())
        counted = (f"{count} {verdict}" for verdict, count in ledger.counts.items() if count)
        console.print(f"{len(ledger.pages)} entries: {', '.join(counted)}.")
        for page in ledger.pages:
            for failure in page.failures:
                console.print(f"NOT PROVEN {page.entry.id}, {failure}")
    return HELD if ledger.holds else FAILED
