"""``samestep.losses``: the ledger of losses, proven now, on the frameworks that are installed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from samestep.errors import UsageError
from samestep.ledger.book import Ledger
from samestep.ledger.catalogue import catalogue, choose
from samestep.ledger.loss_entry import LossEntry
from samestep.ledger.native import Native, natives, side_names
from samestep.ledger.page import LossPage, columns
from samestep.ledger.proof import prove

__all__ = ["assemble", "chosen_losses", "loss_pages", "losses", "proven"]

_NOTE = (
    "Values and gradients of both sides against a float64 reference, in float32 and float64. "
    "error/bound: the largest error over the rounding bound. differ at: elements of the "
    "adversarial inputs where the sides differ, at kinks, poles and extremes; a loss's own page "
    "lists them. An empty cell: the framework ships none, and an expression was proven."
)


def losses(*names: str) -> Ledger[LossPage]:
    """Prove how the losses of the frameworks correspond.

    Parameters
    ----------
    *names : str
        Ids of entries (``"smooth-l1"``), families (``"margin"``) or what a framework calls a loss
        (``"SmoothL1Loss"``); all entries by default.

    Returns
    -------
    Ledger
        It prints as a table (``rich.print(ledger.table())``), shows itself in notebooks, and has
        ``table()``, ``to_json()``, and a page for each entry: ``ledger["smooth-l1"]``.

    Raises
    ------
    UsageError
        For an unknown name.
    MissingParticipantError
        If one of the frameworks is not installed.
    """
    return assemble(proven(chosen_losses(names)))


def chosen_losses(names: Iterable[str]) -> list[LossEntry]:
    """Return the entries of these names, in the catalogue's order."""
    found = catalogue("losses", LossEntry)
    aliases: dict[str, set[str]] = {}
    for side in natives().values():
        for id in found.keys() & side.keys():
            lookalike = side[id].lookalike
            for name in (side[id].public, lookalike.name if lookalike else ""):
                for alias in {name, name.rpartition(".")[-1]} - {""}:
                    aliases.setdefault(alias, set()).add(id)
    return choose(found, names, aliases)


def proven(entries: Sequence[LossEntry]) -> Iterator[LossPage]:
    """Prove entries side by side, and yield their pages in order."""
    sides = natives()
    codes = [_codes(entry, sides) for entry in entries]
    # Most of the time goes into compilation, which needs no interpreter.
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=os.cpu_count()) as executor:
        warnings.simplefilter("ignore")  # what frameworks advise against is here on purpose
        proofs = executor.map(prove, entries, codes)
        yield from (LossPage(e, proof) for e, proof in zip(entries, proofs, strict=True))


def loss_pages(ids: Iterable[str]) -> list[LossPage]:
    """Prove the entries of these ids; what it takes and returns can be sent between processes."""
    found = catalogue("losses", LossEntry)
    return list(proven([found[id] for id in ids]))


def assemble(pages: Iterable[LossPage]) -> Ledger[LossPage]:
    """Bind pages into a ledger."""
    return Ledger(
        id="losses",
        title="Losses of the frameworks, in correspondence",
        note=_NOTE,
        columns=columns(side_names()),
        pages=tuple(pages),
    )


def _codes(entry: LossEntry, sides: Mapping[str, Mapping[str, Native]]) -> dict[str, Native]:
    for name, side in sides.items():
        if entry.id not in side:
            raise UsageError(
                f"Backend {name!r} has no code for the entry {entry.id!r}.",
                "Add it to what its entry point in the group samestep.ledger.native names.",
            )
    return {name: side[entry.id] for name, side in sides.items()}
