"""Figures of the exercise on learning rate and epochs: plain data in, a figure out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from samestep.claims import mean_interval
from samestep.figures import COLOURS, WIDTH, new_figure
from samestep.loss import Float64

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_approach", "draw_border", "draw_heat_map"]


def draw_approach(
    errors: Mapping[str, Float64],
    contraction: Mapping[str, Float64],
    floors: Mapping[str, float],
    floors_at_ends: Mapping[str, float],
    steps_per_epoch: int,
    divergence: str,
) -> Figure:
    """Draw the error against the step: quantiles over seeds, predicted contraction and floor.

    Parameters
    ----------
    errors : by rate, arrays of shape (3, steps + 1)
        A low, the middle and a high quantile; inf once a run has left the working precision.
    contraction : by rate, arrays of shape (steps + 1,)
    floors, floors_at_ends : by rate
        On average over the steps, and at the ends of epochs; inf where there is none.
    divergence : str
        What is written beside the curves that leave the figure at its top.
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.6))
    axes = grid[0, 0]
    bottom, top = 1e-4, 100.0
    steps = next(iter(errors.values())).shape[1] - 1
    for name, (rate, quantiles) in zip(
        ("blue", "green", "vermillion", "purple"), errors.items(), strict=True
    ):
        colour, line = COLOURS[name], contraction[rate]
        low, middle, high = np.minimum(quantiles, 10 * top)
        axes.fill_between(np.arange(steps + 1), low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(middle, color=colour, lw=1.6)
        bounded = np.isfinite(floors_at_ends[rate])
        until = line > floors[rate] if bounded else line < 10 * top
        axes.plot(np.flatnonzero(until), line[until], color="black", ls=(0, (4, 3)), lw=1.2)
        settled = int(until.sum())
        if bounded and settled < steps:
            axes.plot([settled, steps], 2 * [floors[rate]], color="black", ls=":", lw=1.6)
            ends = np.arange(steps_per_epoch, steps + 1, steps_per_epoch)
            ends = ends[ends > settled]
            height = np.full(len(ends), floors_at_ends[rate])
            axes.plot(ends, height, color="black", marker="_", ms=9, mew=1.6, ls="")
        if bounded:
            axes.annotate(f"  rate {rate}", (steps, middle[-1]), color=colour, va="center")
        else:
            left = int((middle > top).argmax())
            axes.annotate(f"    {divergence}", (left, top / 2), color=colour, va="center")
    axes.text(
        0.62,
        0.83,
        "dashed: predicted contraction, |1 − rate·λ| a step\n"
        "dotted: predicted floor, σ √(1/n + rate/batch)\n"
        "bars: predicted at epoch ends (short last batch)",
        transform=axes.transAxes,
        ha="center",
        va="center",
    )
    axes.set(
        yscale="log",
        ylim=(bottom, top),
        xlim=(0, 1.14 * steps),
        xticks=np.arange(0, steps + 1, steps_per_epoch * max(1, steps // steps_per_epoch // 5)),
        xlabel=f"step ({steps_per_epoch} are an epoch)",
        ylabel="error of the parameters (root mean square)",
        title="The error contracts as predicted until it meets the floor of its rate",
    )
    return figure


def draw_heat_map(
    rates: Float64,
    medians: Float64,
    line_rates: Float64,
    line_epochs: Float64,
    critical: float,
    published: Float64,
    published_epochs: int,
) -> Figure:
    """Draw the error by rate and epochs, the critical rate, and where contraction meets floor.

    Parameters
    ----------
    rates : array of shape (rates,)
        Equally spaced in the logarithm.
    medians : array of shape (rates, epochs)
        Median error after epochs 1, 2, ...; not finite where numbers left the working precision.
    line_rates, line_epochs : arrays of shape (points,)
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.6))
    axes = grid[0, 0]
    epochs = medians.shape[1]
    half = np.sqrt(rates[1] / rates[0])
    edges = np.append(rates / half, rates[-1] * half)
    colours = axes.pcolormesh(
        edges,
        np.arange(epochs + 1) + 0.5,
        np.where(np.isfinite(medians), medians, 1e300).T,
        norm="log",
        vmin=np.nanmin(medians),
        vmax=10,
        rasterized=True,
    )
    colours.set_cmap(colours.cmap.with_extremes(over=COLOURS["grey"]))
    bar = figure.colorbar(colours, ax=axes, extend="max", pad=0.02)
    bar.set_label("median error of the parameters; grey: above 10, divergent")
    inside = line_epochs <= epochs + 0.5
    axes.plot(line_rates[inside], line_epochs[inside], color="white", lw=2.5)
    axes.axvline(critical, color="white", lw=2.5, ls="--")
    # Three regions, each named where it lies.
    for x, y, text, colour in (
        (0.155, 0.45, "still contracting:\nmore epochs help", "black"),
        (0.56, 0.72, "on the floor:\nmore epochs change nothing", "white"),
        (0.92, 0.72, "diverges", "white"),
    ):
        axes.text(x, y, text, transform=axes.transAxes, ha="center", color=colour, weight="bold")
    axes.annotate(
        f"2/λmax = {critical:.3g} ",
        (critical, 1),
        ha="right",
        va="center",
        color="white",
    )
    axes.plot(published, np.full(len(published), published_epochs), "wo", mfc="none", mew=1.8, ms=9)
    axes.annotate(
        "published runs",
        (published[2], published_epochs),
        (0, -9),
        textcoords="offset points",
        ha="center",
        va="top",
        color="white",
    )
    axes.grid(visible=False)
    axes.set(
        xscale="log",
        xlabel="learning rate",
        ylabel="epochs",
        xticks=published,
        xticklabels=[f"{rate:g}" for rate in published],
        xlim=(edges[0], edges[-1]),
        ylim=(0.5, epochs + 0.5),
        yticks=np.arange(1, epochs + 1, max(1, epochs // 10)),
        title="More epochs help only until the contraction meets the floor (solid line)",
    )
    return figure


def draw_border(
    fractions: Float64,
    full_batch: Float64,
    mean_square: Float64,
    typical: Float64,
    batch_size: int,
) -> Figure:
    """Draw the factor by which a step multiplies the error, against the rate over 2/lambda_max.

    Parameters
    ----------
    fractions : array of shape (rates,)
    full_batch : array of shape (rates, data sets)
        Log growth a step.
    mean_square : array of shape (rates, seeds)
        Mean factor a step on the squared error.
    typical : array of shape (rates, seeds)
        Log growth a step.
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.6))
    axes = grid[0, 0]
    # Intervals, estimates last, as factors of the error itself.
    squares = np.sqrt(np.maximum([mean_interval(factors) for factors in mean_square], 0))
    with np.errstate(over="ignore"):
        typicals = np.exp([mean_interval(growth) for growth in typical])
    full = np.exp(full_batch)
    middles = np.concatenate([squares[:, 2], typicals[:, 2], full.ravel()])
    bottom, top = middles.min() - 0.07, middles.max() + 0.07
    for name, text, intervals in (
        ("vermillion", f"minibatches of {batch_size},\nroot mean square", squares),
        ("blue", f"minibatches of {batch_size},\ntypical run", typicals),
    ):
        # With few seeds an interval has no ends.
        low, high = intervals[:, :2].clip(bottom, top).T
        middle = intervals[:, 2]
        colour = COLOURS[name]
        axes.fill_between(fractions, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(fractions, middle, color=colour, marker="o", lw=1.6)
        axes.annotate(
            text,
            (fractions[-1], middle[-1]),
            (8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )
    axes.plot(fractions, full, color="black", marker="s", lw=1.6)
    axes.annotate("  full batch", (fractions[-1], full[-1, 0]), color="black", va="center")
    right = fractions[-1] + 0.5 * (fractions[-1] - fractions[0])
    axes.axhline(1, color=COLOURS["grey"], lw=1)
    axes.axvline(1, color=COLOURS["grey"], lw=1, ls="--")
    axes.annotate(
        "2/λmax ", (1, 0.03), xycoords=("data", "axes fraction"), ha="right", color=COLOURS["grey"]
    )
    for text, side, shift in (("grows", "bottom", 3), ("contracts", "top", -3)):
        axes.annotate(
            text,
            (right, 1),
            (-3, shift),
            textcoords="offset points",
            color=COLOURS["grey"],
            ha="right",
            va=side,
        )
    axes.set(
        xlabel="learning rate / (2/λmax of the data)",
        ylabel="factor of the error per step",
        xlim=(fractions[0], right),
        ylim=(bottom, top),
        xticks=fractions.round(4),
        title="Full-batch descent diverges beyond 2/λmax,\nminibatch SGD before, in mean square",
    )
    return figure
