"""All probes and all native code, found by entry points: a category or a backend each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from samestep.errors import SamestepError, UsageError, one_line, unknown_name
from samestep.interface import Backend
from samestep.probes.native import Natives
from samestep.probes.probe import Probe
from samestep.registry import ORACLE, backend, backend_entries, backend_entry

__all__ = ["Entry", "Side", "catalogue", "categories", "select", "sides"]

# The order of a lecture; categories of other distributions follow by name.
_ORDER = ("kinks", "gradients", "composition", "tracing", "numbers", "around")


@dataclass(frozen=True)
class Entry:
    """A probe in its category."""

    category: str
    probe: Probe


@dataclass(frozen=True)
class Side:
    """A backend with its native code."""

    backend: Backend
    natives: Natives


def categories() -> list[str]:
    """Names of all registered categories, in the order of a lecture."""
    found = [entry.name for entry in entry_points(group="samestep.atlas")]
    return sorted(found, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))


@functools.cache
def catalogue() -> tuple[Entry, ...]:
    """All probes, category by category.

    Raises
    ------
    SamestepError
        If a category cannot be imported, or an id is used twice.
    """
    found = {entry.name: entry for entry in entry_points(group="samestep.atlas")}
    entries = [Entry(name, probe) for name in categories() for probe in _load(found[name])]
    seen: dict[str, str] = {}
    for entry in entries:
        known = [*seen, *found]
        if entry.probe.id in known:
            raise SamestepError(
                f"The id {entry.probe.id!r} of category {entry.category!r} is in use already.",
                "Ids of probes and names of categories are unique; rename it.",
            )
        seen[entry.probe.id] = entry.category
    return tuple(entries)


def select(names: Sequence[str] = ()) -> list[Entry]:
    """Return probes by the names of categories or their own; all of them without a name.

    Raises
    ------
    UsageError
        For an unknown name; the message has the nearest one.
    """
    entries = catalogue()
    known = [*categories(), *(entry.probe.id for entry in entries)]
    for name in names:
        if name not in known:
            raise _unknown(name, known)
    wanted = set(names)
    return [e for e in entries if not wanted or wanted & {e.category, e.probe.id}]


def sides(on: Sequence[str] | None = None) -> list[Side]:
    """Return backends with their native code; by default all that are installed and have some.

    Raises
    ------
    UsageError
        For an unknown backend.
    MissingParticipantError
        If a framework that was asked for is not installed.
    """
    found = {entry.name: entry for entry in entry_points(group="samestep.atlas.native")}
    installed = [n for n, e in backend_entries().items() if n in found and not e.missing]
    names = list(dict.fromkeys(on or installed))
    if not names:
        raise UsageError(
            "No framework is installed for the atlas to be observed on.",
            "Install one: " + " or ".join(backend_entry(n).install_command for n in sorted(found)),
        )
    if ORACLE in names:
        raise UsageError(
            f"The oracle {ORACLE!r} has no automatic differentiation, so the atlas has no question "
            "for it.",
            f"Known: {', '.join(sorted(found))}.",
        )
    return [
        Side(backend(name), _load(found[name]) if name in found else Natives()) for name in names
    ]


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise SamestepError(
            f"{entry.value!r}, a part of the atlas, cannot be imported: {one_line(error)}",
            "Install its distribution anew.",
        ) from error


def _unknown(name: str, known: Iterable[str]) -> UsageError:
    """The known probes are too many to list; the categories are not."""
    error = unknown_name("category or probe", name, known)
    nearest = error.hint.partition("Known: ")[0]
    return UsageError(error.message, f"{nearest}Categories: {', '.join(categories())}.")
