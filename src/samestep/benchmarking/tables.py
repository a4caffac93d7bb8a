"""The tables of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samestep.benchmarking.catalogue import SERIES
from samestep.benchmarking.comparison import Comparison
from samestep.benchmarking.growth import Growth
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.quantities import duration, duration_interval, megabytes, ratio
from samestep.benchmarking.workload import Workload
from samestep.table import Cell, Column, Row, Table

__all__ = ["contender_tables", "growth_table", "ratio_tables", "throughput_table"]


def ratio_tables(comparisons: Sequence[Comparison]) -> list[Table]:
    """Return ratios by pair and workload, and what stands against those that are not given."""
    by_kind = {kind: [c for c in comparisons if c.kind == kind] for kind in _KINDS}
    tables = [_pivot(*_KINDS[kind], found) for kind, found in by_kind.items()]
    return [*tables, _refused([c for c in comparisons if not c.ratio])]


_KINDS = {
    "peer": (
        "bench-ratios",
        "Ours against the same work by others: time of A / time of B, per fit",
        "Median [95 % bootstrap interval]; below 1 ours is quicker. A ratio is given only where "
        "both proved that they did the work, under the same conditions.",
    ),
    "stacking": (
        "bench-stacking",
        "One fit at a time against a stack: time of A / time of B, per fit",
        "Doing many fits at once is what is compared, with whatever else is named.",
    ),
    "mode": (
        "bench-modes",
        "Modes of one backend: time of A / time of B, per fit",
        "Never a comparison of frameworks.",
    ),
}


def _pivot(id: str, title: str, note: str, found: Sequence[Comparison]) -> Table:
    """One row per pair that has a ratio, one column per workload."""
    given = [c for c in found if c.ratio]
    workloads = list(dict.fromkeys(c.workload for c in given))
    named = any(c.ruling.named for c in given)
    rows = []
    for pair in dict.fromkeys(c.pair for c in given):
        ratios = {c.workload: ratio(c.ratio) for c in given if c.pair == pair and c.ratio}
        differs = [d for c in given if c.pair == pair for d in c.ruling.named]
        cells: tuple[Cell, ...] = (pair, *(ratios.get(name, "") for name in workloads))
        rows.append(Row(cells=(*cells, "; ".join(dict.fromkeys(differs))) if named else cells))
    columns = [
        Column(title="A / B"),
        *(Column(title=w or "ratio", kind="number") for w in workloads),
    ]
    if named:
        columns.append(Column(title="what differs"))
    return Table(id=id, title=title, note=note, columns=tuple(columns), rows=tuple(rows))


def _refused(comparisons: Sequence[Comparison]) -> Table:
    """One row per reason, with the pairs that have no ratio for it."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for c in comparisons:
        for reason in c.ruling.refusals:
            reasons.setdefault(reason, {}).setdefault(c.pair, []).append(c.workload or "per fit")

    def listed(pairs: dict[str, list[str]]) -> str:
        return "; ".join(f"{pair} ({', '.join(names)})" for pair, names in pairs.items())

    return Table(
        id="bench-refused",
        title="Pairs without a ratio, and why",
        columns=(Column(title="reason"), Column(title="pairs")),
        rows=tuple(Row(cells=(reason, listed(pairs))) for reason, pairs in reasons.items()),
    )


def contender_tables(measurements: Sequence[Measurement]) -> list[Table]:
    """Return a table for each workload, with a row for each contender, the quickest first."""
    groups: dict[str, list[Measurement]] = {}
    for m in measurements:
        if not m.workload.name.startswith("growth"):
            groups.setdefault(m.workload.name, []).append(m)
    return [_contender_table(name, group) for name, group in groups.items()]


_HOW_TO_READ = (
    "First, second: calls, of all fits. Steady: per fit, median [95 %]. CPU: seconds of all "
    "threads over wall seconds. Parity: worst error over its bound."
)


