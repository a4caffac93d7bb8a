"""The figure of how time grows: one panel per parameter, on logarithmic axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.benchmarking.catalogue import SERIES
from samestep.benchmarking.growth import Growth
from samestep.benchmarking.quantities import tick
from samestep.figures import WIDTH, FigureSpec, new_figure, participant_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_growth", "growth_figure"]

_COLUMNS = 3
_MARKERS = "osD^vP"


def growth_figure(growth: Sequence[Growth]) -> FigureSpec:
    """Return the figure of all series."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for g in growth:
        panels.setdefault(SERIES[g.parameter], []).append(g.to_dict())
    return FigureSpec(
        name="bench-growth",
        caption="Time of a call against one parameter, all others held, on logarithmic axes. "
        "Dashed: the slope fitted to the upper half of the sizes; the table says its exponent. "
        "Where a line is flat, the time is that of calls and of steps, not of numbers.",
        draw=draw_growth,
        data={"panels": panels},
    )


def draw_growth(panels: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw a panel for each parameter, and the legend beside the last one."""
    count = len(panels) + 1
    columns = min(count, _COLUMNS)
    lines = -(-count // columns)
    figure, grid = new_figure(lines, columns, (WIDTH, 2.7 * lines + 0.2))
    names = list(dict.fromkeys(str(s["contender"]) for found in panels.values() for s in found))
    places = grid.ravel()
    for axes in places[1 : len(panels)]:
        axes.sharey(places[0])
    for axes, (title, found) in zip(places, panels.items(), strict=False):
        for series in found:
            _series(axes, series, names.index(str(series["contender"])))
        axes.set(xscale="log", yscale="log", xlabel=title)
        sizes = sorted({size for series in found for size in series["sizes"]})
        axes.set_xticks(sizes, [_short(size) for size in sizes])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda seconds, _: tick(seconds))
    for axes in grid[:, 0]:
        axes.set_ylabel("time of a call")
    legend = places[len(panels)]
    handles, labels = places[0].get_legend_handles_labels()
    legend.legend(handles, labels, loc="center", fontsize=9)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    return figure


def _short(size: int) -> str:
    """Such as 64k."""
    return f"{size // 1000}k" if size >= 1000 and size % 1000 == 0 else str(size)


def _series(axes: Axes, series: Mapping[str, Any], place: int) -> None:
    style = participant_style(place)
    style["linewidth"] = 1.5
    axes.plot(
        series["sizes"],
        series["seconds"],
        marker=_MARKERS[place % len(_MARKERS)],
        markersize=4.5,
        label=series["contender"],
        **style,
    )
    # The fitted slope goes through the middle of the points it was fitted to.
    sizes = np.array(series["fitted_sizes"], float)
    seconds = np.array(series["seconds"])[-len(sizes) :]
    k = series["exponent"]["value"]
    middle = np.exp(np.mean(np.log(seconds) - k * np.log(sizes)))
    axes.plot(sizes, middle * sizes**k, color="black", lw=0.8, ls=(0, (4, 2)))
