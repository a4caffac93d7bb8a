"""``samestep.optimizers``: the ledger of optimizers, proven now, on the installed frameworks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from samestep.errors import UsageError
from samestep.ledger.book import Ledger
from samestep.ledger.catalogue import catalogue, choose
from samestep.ledger.native import natives, side_names
from samestep.ledger.optimizer_entry import OptimizerEntry, OptimizerNative
from samestep.ledger.optimizer_page import OptimizerPage, optimizer_columns
from samestep.ledger.updates import prove_update

__all__ = [
    "assemble_optimizers",
    "chosen_optimizers",
    "optimizer_pages",
    "optimizers",
    "proven_optimizers",
]

_NOTE = (
    "Each step of both sides, in float32 and float64, against the rule from the recorded state "
    "before it. error/bound: the largest error over the rounding bound of one step. An empty "
    "cell: the framework ships none, and an expression was proven. How far the sides' parameters "
    "part on the way stands on a setting's own page."
)


def optimizers(*names: str) -> Ledger[OptimizerPage]:
    """Prove how the optimizers of the frameworks correspond, setting by setting.

    Parameters
    ----------
    *names : str
        Ids of entries (``"sgd-dampening"``) or families (``"sgd"``, ``"schedule"``, ``"adam"``,
        ``"rmsprop"``, ``"adagrad"``); all entries by default.

    Returns
    -------
    Ledger
        It prints as a table (``rich.print(ledger.table())``), shows itself in notebooks, and has
        ``table()``, ``to_json()``, and a page for each entry: ``ledger["sgd-dampening"]``.

    Raises
    ------
    UsageError
        For an unknown name.
    MissingParticipantError
        If one of the frameworks is not installed.
    """
    return assemble_optimizers(proven_optimizers(chosen_optimizers(names)))


def chosen_optimizers(names: Iterable[str]) -> list[OptimizerEntry]:
    """Return the entries of these names, in the catalogue's order."""
    return choose(catalogue("optimizers", OptimizerEntry), names)


def proven_optimizers(entries: Sequence[OptimizerEntry]) -> Iterator[OptimizerPage]:
    """Prove entries side by side, and yield their pages in order."""
    codes = [_codes(entry) for entry in entries]
    # Most of the time goes into compilation, which needs no interpreter.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as executor:
        proofs = executor.map(prove_update, entries, codes)
        yield from (OptimizerPage(e, proof) for e, proof in zip(entries, proofs, strict=True))


def optimizer_pages(ids: Iterable[str]) -> list[OptimizerPage]:
    """Prove the entries of these ids; what it takes and returns can be sent between processes."""
    found = catalogue("optimizers", OptimizerEntry)
    return list(proven_optimizers([found[id] for id in ids]))


def assemble_optimizers(pages: Iterable[OptimizerPage]) -> Ledger[OptimizerPage]:
    """Bind pages into a ledger."""
    return Ledger(
        id="optimizers",
        title="Optimizers of the frameworks, in correspondence",
        note=_NOTE,
        columns=optimizer_columns(side_names()),
        pages=tuple(pages),
    )


def _codes(entry: OptimizerEntry) -> dict[str, OptimizerNative]:
    codes = {}
    for name, side in natives().items():
        native = side.get(entry.id)
        if not isinstance(native, OptimizerNative):
            raise UsageError(
                f"Backend {name!r} has no code for the entry {entry.id!r}.",
                "Add an OptimizerNative to what its entry point in the group "
                "samestep.ledger.native names.",
            )
        codes[name] = native
    return codes
