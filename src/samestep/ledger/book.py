"""A ledger: proven entries, as a table, as data, and page by page."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from samestep.errors import unknown_name
from samestep.ledger.entry import Entry
from samestep.ledger.verdict import Verdict
from samestep.table import Column, Row, Table

__all__ = ["Ledger", "Page", "number"]


def number(x: float) -> float | str:
    """Return a number as JSON knows it: what is not finite becomes a string."""
    return float(x) if math.isfinite(x) else str(float(x))


class Page(Protocol):
    """One proven entry."""

    @property
    def entry(self) -> Entry:
        """What was to be proven."""

    @property
    def verdict(self) -> Verdict:
        """What it came to."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not proven, beginning with the side's name."""

    def row(self) -> Row:
        """One row for the ledger's table, with the details behind it."""

    def to_markdown(self) -> str:
        """The page in full."""

    def to_dict(self) -> dict[str, Any]:
        """Everything as data; only what JSON knows."""


P_co = TypeVar("P_co", bound=Page, covariant=True)


@dataclass(frozen=True)
class Ledger(Generic[P_co]):
    """Proven entries, in the order of the catalogue.

    Parameters
    ----------
    id, title, note : str
        Of its table.
    columns : tuple of Column
    pages : tuple of Page
    """

    id: str
    title: str
    note: str
    columns: tuple[Column, ...]
    pages: tuple[P_co, ...]

    def __getitem__(self, name: str) -> P_co:
        """Return the page of one entry."""
        found = {page.entry.id: page for page in self.pages}
        if name not in found:
            raise unknown_name("entry", name, found)
        return found[name]

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many entries came to each verdict."""
        counted = Counter(page.verdict for page in self.pages)
        return {verdict: counted[verdict] for verdict in Verdict}

    @property
    def holds(self) -> bool:
        """Whether every entry is proven."""
        return not self.counts[Verdict.NOT_PROVEN]

    def table(self) -> Table:
        """Return all entries as one table."""
        rows = tuple(page.row() for page in self.pages)
        return Table(id=self.id, title=self.title, note=self.note, columns=self.columns, rows=rows)

    def to_json(self) -> str:
        """Return everything as JSON."""
        data = {
            "counts": {str(verdict): count for verdict, count in self.counts.items()},
            "entries": [page.to_dict() for page in self.pages],
        }
        return json.dumps(data, indent=2, allow_nan=False)

    def _repr_html_(self) -> str:
        return self.table().to_html()