def _contender_table(name: str, group: Sequence[Measurement]) -> Table:
    done = [m for m in group if m.opening and m.done]
    ordered = sorted(done, key=lambda m: float(np.median(m.seconds_per_fit)))
    missing = [f"{m.name}: {m.obstacle or 'interrupted'}." for m in group if m not in done]
    wrong = [
        f"{m.name} has no parity: {m.parity.problem}." for m in done if m.parity and not m.proved
    ]
    return Table(
        id=f"bench-on-{name.replace(' ', '-')}",
        title=f"{name.capitalize()}: {_describe(group[0].workload)}",
        note=" ".join([_HOW_TO_READ, *wrong, *(["Not measured:"] if missing else []), *missing]),
        columns=(
            Column(title="contender"),
            Column(title="import", kind="number"),
            Column(title="first", kind="number"),
            Column(title="second", kind="number"),
            Column(title="steady, per fit", kind="number"),
            Column(title="memory", kind="number"),
            Column(title="CPU", kind="number"),
            Column(title="parity"),
        ),
        rows=tuple(Row(cells=_cells(m)) for m in ordered),
    )


def _describe(workload: Workload) -> str:
    """Say in a line what is done."""
    fits = f"{workload.runs} fits" if workload.runs > 1 else "one fit"
    kept = "every step kept" if workload.record == "every step" else "the end kept"
    return (
        f"{fits}, {workload.n} x {workload.features}, batches of {workload.batch_size}, "
        f"epochs: {workload.epochs}, {kept}, {workload.dtype}"
    )


def _cells(m: Measurement) -> tuple[Cell, ...]:
    opening, spread = m.opening, m.spread
    assert opening is not None
    assert spread is not None
    return (
        m.name,
        duration(m.import_seconds) if m.import_seconds else "",
        duration(opening.first),
        duration(opening.second),
        duration_interval(spread.median),
        megabytes(opening.peak_memory) if opening.peak_memory else "not known",
        f"{m.load:.1f}",
        _parity(m),
    )


def throughput_table(large: Sequence[Measurement]) -> Table:
    """Return the rate at which rows of a large problem are read, beside a plain copy."""
    ordered = sorted(large, key=lambda m: -m.rate)
    return Table(
        id="bench-throughput",
        title="A large problem: how fast rows are read",
        note="Bytes of X and y over the time of a whole fit. The plain copy is NumPy's of a large "
        "array, in the same process right before; it counts the bytes that are read.",
        columns=(
            Column(title="contender"),
            Column(title="GB/s", kind="number", form=".2f"),
            Column(title="plain copy, GB/s", kind="number", form=".2f"),
            Column(title="parity"),
        ),
        rows=tuple(
            Row(
                cells=(
                    m.name,
                    m.rate / 1e9,
                    float(np.median(m.copy_rates)) / 1e9,
                    _parity(m),
                )
            )
            for m in ordered
        ),
    )


def growth_table(growth: Sequence[Growth]) -> Table:
    """Return the exponents with which time grows."""
    return Table(
        id="bench-growth",
        title="How the time of a call grows",
        note="Exponent k of time ~ size^k: the slope in the upper half of the sizes, on log axes, "
        "[95 %] from round to round. Below, costs that do not grow, such as those of a call, hide "
        "it; the time at the smallest size bounds them.",
        columns=(
            Column(title="growing"),
            Column(title="contender"),
            Column(title="exponent", kind="number"),
            Column(title="over"),
            Column(title="at the smallest", kind="number"),
            Column(title="at the largest", kind="number"),
        ),
        rows=tuple(
            Row(
                cells=(
                    SERIES[g.parameter],
                    g.name,
                    format(g.exponent, ".2f"),
                    f"{g.fitted[0]} to {g.fitted[-1]}",
                    duration(g.seconds[0]),
                    duration(g.seconds[-1]),
                )
            )
            for g in growth
        ),
    )


def _parity(m: Measurement) -> str:
    if m.parity is None:
        return "not judged"
    return f"{m.parity.ratio:.2f}" if m.parity.holds else "no"
