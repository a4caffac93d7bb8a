"""What a backend contributes to the ledger: for each entry, the code that its users would write."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from samestep.registry import backend_entry

__all__ = ["Exhibit", "Lookalike", "LookalikeExhibit", "Native", "natives", "side_names"]

GROUP = "samestep.ledger.native"


@dataclass(frozen=True)
class LookalikeExhibit:
    """What is shown of a :class:`Lookalike`: its name, and the source of its code."""

    name: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """What is shown of a side: all that a :class:`Native` says, with source for code.

    So a proof holds nothing of a framework, and can be sent to a process that has none.

    Parameters
    ----------
    public, converted
        As those of the :class:`Native`.
    source : str
        The code that a user would write.
    lookalike : LookalikeExhibit, optional
    """

    public: str
    converted: bool
    source: str
    lookalike: LookalikeExhibit | None


def _source(call: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(call)).strip()


@dataclass(frozen=True)
class Lookalike:
    """What the framework ships under the same or nearly the same name, and is another function.

    Parameters
    ----------
    name : str
        As the framework calls it.
    call : callable
        Takes what the entry's reference takes.
    """

    name: str
    call: Callable[..., Any]

    @property
    def source(self) -> str:
        """Its code."""
        return _source(self.call)

    def exhibit(self) -> LookalikeExhibit:
        """Return what is shown of it."""
        return LookalikeExhibit(self.name, self.source)


@dataclass(frozen=True, kw_only=True)
class Native:
    """One side of an entry.

    Parameters
    ----------
    call : callable
        The code; its source is shown.
    public : str
        What the framework ships for the entry, as the framework calls it; empty if nothing, then
        the code is the shortest expression that does the same.
    converted : bool
        Whether the entry's conversion is applied to what this call receives. Otherwise it receives
        what the entry's reference receives.
    lookalike : Lookalike, optional
    """

    call: Callable[..., Any]
    public: str = ""
    converted: bool = False
    lookalike: Lookalike | None = None

    @property
    def source(self) -> str:
        """The code that a user would write."""
        return _source(self.call)

    def exhibit(self) -> Exhibit:
        """Return what is shown of it."""
        return Exhibit(
            public=self.public,
            converted=self.converted,
            source=self.source,
            lookalike=self.lookalike.exhibit() if self.lookalike else None,
        )


def side_names() -> list[str]:
    """Names of the backends that have native code; none of them is imported."""
    return [point.name for point in _points()]


def _points() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def natives() -> dict[str, Mapping[str, Native]]:
    """Return the native code of every registered backend, by backend and by entry.

    Raises
    ------
    MissingParticipantError
        If a framework is not installed: a correspondence needs both sides.
    """
    found: dict[str, Mapping[str, Native]] = {}
    for point in _points():
        backend_entry(point.name).require()
        found[point.name] = point.load()
    return found
