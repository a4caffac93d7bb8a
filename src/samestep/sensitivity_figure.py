"""The figure of ``samestep selftest``: the smallest error caught, and how loose the bounds are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_halves
from samestep.referee import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["draw_sensitivity"]

Record: TypeAlias = Mapping[str, float | str]

# In float64 many errors are 0 by luck, and lines between those and others would say nothing.
_DTYPES: Mapping[str, dict[str, Any]] = {
    "float32": {"marker": "o", "markersize": 5, "linestyle": "-"},
    "float64": {"marker": "s", "markersize": 5, "linestyle": "none", "markerfacecolor": "white"},
}
_LOWEST, _HIGHEST = 1e-4, 2.0


def draw_sensitivity(records: Sequence[Record]) -> Figure:
    """Draw the smallest relative gradient error that is caught, and error over bound, by size.

    Parameters
    ----------
    records : sequence of mapping
        With the keys ``participant``, ``dtype`` (float32 or float64), ``batch_size``,
        ``features``, ``smallest`` (the relative error) and, by quantity, the median over steps of
        error over bound in a sound run. Participants lie on top of each other.
    """
    figure, above, below = new_halves((WIDTH, 6.4))
    units = [float(r["smallest"]) / _roundoff(str(r["dtype"])) for r in records]
    for axes, dtype in zip(above.subplots(1, len(_DTYPES)), _DTYPES, strict=True):
        _smallest_panel(axes, records, dtype)
        # As many decades in both precisions, so that they can be compared.
        axes.set_ylim(*np.array([0.5, 2.5 * max(units, default=100)]) * _roundoff(dtype))
        axes.set_title(dtype, fontsize=10)
    above.axes[0].set_ylabel("smallest relative error caught")
    panels = below.subplots(1, len(QUANTITIES), sharey=True)
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        for dtype in _DTYPES:
            _lines(axes, records, dtype, quantity)
        axes.axhline(1, color="black", lw=1.5)
        axes.set(yscale="log", ylim=(_LOWEST, _HIGHEST))
        _sizes(axes, records)
        axes.set_title(quantity, fontsize=10)
    # A logarithmic axis has no zero: what is exact to the bit lies on its lower edge.
    ticks = {_LOWEST: f"≤ {_LOWEST:g}", 1e-3: "0.001", 1e-2: "0.01", 0.1: "0.1", 1: "bound"}
    panels[0].set_yticks(list(ticks), list(ticks.values()))
    panels[0].set_ylabel("median error / bound")
    below.legend(handles=_legend(records), loc="outside lower center", ncols=3, fontsize=8)
    if units:
        figure.suptitle(
            f"A gradient error of {min(units):.0f} to {max(units):.0f} unit roundoffs is caught"
        )
    return figure


def _roundoff(dtype: str) -> float:
    return float(np.finfo(dtype).eps) / 2


def _smallest_panel(axes: Axes, records: Sequence[Record], dtype: str) -> None:
    """Draw what is caught in one precision, with its unit roundoff."""
    _lines(axes, records, dtype, "smallest")
    axes.axhline(_roundoff(dtype), color=COLOURS["grey"], lw=1.5, ls="--")
    axes.annotate(
        f"unit roundoff {_roundoff(dtype):.1e}",
        (0.03, _roundoff(dtype)),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=9,
        color=COLOURS["grey"],
    )
    axes.set_yscale("log")
    _sizes(axes, records)


def _lines(axes: Axes, records: Sequence[Record], dtype: str, key: str) -> None:
    """Draw a line over the numbers of features for each participant and batch size."""
    style, low, high = {"lw": 1.5, **_DTYPES[dtype]}, _LOWEST, _HIGHEST
    if key == "smallest":  # never 0, so its points may be joined in both precisions
        style["linestyle"], low, high = "-", 0.0, np.inf
    groups: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for record in records:
        if record["dtype"] == dtype:
            points = groups.setdefault(
                (str(record["participant"]), float(record["batch_size"])), []
            )
            points.append(
                (float(record["features"]), float(np.clip(float(record[key]), low, high)))
            )
    colours = _colours(records)
    for (_, batch_size), points in groups.items():
        axes.plot(*zip(*sorted(points), strict=True), color=colours[batch_size], **style)


def _sizes(axes: Axes, records: Sequence[Record]) -> None:
    """Label a logarithmic axis with the numbers of features that were tried."""
    features = sorted({float(record["features"]) for record in records})
    axes.set(xscale="log", xlabel="features")
    axes.minorticks_off()
    axes.set_xticks(features, [f"{number:g}" for number in features])


def _legend(records: Sequence[Record]) -> list[Line2D]:
    """Name colours and marks."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=colour, lw=3, label=f"{size:g} rows in a batch")
        for size, colour in _colours(records).items()
    ]
    return lines + [Line2D([], [], color="black", **style, label=d) for d, style in _DTYPES.items()]


def _colours(records: Sequence[Record]) -> dict[float, str]:
    """Return a colour for each batch size."""
    sizes = sorted({float(record["batch_size"]) for record in records})
    names = ("orange", "green", "blue", "vermillion", "purple", "sky")
    return {size: COLOURS[names[i % len(names)]] for i, size in enumerate(sizes)}
