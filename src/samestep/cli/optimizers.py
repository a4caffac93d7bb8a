"""``samestep optimizers``: the optimizers of the frameworks, in correspondence, proven now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markdown import Markdown
from rich.progress import track

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.ledger.optimizer_ledger import (
    assemble_optimizers,
    chosen_optimizers,
    proven_optimizers,
)

__all__ = ["show_optimizers"]


def show_optimizers(
    names: Sequence[str],
    *,
    as_json: bool = False,
    markdown: bool = False,
    out: Path | None = None,
) -> int:
    """Prove settings of optimizers and print the ledger; return the exit status.

    Parameters
    ----------
    names : sequence of str
        Ids or families; all by default. A single entry is shown in full.
    as_json, markdown : bool
        How it is printed.
    out : Path, optional
        A run's folder, to keep the table for its report.
    """
    console = errors()
    entries = chosen_optimizers(names)
    ledger = assemble_optimizers(
        track(
            proven_optimizers(entries),
            "optimizers",
            total=len(entries),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
    )
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
