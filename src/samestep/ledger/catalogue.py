"""The catalogues of entries, found by entry points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TypeVar

from samestep.errors import UsageError, unknown_name
from samestep.ledger.entry import Entry

__all__ = ["catalogue", "choose"]

GROUP = "samestep.ledger"

E = TypeVar("E", bound=Entry)


def catalogue(kind: str, entry_type: type[E]) -> dict[str, E]:
    """Return the entries of one kind, by id, of every distribution that has any.

    Parameters
    ----------
    kind : str
        Name of the entry point: ``"losses"`` or ``"optimizers"``.
    entry_type : type
        What each of them must be.

    Raises
    ------
    UsageError
        If an entry point names anything but a sequence of such entries, or an id comes twice.
    """
    found: dict[str, E] = {}
    for point in entry_points(group=GROUP, name=kind):
        for entry in point.load():
            if not isinstance(entry, entry_type):
                raise UsageError(
                    f"Entry point {point.value!r} brings a {type(entry).__name__}.",
                    f"It must name a sequence of {entry_type.__name__}.",
                )
            if entry.id in found:
                raise UsageError(
                    f"Entry point {point.value!r} brings a second entry {entry.id!r}.",
                    "Give each entry an id of its own.",
                )
            found[entry.id] = entry
    return found


def choose(
    found: Mapping[str, E],
    names: Iterable[str],
    aliases: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[E]:
    """Return the entries of these names, all if there is none, in the catalogue's order.

    Parameters
    ----------
    found : mapping
        Entries by id.
    names : iterable of str
        Ids, families, aliases.
    aliases : mapping
        The ids that another name stands for.

    Raises
    ------
    UsageError
        For an unknown name; the message lists ids and families.
    """
    wanted = list(names)
    meant = {id: {id} for id in found}
    for entry in found.values():
        meant.setdefault(entry.family, set()).add(entry.id)
    for name in wanted:
        if name not in meant and name not in aliases:
            raise unknown_name("entry", name, meant)
    chosen = {id for name in wanted for id in {*meant.get(name, ()), *aliases.get(name, ())}}
    return [entry for entry in found.values() if not wanted or entry.id in chosen]
