"""What a backend contributes to the ledger: for each entry, the code that its users would write."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from samestep.registry import backend_entry

__all__ = ["Lookalike", "Native", "natives"]

GROUP = "samestep.ledger.native"


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


def natives() -> dict[str, Mapping[str, Native]]:
    """Return the native code of every registered backend, by backend and by entry.

    Raises
    ------
    MissingParticipantError
        If a framework is not installed: a correspondence needs both sides.
    """
    found: dict[str, Mapping[str, Native]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        backend_entry(point.name).require()
        found[point.name] = point.load()
    return found
