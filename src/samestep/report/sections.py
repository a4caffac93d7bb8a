"""The tables beside a run, in the order of the page, and the commands that add them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samestep.table import Table

__all__ = ["Section", "table_sections"]


@dataclass(frozen=True)
class Section:
    """A part of the page that shows tables, or says how to get them.

    Parameters
    ----------
    id, title, about : str
    tables : list of Table
        Empty if the folder holds none of them.
    command : str
        What adds them; empty if nothing does.
    """

    id: str
    title: str
    about: str
    tables: list[Table]
    command: str = ""


_KNOWN = (
    (
        "atlas",
        ("atlas",),
        "The atlas: where derivatives differ",
        "Tiny probes of what each framework calls a derivative, with the mathematics beside them.",
        "samestep atlas --out",
    ),
    (
        "losses",
        ("losses", "huber"),
        "The ledger of losses",
        "Every loss of each framework, what the other one calls it, and how to convert.",
        "samestep losses --out",
    ),
    (
        "optimizers",
        ("optimizers",),
        "The ledger of optimizers",
        "Which settings of each framework's optimizers take the same step.",
        "samestep optimizers --out",
    ),
    (
        "planted-bugs",
        ("planted-bugs", "sensitivity", "selftest"),
        "Can this check fail? Planted bugs",
        "A cross-check is worth what it can catch: bugs planted in a sound backend, and what it "
        "said about each.",
        "samestep selftest --out",
    ),
    (
        "port",
        ("port",),
        "The port check",
        "Models that were ported from one framework to the other, faithfully and with bugs.",
        "",
    ),
    (
        "benchmark",
        ("bench",),
        "The benchmark",
        "Time of the same work, after parity was proven.",
        "samestep bench --out",
    ),
)
"""Id, prefixes of the ids of its tables, title, what it is about, command."""


def table_sections(tables: Mapping[str, Table], folder: Path) -> list[Section]:
    """Put the tables of a folder into sections; those that no section knows come last."""
    left = dict(tables)
    sections = []
    for id, prefixes, title, about, command in _KNOWN:
        names = [name for name in left if name.startswith(prefixes)]
        found = [left.pop(name) for name in names]
        full = f"{command} {shlex.quote(str(folder))}" if command else ""
        if found or full:
            sections.append(Section(id, title, about, found, full))
    if left:
        others = list(left.values())
        sections.append(Section("tables", "Other tables", "Found beside the run.", others))
    return sections
