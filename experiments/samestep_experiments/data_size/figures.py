"""The figures of the exercise on data size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_figure
from samestep.loss import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARAMETERS = ("w1", "w2", "b")
_LOW, _HIGH = 0.1, 0.9  # quantiles over seeds that a band shows
_MEDIAN_OF_NORMAL = 0.6745  # of the absolute value of a standard normal number
_GREY: dict[str, Any] = {"color": COLOURS["grey"], "linewidth": 1}
_NOTE: dict[str, Any] = {"color": COLOURS["grey"], "fontsize": 8}
_TREAD = COLOURS["vermillion"]

# Wide lines first: where two methods agree, the later ones lie on top of the earlier.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": COLOURS["vermillion"], "marker": "o", "linestyle": "-", "linewidth": 1.8},
    {"color": COLOURS["blue"], "marker": "s", "linestyle": "-", "linewidth": 1.8},
    {"color": COLOURS["orange"], "marker": "D", "linestyle": "none", "markersize": 6.5},
    {"color": COLOURS["black"], "marker": "v", "linestyle": "-", "linewidth": 1.2},
)


def draw_errors(
    errors: Mapping[str, Mapping[int, Float64]],
    joined: Sequence[int],
    noise: float,
    bend: float,
    floor: float,
) -> Figure:
    """Draw the absolute error of each parameter against n, a line and a band per method.

    Parameters
    ----------
    errors : mapping of str to mapping of int to array of shape (seeds, 3)
        Signed errors by method and number of examples; four methods.
    joined : sequence of int
        The sizes that a line joins; the others are hollow marks.
    noise : float
        Standard deviation of the noise, for the line of least squares at many examples.
    bend : float
        Number of examples at which a constant rate leaves that line.
    floor : float
        Standard deviation of a parameter at which a constant rate settles.
    """
    figure, grid = new_figure(len(_PARAMETERS), 2, (WIDTH, 8.6))
    sizes = np.array(joined)
    line = _MEDIAN_OF_NORMAL * noise / np.sqrt(sizes)
    settled = _MEDIAN_OF_NORMAL * floor
    for row, (linear, logarithmic) in enumerate(grid):
        for axes, scale in ((linear, "linear"), (logarithmic, "log")):
            _methods(axes, errors, joined, row, absolute=True)
            axes.plot(sizes, line, linestyle="--", **_GREY)
            axes.axhline(settled, linestyle=":", **_GREY)
            axes.axvline(bend, linestyle=":", **_GREY)
            axes.set(xscale=scale, yscale=scale)
        linear.set_ylabel(f"|error of {_PARAMETERS[row]}|")
        linear.set_xticks([0, 5000, 10_000], ["0", "5,000", "10,000"])
        # Beyond the last size there is room for the names of the laws.
        logarithmic.set_xlim(right=15 * sizes[-1])
        for text, height, side in (
            ("0.67 σ\n√(rate/B)", settled, "bottom"),
            ("0.67 σ/√n", line[-1], "top"),
        ):
            logarithmic.annotate(text, (1.5 * sizes[-1], height), va=side, **_NOTE)
        _name_bend(logarithmic, bend)
    for axes, title in zip(grid[0], ("linear axes: one curve", "log axes: four laws"), strict=True):
        axes.set_title(title, fontsize=11)
    for axes in grid[-1]:
        axes.set_xlabel("examples n")
    figure.suptitle(
        "At a fixed number of epochs few examples mean few updates;\n"
        "least squares falls as 1/√n, a constant rate flattens"
    )
    _legend(figure, grid[0, 0])
    return figure


def draw_signed_errors(
    errors: Mapping[str, Mapping[int, Float64]], joined: Sequence[int]
) -> Figure:
    """Draw the signed error of each parameter against n, as :func:`draw_errors` does."""
    figure, grid = new_figure(1, len(_PARAMETERS), (WIDTH, 4.6))
    for column, axes in enumerate(grid[0]):
        axes.sharey(grid[0, 0])
        _methods(axes, errors, joined, column, absolute=False)
        axes.axhline(0, **_GREY)
        axes.set(xscale="log", xlabel="examples n", title=_PARAMETERS[column])
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.tick_params(labelleft=column == 0)
    grid[0, 0].set_ylabel("error (linear within ±0.001)")
    figure.suptitle(
        "After few updates the error keeps the sign of the start's;\n"
        "least squares scatters around zero"
    )
    _legend(figure, grid[0, 0])
    return figure


def draw_axes(lengths: Mapping[int, Float64], law: Mapping[int, float]) -> Figure:
    """Draw the error of least squares on linear and on logarithmic axes, side by side.

    Parameters
    ----------
    lengths : mapping of int to array of shape (seeds,)
        Lengths of the error vectors by number of examples; 100, 1,000 and 10,000 are among them.
    law : mapping of int to float
        Their root mean square by theory.
    """
    figure, grid = new_figure(1, 2, (WIDTH, 4.0))
    sizes = list(lengths)
    measured = [float(np.sqrt((values**2).mean())) for values in lengths.values()]
    for axes, scale in zip(grid[0], ("linear", "log"), strict=True):
        axes.plot(sizes, [law[n] for n in sizes], color=COLOURS["sky"], linewidth=3)
        axes.plot(sizes, measured, color=COLOURS["black"], marker="o", markersize=4, linestyle="")
        for n in (100, 1000):
            axes.plot([n, 10 * n, 10 * n], [law[n], law[n], law[10 * n]], color=_TREAD)
        axes.set(
            xscale=scale,
            yscale=scale,
            xlabel="examples n",
            title=f"{scale} axes",
        )
    linear, logarithmic = grid[0]
    linear.set_ylabel("length of the error (root mean square)")
    linear.set_xticks([0, 5000, 10_000], ["0", "5,000", "10,000"])
    few = [n for n in sizes if n <= 1000]
    linear.annotate(
        f"{len(few)} of the {len(sizes)}\nsizes are here",
        (500, law[few[len(few) // 2]]),
        xytext=(0.25, 0.6),
        textcoords="axes fraction",
        arrowprops={"arrowstyle": "->", "color": COLOURS["grey"]},
    )
    for n in (100, 1000):
        logarithmic.annotate(
            f"10 times the data,\n1/{law[n] / law[10 * n]:.1f} the error",
            (n, law[n]),
            xytext=(8, 4),
            textcoords="offset points",
            color=_TREAD,
            fontsize=9,
        )
    logarithmic.set_xlim(right=4 * sizes[-1])
    logarithmic.annotate(
        "line: σ √((3 − 2/n)/(n − 4))\ndots: measured",
        (0.03, 0.03),
        xycoords="axes fraction",
        fontsize=9,
    )
    figure.suptitle(
        "The same numbers twice: only on logarithmic axes are equal factors equal steps"
    )
    return figure


def draw_slopes(
    slopes: Mapping[str, Mapping[str, tuple[float, float, float]]], smallest: int
) -> Figure:
    """Draw the fitted slopes with their intervals, one row per method and participant.

    Parameters
    ----------
    slopes : mapping of str to mapping of str to tuple
        Low end, high end and estimate by method and participant.
    smallest : int
        Number of examples from which the slopes were fitted.
    """
    rows = [(method, who, *ends) for method, by in slopes.items() for who, ends in by.items()]
    figure, grid = new_figure(1, 1, (WIDTH, 1.4 + 0.23 * len(rows)))
    axes = grid[0, 0]
    methods = list(slopes)
    colours = [style["color"] for style in reversed(_STYLES)]
    for i, (method, _, low, high, estimate) in enumerate(rows):
        colour = colours[methods.index(method)]
        if np.isfinite([low, high]).all():
            axes.plot([low, high], [i, i], color=colour, linewidth=2)
        axes.plot(estimate, i, color=colour, marker="o")
    axes.axvline(-0.5, linestyle="--", **_GREY)
    axes.set_yticks(range(len(rows)), [f"{method}, {who}" for method, who, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.annotate(
        " −1/2",
        (-0.5, 0),
        xycoords=("data", "axes fraction"),
        xytext=(2, 4),
        textcoords="offset points",
        **_NOTE,
    )
    axes.set(
        xlabel=f"slope of log |error| on log n, n = {smallest} and more",
        title="Only least squares, and what converges to it, falls as 1/√n",
    )
    return figure


def _methods(
    axes: Axes,
    errors: Mapping[str, Mapping[int, Float64]],
    joined: Sequence[int],
    column: int,
    *,
    absolute: bool,
) -> None:
    """Draw a line and a band for each method, of the error of one parameter."""
    for (label, by_size), style in zip(errors.items(), _STYLES, strict=True):
        values = {
            n: np.abs(signed[:, column]) if absolute else signed[:, column]
            for n, signed in by_size.items()
        }
        _line_and_band(axes, values, joined, style, label)


def _name_bend(axes: Axes, bend: float) -> None:
    axes.annotate(
        "n = B/rate",
        (bend, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -10),
        textcoords="offset points",
        **_NOTE,
    )


def _legend(figure: Figure, axes: Axes) -> None:
    """Name the methods once, below all panels."""
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        fontsize=9,
        title="median and central 80 % over seeds; hollow: the book's sizes",
        title_fontsize=9,
    )


def _line_and_band(
    axes: Axes,
    values: Mapping[int, Float64],
    joined: Sequence[int],
    style: Mapping[str, Any],
    label: str,
) -> None:
    """Draw the values of all seeds: a line and a band for some sizes, marks for the others."""
    on = [n for n in values if n in joined]
    with np.errstate(invalid="ignore"):  # runs that left the numbers leave a gap
        low, middle, high = np.quantile([values[n] for n in on], [_LOW, 0.5, _HIGH], axis=1)
    axes.plot(on, middle, **{"markersize": 4, **style}, label=label)
    if style["linestyle"] != "none":
        axes.fill_between(on, low, high, color=style["color"], alpha=0.15, linewidth=0)
    off = [n for n in values if n not in joined]
    axes.plot(
        off,
        [float(np.median(values[n])) for n in off],
        **{**style, "linestyle": "none", "markersize": 5, "markerfacecolor": "none"},
    )
