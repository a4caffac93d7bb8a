"""The drawings of the exercise on mean and summed loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_figure, new_halves
from samestep.loss import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_fan", "draw_path_gap"]

_STAR: dict[str, Any] = {"marker": "*", "ms": 14, "color": COLOURS["vermillion"], "ls": "none"}
_BEHIND_TEXT: dict[str, Any] = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1}
_SINGLE_RUNS = 24
"""Runs of which each is a line of its own."""


def draw_path_gap(
    gaps: Mapping[str, np.ndarray], ends: np.ndarray, batch_size: int, short: int
) -> Figure:
    """Draw the gap between the paths of mean and summed loss against the step.

    Parameters
    ----------
    gaps : mapping of str to array of shape (steps + 1, seeds)
        By treatment of the last batch: keep, drop, reweight.
    ends : array of shape (epochs + 1,)
        Steps made at the end of each epoch.
    batch_size, short : int
        Examples of a full batch and of the last one.
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.0))
    axes = grid[0, 0]
    kept = gaps["keep"]
    steps = np.arange(len(kept))
    axes.fill_between(
        steps, kept.min(axis=1), kept.max(axis=1), color=COLOURS["vermillion"], alpha=0.2, lw=0
    )
    median = np.median(kept, axis=1)
    axes.plot(steps, median, color=COLOURS["vermillion"], lw=2)
    top = float(kept.max()) or 1.0
    for end in ends[1:]:
        axes.axvline(end, color=COLOURS["grey"], lw=1, ls=":")
    axes.annotate(
        f"each epoch ends with\n{short} of {batch_size} examples",
        (ends[1], 0.97 * top),
        xytext=(-6, 0),
        textcoords="offset points",
        ha="right",
        va="top",
        color=COLOURS["grey"],
    )
    axes.annotate(
        "last batch kept\n(median and range\nover seeds)",
        (ends[1] + 6, median[ends[1] + 6]),
        xytext=(ends[1] + 11, 0.68 * top),
        color=COLOURS["vermillion"],
        arrowprops={"arrowstyle": "-", "color": COLOURS["vermillion"]},
    )
    for name, colour, dashes, words in (
        ("drop", "blue", "-", "last batch dropped"),
        ("reweight", "black", (0, (3, 3)), "or reweighted"),
    ):
        exactly = ": exactly 0" if gaps[name].max() == 0 else ""
        axes.plot(
            gaps[name].max(axis=1),
            color=COLOURS[colour],
            linestyle=dashes,
            lw=2,
            label=words + exactly,
        )
    axes.legend(loc="upper right", fontsize=9)
    axes.set(
        xlabel="step",
        ylabel="largest parameter difference",
        xlim=(0, steps[-1]),
        ylim=(-0.03 * top, 1.05 * top),
        xticks=ends,
        title="Summed loss leaves mean loss only where the batch is short",
    )
    return figure


def draw_fan(
    paths: Float64,
    published: float,
    batch_size: int,
    summed_rate: float,
    sweep: Mapping[float, Float64],
    limits: Mapping[str, float],
) -> Figure:
    """Draw the error at one rate over steps and seeds, and its end against the rate.

    Parameters
    ----------
    paths : array of shape (seeds, steps + 1)
        Worst parameter error of each run of summed loss at ``summed_rate``; inf where a run left
        the working precision.
    published : float
        That of the published run at its end.
    batch_size : int
        Rates of mean loss are this many times those of summed loss.
    summed_rate : float
    sweep : mapping of float to array of shape (seeds,)
        Errors at the end by rate of mean loss.
    limits : mapping of str to float
        Critical rates of mean loss by name.
    """
    figure, above, below = new_halves((WIDTH, 7.4))
    half, most = np.quantile(paths[:, -1], [0.5, 0.95], method="inverted_cdf")
    above.suptitle(
        f"Summed loss at {summed_rate:g}: half of {len(paths):,} seeds end within {half:.2g}, "
        f"5 % beyond {most:.2g}"
    )
    # A figure has no place for infinity: such runs are drawn above all others.
    paths = np.minimum(paths, 10 * paths[np.isfinite(paths)].max())
    highest = max(values[np.isfinite(values)].max(initial=1) for values in sweep.values())
    sweep = {rate: np.minimum(values, 10 * highest) for rate, values in sweep.items()}
    steps, ends = above.subplots(1, 2, width_ratios=[2.4, 1], sharey=True)
    _steps_panel(steps, paths)
    _ends_panel(ends, paths[:, -1], float(half), published)
    far = float(np.mean(paths[:, -1] > 1))
    ends.annotate(
        f"{100 * far:.0f} % end\noff by\nmore than 1",
        (0.97, 1),
        xycoords=("axes fraction", "data"),
        xytext=(0, 6),
        textcoords="offset points",
        ha="right",
        fontsize=9,
    )
    axes = below.subplots()
    _limits_panel(axes, sweep, limits, batch_size)
    rate = batch_size * summed_rate
    axes.plot(rate, published, **_STAR)
    axes.annotate(
        "published run",
        (rate, published),
        (45, -22),
        textcoords="offset points",
        color=_STAR["color"],
        arrowprops={"arrowstyle": "-", "color": _STAR["color"]},
    )
    return figure


