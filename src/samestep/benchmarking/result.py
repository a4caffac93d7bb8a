"""What a benchmark found: measurements, ratios, growth; as tables, figures and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from samestep.benchmarking.catalogue import LARGE, Session
from samestep.benchmarking.comparison import Comparison, compare_all
from samestep.benchmarking.growth import Growth, find_growth
from samestep.benchmarking.growth_figure import growth_figure
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.tables import (
    contender_tables,
    growth_table,
    ratio_tables,
    throughput_table,
)
from samestep.benchmarking.task import Introduction
from samestep.benchmarking.time_figure import time_figure
from samestep.figures import FigureSpec
from samestep.summary import FigureModel
from samestep.table import Table

__all__ = ["BenchResult"]


@dataclass(frozen=True)
class BenchResult:
    """A benchmark, whole or interrupted.

    Parameters
    ----------
    measurements : sequence of Measurement
    planned : sequence of Session
    introductions : mapping of str to Introduction
        What each backend said of itself, with the self-test of the timer.
    environment : mapping
    left_out : tuple of str
        Contenders that a quick benchmark leaves out.
    quick, interrupted : bool
    """

    measurements: Sequence[Measurement]
    planned: Sequence[Session]
    introductions: Mapping[str, Introduction]
    environment: Mapping[str, Any]
    left_out: tuple[str, ...]
    quick: bool
    interrupted: bool

    @property
    def holds(self) -> bool:
        """Whether each of our modes that was tried has proved that it did the work."""
        ours = [m for m in self.measurements if m.contender.kind == "mode"]
        tried = [m for m in ours if m.parity or m.failed]
        return bool(tried) and all(m.proved and not m.failed for m in tried)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Pairs, with what the fairness gate said of each."""
        return compare_all(self.measurements)

    @cached_property
    def growth(self) -> list[Growth]:
        """How the time of each mode grows."""
        return find_growth(self.measurements, self.planned)

    @property
    def ratios(self) -> dict[str, float]:
        """The ratios that the gate let through, by names that stay."""
        return {c.name: c.ratio.value for c in self.comparisons if c.ratio}

    @property
    def notes(self) -> list[str]:
        """What was left out, and what proves the clock, one sentence each."""
        found = []
        for name, told in self.introductions.items():
            timer = told.timer
            found.append(
                f"Timer on {name}: an operation that is dispatched in {timer.dispatched * 1e3:.2g} "
                f"ms and finished after {timer.finished * 1e3:.3g} ms counts as "
                f"{timer.timed * 1e3:.3g} ms."
            )
        if self.quick:
            names = f", {', '.join(self.left_out)}" if self.left_out else ""
            found.append(
                "Left out by --quick: the large problem, fits of which only the end is kept, most "
                f"growth series{names}."
            )
        if self.interrupted:
            found.append("Interrupted: this is what had been measured until then.")
        return found

    def tables(self) -> list[Table]:
        """Return the tables, without those that nothing was measured for."""
        large = [m for m in self.measurements if m.workload.name == LARGE and m.done]
        found = [
            *ratio_tables(self.comparisons),
            *contender_tables(self.measurements),
            throughput_table(large),
            growth_table(self.growth),
        ]
        return [table for table in found if table.rows]

    def figures(self) -> dict[str, FigureSpec]:
        """Return the figures by the id of the table that they belong to."""
        found = {}
        if times := time_figure(self.measurements):
            found[self.tables()[0].id] = times
        if self.growth:
            found["bench-growth"] = growth_figure(self.growth)
        return found

    def save(self, folder: Path) -> None:
        """Write tables and figures where the report of that folder finds them."""
        figures = self.figures()
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for table in self.tables():
            if figure := figures.get(table.id):
                files = [str(p.relative_to(folder)) for p in figure.save(folder / "figures")]
                shown = FigureModel(name=figure.name, caption=figure.caption, files=files)
                table = table.model_copy(update={"figures": (shown,)})  # noqa: PLW2901  # its figure belongs to it
            table.save(folder)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for ``--json``."""
        return {
            "ratios": self.ratios,
            "comparisons": [c.to_dict() for c in self.comparisons],
            "rows": [m.to_dict() for m in self.measurements],
            "growth": [g.to_dict() for g in self.growth],
            "environment": dict(self.environment),
            "left_out": list(self.left_out),
            "interrupted": self.interrupted,
        }

    def to_json(self) -> str:
        """Return it as JSON; a number that is not known is null."""
        return json.dumps(_finite(self.to_dict()), indent=1) + "\n"

    def to_markdown(self) -> str:
        """Return the tables and notes as Markdown."""
        notes = "".join(f"- {note}\n" for note in self.notes)
        return "\n".join([*(table.to_markdown() for table in self.tables()), notes])

    def _repr_html_(self) -> str:
        return "".join(table.to_html() for table in self.tables())


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
