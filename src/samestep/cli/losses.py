"""``samestep losses``: the losses of the frameworks, in correspondence, proven now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markdown import Markdown
from rich.progress import track

from samestep.cli.console import FAILED, HELD, errors, output
from samestep.ledger.book import Ledger
from samestep.ledger.conduct import assemble, chosen_losses, proven
from samestep.ledger.page import LossPage

__all__ = ["show_losses"]


def show_losses(
    names: Sequence[str],
    *,
    as_json: bool = False,
    markdown: bool = False,
    out: Path | None = None,
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
    """
    console = errors()
    entries = chosen_losses(names)
    ledger = assemble(
        track(
            proven(entries),
            "losses",
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
        _print(ledger)
    return HELD if ledger.holds else FAILED


def _print(ledger: Ledger[LossPage]) -> None:
    console = output()
    console.print(ledger.table())
    counted = (f"{count} {verdict}" for verdict, count in ledger.counts.items() if count)
    console.print(f"{len(ledger.pages)} entries: {', '.join(counted)}.")
    for page in ledger.pages:
        for name, side in page.proof.sides.items():
            for failure in side.failures[:1]:
                console.print(f"NOT PROVEN {page.entry.id}, {name}: {failure}")