def _fan(axes: Axes, x: Sequence[float] | Float64, values: Sequence[Float64]) -> Float64:
    """Draw median and bands of values at each x, and return their quantiles, shape (5, x)."""
    quantiles = np.array([np.quantile(v, [0.05, 0.25, 0.5, 0.75, 0.95]) for v in values]).T
    for low, high, alpha in ((0, 4, 0.25), (1, 3, 0.5)):
        axes.fill_between(
            x, quantiles[low], quantiles[high], color=COLOURS["sky"], alpha=alpha, lw=0
        )
    axes.plot(x, quantiles[2], color=COLOURS["blue"], lw=2)
    axes.set_yscale("log")
    return quantiles


def _steps_panel(axes: Axes, paths: Float64) -> None:
    steps = np.arange(paths.shape[1], dtype=np.float64)
    single = paths[:_SINGLE_RUNS].T
    axes.plot(steps, single, color=COLOURS["grey"], lw=0.5, alpha=0.6, rasterized=True)
    quantiles = _fan(axes, steps, list(paths.T))
    at = int(0.8 * len(steps))
    for row, text in ((4, "95 % of the runs are below"), (2, "median")):
        axes.annotate(
            text,
            (steps[at], quantiles[row, at]),
            (0, 8 if row == 4 else -10),
            textcoords="offset points",
            ha="center",
            va="bottom" if row == 4 else "top",
            color=COLOURS["blue"],
            bbox=_BEHIND_TEXT,
        )
    axes.set(xlabel="step", ylabel="worst parameter error", xlim=(0, steps[-1]))


def _ends_panel(axes: Axes, ends: Float64, median: float, published: float) -> None:
    low, high = np.log10([ends.min(), ends.max()])
    edges = np.logspace(low - 0.1, high + 0.1, 40).tolist()
    axes.hist(
        ends,
        bins=edges,
        weights=np.full(len(ends), 100 / len(ends)),
        orientation="horizontal",
        color=COLOURS["sky"],
    )
    for value, text, colour in (
        (median, "median {:.3g}", COLOURS["blue"]),
        (published, "published {:.3g}", _STAR["color"]),
    ):
        height = min(value, float(ends.max()))
        axes.axhline(height, color=colour, lw=2)
        axes.annotate(
            text.format(value),
            (0.98, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3 if value == published else -4),
            textcoords="offset points",
            ha="right",
            va="bottom" if value == published else "top",
            color=colour,
            fontsize=9,
            bbox=_BEHIND_TEXT,
        )
    axes.set(xlabel="share of runs, %", yscale="log")
    axes.set_title("at the end", fontsize=10)


def _limits_panel(
    axes: Axes, sweep: Mapping[float, Float64], limits: Mapping[str, float], batch_size: int
) -> None:
    rates = list(sweep)
    quantiles = _fan(axes, rates, list(sweep.values()))
    for row, text in ((2, " median"), (4, " 95 %")):
        axes.annotate(text, (rates[-1], quantiles[row, -1]), color=COLOURS["blue"], va="center")
    for (name, value), colour in zip(
        sorted(limits.items(), key=lambda item: item[1]), ("purple", "green", "black"), strict=True
    ):
        axes.axvline(value, color=COLOURS[colour], lw=1.5, ls="--")
        axes.annotate(
            f"{name} {value:.3g}",
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-3, -2),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
        )
    axes.set(
        xlim=(rates[0], rates[-1] + 0.06),
        xlabel=f"rate of mean loss = {batch_size} × rate of summed loss",
        ylabel="worst parameter error after 3 epochs",
        title="Three limits: the tail gives way first, the median last",
    )
