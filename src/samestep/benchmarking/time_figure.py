"""The figure of a benchmark that is read in five seconds: time per fit, one row per contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from samestep.benchmarking.catalogue import SINGLE, STACK
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.quantities import duration, tick
from samestep.figures import COLOURS, WIDTH, FigureSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_times", "time_figure"]

_HOLLOW = {"marker": "s", "markersize": 7, "markerfacecolor": "white"}
_STYLE: Mapping[str, dict[str, Any]] = {
    "mode": {"marker": "o", "markersize": 8, "color": COLOURS["blue"]},
    "peer": {**_HOLLOW, "color": COLOURS["orange"]},
    "more": {**_HOLLOW, "color": COLOURS["grey"]},
}
_LABELS = {
    "mode": "Samestep",
    "peer": "by hand, or another library",
    "more": "does more than that",
}


def time_figure(measurements: Sequence[Measurement]) -> FigureSpec | None:
    """Return the figure of all who proved parity; None if there is nobody."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for workload in (SINGLE, STACK):
        rows = [m for m in measurements if m.workload.name == workload and m.done and m.proved]
        if rows:
            runs = rows[0].workload.runs
            title = f"{runs} fits at once, time of each" if runs > 1 else "One fit, every step kept"
            panels[title] = sorted(map(_row, rows), key=lambda row: float(row["seconds"]))
    if not panels:
        return None
    return FigureSpec(
        name="bench-times",
        caption="Time per fit on a logarithmic axis, the quickest on top. Filled circles are "
        "Samestep's modes, squares are peers that do the same work; only those that proved that "
        "they did it are shown. Bars are 95 % intervals of the median, mostly within the mark.",
        draw=draw_times,
        data={"panels": panels},
    )


def _row(m: Measurement) -> dict[str, Any]:
    assert m.spread is not None
    return {
        "name": m.name,
        "kind": "more" if m.contender.how.does_more else m.contender.kind,
        "seconds": m.spread.median.value,
        "low": m.spread.median.low,
        "high": m.spread.median.high,
    }


def draw_times(panels: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw one panel per workload, and one row per contender."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = [len(found) for found in panels.values()]
    figure = Figure(figsize=(WIDTH, 0.27 * sum(rows) + 0.75 * len(rows) + 0.8))
    grid = figure.subplots(
        len(rows), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": rows}
    )
    for axes, (title, found) in zip(grid[:, 0], panels.items(), strict=True):
        _panel(axes, found)
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes = grid[-1, 0]
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda seconds, _: tick(seconds))
    axes.set_xlabel("time per fit, logarithmic: further left is quicker")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.14)  # room for the numbers
    legend = [
        Line2D([], [], linestyle="none", **style, label=_LABELS[kind])
        for kind, style in _STYLE.items()
        if any(row["kind"] == kind for found in panels.values() for row in found)
    ]
    figure.legend(handles=legend, loc="outside upper left", ncols=3, fontsize=9)
    return figure


def _panel(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        style = _STYLE[str(row["kind"])]
        axes.plot([row["low"], row["high"]], [place, place], color=style["color"], lw=2)
        axes.plot(row["seconds"], place, linestyle="none", **style)
        axes.annotate(
            duration(float(row["seconds"])),
            (float(row["high"]), place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(rows)), [str(row["name"]) for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        if row["kind"] == "mode":
            label.set_color(COLOURS["blue"])
            label.set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
