"""The figures of :mod:`~samestep_experiments.gradient_access`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_figure
from samestep.loss import Float64

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_routes(participants: Mapping[str, Mapping[str, tuple[float, float]]]) -> Figure:
    """Draw the error of each route beside its bound, one panel per participant.

    Parameters
    ----------
    participants : mapping of str to mapping of str to (error, bound)
        By participant and route.
    """
    columns = min(2, len(participants))
    rows = -(-len(participants) // columns)
    most = max(len(routes) for routes in participants.values())
    figure, grid = new_figure(rows, columns, (WIDTH, 0.4 + (0.9 + 0.26 * most) * rows))
    everything = np.array([pair for routes in participants.values() for pair in routes.values()])
    if (everything[:, 0] <= everything[:, 1]).all():
        figure.suptitle("Every route gives the closed form, and so does a finite difference")
    for axes in grid.ravel()[len(participants) :]:
        axes.set_visible(False)
    for axes, (label, routes) in zip(grid.ravel(), participants.items(), strict=False):
        errors, bounds = np.array(list(routes.values())).T
        height = np.arange(len(routes))
        # A logarithmic axis has no zero: an error of exactly 0 is drawn at its left end.
        left = 0.3 * min(errors[errors > 0].min(initial=np.inf), bounds.min())
        shown = np.maximum(errors, left)
        axes.hlines(height, shown, bounds, color=COLOURS["grey"], lw=1)
        axes.plot(shown, height, "o", color=COLOURS["blue"], ms=6)
        axes.plot(bounds, height, "|", color=COLOURS["vermillion"], ms=10, mew=2)
        for y in height[errors == 0]:
            axes.annotate("exactly 0", (left, y), (6, -9), textcoords="offset points", fontsize=8)
        axes.annotate(
            "error",
            (shown[0], 0),
            (0, 6),
            textcoords="offset points",
            ha="center",
            color=COLOURS["blue"],
        )
        axes.annotate(
            "bound",
            (bounds[0], 0),
            (0, 6),
            textcoords="offset points",
            ha="center",
            color=COLOURS["vermillion"],
        )
        axes.set(xscale="log", title=label, xlim=(left / 2, 3 * bounds.max()))
        axes.set_ylim(len(routes) - 0.5, -1.3)
        axes.set_yticks(height, [textwrap.fill(route, 20) for route in routes], fontsize=8)
        axes.set_xlabel("error of a gradient component")
    return figure


def draw_stale(stored: Float64, full: Float64, noise: float, rows: int) -> Figure:
    """Draw the sizes of stored and full gradients at the end of each epoch.

    Parameters
    ----------
    stored, full : array of shape (epochs, seeds)
    noise : float
        Median size that label noise alone gives the gradient of the last minibatch.
    rows : int
        Examples in the last minibatch.
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.2))
    axes = grid[0, 0]
    epochs = np.arange(1, len(stored) + 1)
    for sizes, colour, label in (
        (stored, "vermillion", f"last minibatch ({rows} rows),\nbefore the last update"),
        (full, "blue", "all examples,\nafter it"),
    ):
        low, median, high = np.quantile(sizes, [0.1, 0.5, 0.9], axis=1)
        axes.fill_between(epochs, low, high, color=COLOURS[colour], alpha=0.2, lw=0)
        axes.plot(epochs, median, "o-", color=COLOURS[colour])
        axes.annotate(
            label,
            (epochs[-1], median[-1]),
            xytext=(10, 0),
            textcoords="offset points",
            color=COLOURS[colour],
            va="center",
        )
    axes.hlines(noise, 0.7, epochs[-1], color=COLOURS["grey"], linestyle=":")
    axes.annotate(
        f"noise in {rows} labels",
        (0.85, noise),
        xytext=(0, -4),
        textcoords="offset points",
        color=COLOURS["grey"],
        va="top",
    )
    axes.set(
        yscale="log",
        xlabel="epochs of training",
        ylabel="size of the gradient",
        title="What is stored after training is not the gradient at the solution",
        xlim=(0.7, 1.35 * epochs[-1]),
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_uncleared(cleared: Float64, uncleared: Float64) -> Figure:
    """Draw the distance from the truth with and without clearing, both of shape (steps + 1,)."""
    figure, grid = new_figure(1, 1, (WIDTH, 4.2))
    axes = grid[0, 0]
    for distance, colour, label in (
        (cleared, "blue", "cleared\nbefore each step"),
        (uncleared, "vermillion", "never cleared"),
    ):
        axes.plot(distance, color=COLOURS[colour], lw=2)
        axes.annotate(
            label,
            (len(distance) - 1, distance[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            color=COLOURS[colour],
            va="center",
        )
    axes.set(
        yscale="log",
        xlabel="step",
        ylabel="distance from the true parameters",
        title="Forgetting to clear the gradients is momentum 1: nothing brakes it",
        xlim=(0, 1.22 * len(cleared)),
    )
    return figure
