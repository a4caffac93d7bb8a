"""The drawings of the exercise on mean and summed loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from samestep.figures import COLOURS, new_figure
from samestep.loss import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_limits", "draw_path_gap"]


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
    figure, grid = new_figure(1, 1, (7.5, 4.0))
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


def draw_limits(
    errors: Float64,
    published: float,
    batch_size: int,
    summed_rate: float,
    sweep: Mapping[str, Float64],
    limits: Mapping[str, float],
) -> Figure:
    """Draw the error at one rate over seeds, and its quantiles against the rate.

    Parameters
    ----------
    errors : array of shape (seeds,)
        Worst parameter error of each run of summed loss at ``summed_rate``.
    published : float
        That of the published run.
    batch_size : int
        Rates of mean loss are this many times those of summed loss.
    summed_rate : float
    sweep : mapping of str to array of shape (rates,)
        ``rate`` (of mean loss), and quantiles of the error by name, ascending.
    limits : mapping of str to float
        Critical rates by name.
    """
    figure, grid = new_figure(1, 2, (11.5, 4.4))
    _error_panel(grid[0, 0], errors, published, summed_rate)
    _limits_panel(grid[0, 1], sweep, limits, batch_size)
    star = {"marker": "*", "ms": 14, "color": COLOURS["vermillion"], "ls": "none"}
    grid[0, 1].plot(batch_size * summed_rate, published, **star)
    grid[0, 1].annotate(
        "published run",
        (batch_size * summed_rate, published),
        xytext=(38, -20),
        textcoords="offset points",
        color=COLOURS["vermillion"],
        arrowprops={"arrowstyle": "-", "color": COLOURS["vermillion"]},
    )
    return figure


def _error_panel(axes: Axes, errors: Float64, published: float, summed_rate: float) -> None:
    finite = errors[np.isfinite(errors) & (errors > 0)]
    low, high = np.log10([finite.min(), finite.max()])
    edges = np.logspace(np.floor(low), np.ceil(high + 1e-9), 46).tolist()
    counts, _, _ = axes.hist(
        finite, bins=edges, weights=np.full(len(finite), 100 / len(errors)), color=COLOURS["sky"]
    )
    top = float(np.max(counts))
    median = float(np.median(errors))
    for value, words, colour, height in (
        (median, f" median {median:.3g}", "blue", 1.14),
        (published, f" published run {published:.3g}", "vermillion", 1.04),
    ):
        axes.plot([value, value], [0, height * top], color=COLOURS[colour], lw=2)
        axes.annotate(words, (value, height * top), color=COLOURS[colour], va="center")
    far = float(np.mean(errors > 1))
    axes.annotate(
        f"{100 * far:.0f} % of the runs\nend off by more than 1",
        (1.0, 0.12 * top),
        xytext=(30, 45),
        textcoords="offset points",
        arrowprops={"arrowstyle": "->", "color": COLOURS["grey"]},
    )
    axes.set(
        xscale="log",
        xlabel="worst parameter error after 3 epochs",
        ylabel="share of runs (%)",
        ylim=(0, 1.22 * top),
        title=f"Summed loss at {summed_rate:g}: most runs end well, a heavy tail does not",
    )


def _limits_panel(
    axes: Axes, sweep: Mapping[str, Float64], limits: Mapping[str, float], batch_size: int
) -> None:
    rates = sweep["rate"]
    quantiles = {name: values for name, values in sweep.items() if name != "rate"}
    for (name, values), colour in zip(quantiles.items(), ("blue", "sky", "orange"), strict=True):
        axes.plot(rates, values, color=COLOURS[colour], lw=2, marker=".")
        axes.annotate(
            f" {name}", (rates[-1], values[-1]), color=COLOURS[colour], va="center", weight="bold"
        )
    top = max(float(values.max()) for values in quantiles.values())
    for (name, value), colour in zip(
        sorted(limits.items(), key=lambda item: item[1]), ("purple", "green", "black"), strict=True
    ):
        axes.axvline(value, color=COLOURS[colour], lw=1.5, ls="--")
        axes.annotate(
            f"{name} {value:.3g}",
            (value, top),
            xytext=(-3, 0),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            color=COLOURS[colour],
        )
    axes.set(
        yscale="log",
        xlim=(rates[0] - 0.02, rates[-1] + 0.07),
        xlabel=f"rate of mean loss = {batch_size} x rate of summed loss",
        ylabel="worst parameter error after 3 epochs",
        title="Three limits: the tail gives way first, the median last",
    )
