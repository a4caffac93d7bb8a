"""Figures of the exercise on Huber's loss: what outliers do, and what no loss survives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHADES = ("black", "blue", "vermillion")
_LABELS: tuple[Any, ...] = (
    {"xytext": (0, 5), "ha": "center"},
    {"xytext": (5, -3), "ha": "left", "va": "top"},
    {"xytext": (-5, 3), "ha": "right"},
)
_LOSS_NAMES = {"absolute_error": "absolute error", "huber": "Huber's loss"}
_LOSS_COLOURS = {"absolute_error": COLOURS["purple"], "huber": COLOURS["blue"]}


def draw_robustness(
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    measured_at: Mapping[str, float],
    deltas: np.ndarray,
) -> Figure:
    """Draw the size of errors against delta, measured beside theory, one panel for each kind.

    Parameters
    ----------
    panels : mapping of str to mapping of str to tuple of two arrays
        By title and share of moved labels: sizes of one parameter's error of shape
        (settings, seeds), and their predicted quantiles (5 %, median, 95 %) of shape (3, deltas).
    measured_at : mapping of str to float
        Where each setting stands on the axis of delta, by its tick's label.
    deltas : array
        Where the prediction was made.
    """
    figure, grid = new_figure(len(panels), 1, (WIDTH, 3.6 * len(panels)))
    figure.suptitle("Labels moved by 50: the smaller Huber's delta, the less they count")
    at = np.array([*measured_at.values()])
    named = round(0.7 * len(deltas))  # between two ticks, where no bar is
    for axes, (title, by_share) in zip(grid[:, 0], panels.items(), strict=True):
        for i, (share, (sizes, (low, middle, high))) in enumerate(by_share.items()):
            colour = COLOURS[_SHADES[i]]
            axes.fill_between(deltas, low, high, color=colour, alpha=0.12, lw=0)
            axes.plot(deltas, middle, color=colour, lw=1.2)
            below, median, above = np.quantile(sizes, [0.05, 0.5, 0.95], axis=1)
            axes.errorbar(
                at * 1.12 ** (i - 1),
                median,
                (median - below, above - median),
                fmt="o",
                ms=4,
                capsize=3,
                color=colour,
            )
            axes.annotate(
                share,
                (deltas[named], middle[named]),
                textcoords="offset points",
                color=colour,
                **_LABELS[i],
            )
        lowest = min(low.min() for _, (low, *_) in by_share.values())
        axes.set(title=title, xscale="log", yscale="log", xlabel="delta of Huber's loss")
        # Absolute error moves the intercept on a grid that holds the truth: some errors are 0.
        axes.set_ylim(bottom=lowest / 3)
        axes.set_xticks(at, list(measured_at))
        axes.minorticks_off()
        axes.set_ylabel("size of the error")
    grid[0, 0].annotate(
        "dots, bars: measured; lines, bands: theory\n(median and 5 to 95 % of the runs)",
        (0.03, 0.97),
        xycoords="axes fraction",
        va="top",
        color=COLOURS["grey"],
        fontsize=8,
    )
    return figure


def draw_limits(
    settling: Mapping[str, tuple[str, np.ndarray]],
    majority: Mapping[str, np.ndarray],
    leverage: Mapping[str, np.ndarray],
    noise: float,
    shift: float,
) -> Figure:
    """Draw paths that start at the truth and leave it.

    Parameters
    ----------
    settling : mapping of str to tuple of str and array
        By label: the loss, and the worst error of shape (steps + 1, seeds).
    majority : mapping of str to array of shape (steps + 1, seeds)
        Error of the intercept with Huber's loss, by share of moved labels.
    leverage : mapping of str to array of shape (steps + 1, seeds)
        Error of w1 by loss.
    noise, shift : float
        Of the labels, and of the moved ones.
    """
    figure, grid = new_figure(3, 1, (WIDTH, 10.2))
    settle, crowd, lever = grid[:, 0]
    for label, (loss, path) in settling.items():
        lift = {"rate 0.003": 5, "Huber's loss": -5}.get(label.split(",")[0], 0)
        _median_path(settle, path, label, _LOSS_COLOURS[loss], lift)
    settle.axhline(noise, color=COLOURS["grey"], lw=0.8, ls=":")
    settle.annotate("noise of a label", (0, noise), color=COLOURS["grey"], fontsize=8, va="bottom")
    settle.set(
        yscale="log",
        title="Absolute error: the rate decides",
        ylabel="worst parameter error",
    )
    colours = [COLOURS[name] for name in ("green", "orange", "vermillion")]
    for (share, path), colour in zip(majority.items(), colours, strict=True):
        _median_path(crowd, path, share, colour)
    crowd.axhline(shift, color=COLOURS["grey"], lw=0.8, ls=":")
    crowd.annotate(
        "where the moved labels are",
        (0, shift),
        xytext=(0, -3),
        textcoords="offset points",
        color=COLOURS["grey"],
        fontsize=8,
        va="top",
    )
    crowd.set(title="A majority wins (Huber's loss)", ylabel="error of b")
    for (loss, path), lift in zip(leverage.items(), (5, -5), strict=True):
        _median_path(lever, path, _LOSS_NAMES[loss], _LOSS_COLOURS[loss], lift)
    lever.set(title="A leverage point wins", ylabel="error of w1")
    for axes in grid[:, 0]:
        axes.set_xlabel("step")
    return figure


def _median_path(axes: Axes, path: np.ndarray, label: str, colour: str, lift: float = 0.0) -> None:
    """Draw median and 5 to 95 % of a path of shape (steps + 1, seeds), named at its end.

    Parameters
    ----------
    lift : float
        By how many points the name stands above the end.
    """
    path = path[1:]  # all start at the truth, which has no place on a logarithmic axis
    steps = np.arange(1, len(path) + 1)
    low, middle, high = np.quantile(path, [0.05, 0.5, 0.95], axis=1)
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, lw=0)
    axes.plot(steps, middle, color=colour, lw=1.2)
    axes.annotate(
        label,
        (steps[-1], np.median(middle[-20:])),
        xytext=(4, lift),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=9,
        annotation_clip=False,
    )


def positions(names: Sequence[str], deltas: Sequence[float]) -> dict[str, float]:
    """Place the settings on an axis of delta: its ends stand for the two limits of Huber's loss.

    Parameters
    ----------
    names : sequence of str
        Labels of the ticks, from the large end down.
    deltas : sequence of float
        Of the settings between the ends.
    """
    factor = 8.0
    places = [max(deltas) * factor, *deltas, min(deltas) / factor]
    return dict(zip(names, places, strict=True))
