"""Figures of the exercise on Huber's loss: the three forms, and the trap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from samestep.figures import COLOURS, WIDTH, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from samestep_experiments.huber_loss.trap import Course

    Curve = tuple[np.ndarray, np.ndarray, np.ndarray]

_NAMES = {
    "published_huber": "published formula",
    "huber": "Huber's loss",
    "smooth_l1": "smooth L1",
}
_COLOURS = {
    "published_huber": COLOURS["vermillion"],
    "huber": COLOURS["blue"],
    "smooth_l1": COLOURS["green"],
}

# Where each formula is named in the panels of values and of slopes: residual in units of delta, how
# many points above the curve, and which end of the text is there.
_FORM_LABELS = {
    "published_huber": ((1.9, -10, "right"), (3.2, 11, "right")),
    "huber": ((2.4, 8, "right"), (3.2, 11, "right")),
    "smooth_l1": ((2.1, -13, "left"), (3.2, -12, "right")),
}


def draw_forms(delta: float, curves: Mapping[str, Curve], measured: Mapping[str, Curve]) -> Figure:
    """Draw value and slope of the three formulas around the kinks.

    Parameters
    ----------
    delta : float
    curves, measured : mapping of str to tuple of three arrays
        Residual, value and slope by loss: of the formula, and what a participant answered.
    """
    figure, grid = new_figure(1, 2, (WIDTH, 3.8))
    for column, axes in enumerate(grid[0], start=1):
        for name, curve in curves.items():
            r, y = curve[0], curve[column].copy()
            if name == "published_huber":
                y[np.searchsorted(r, delta)] = np.nan  # no line across the jump
            style = "--" if name == "published_huber" else "-"
            axes.plot(r, y, style, color=_COLOURS[name], lw=2, zorder=3 if style == "--" else 2)
            at, found = measured[name][0], measured[name][column]
            shown = np.abs(at) <= r[-1]
            axes.plot(at[shown], found[shown], "o", color=_COLOURS[name], ms=4, zorder=4)
            at_delta, offset, side = _FORM_LABELS[name][column - 1]
            axes.annotate(
                _NAMES[name],
                (at_delta * delta, np.interp(at_delta * delta, r, curve[column])),
                xytext=(0, offset),
                textcoords="offset points",
                ha=side,
                va="center",
                color=_COLOURS[name],
            )
        for kink, text in ((-delta, "−δ"), (delta, "δ")):
            axes.axvline(kink, color=COLOURS["grey"], lw=0.8, ls=":")
            axes.annotate(
                text,
                (kink, 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                color=COLOURS["grey"],
                fontsize=8,
            )
    value, slope = grid[0]
    value.set_title("The published formula has no lower bound …", fontsize=10)
    value.set_ylabel("loss")
    slope.set_title("… and one slope in both tails", fontsize=10)
    slope.set_ylabel("slope d loss / d prediction")
    for axes in grid[0]:
        axes.set_xlabel(f"residual r = prediction − y  (δ = {delta:g})")
        axes.margins(y=0.1)
    return figure


def draw_trap(courses: Mapping[str, Course]) -> Figure:
    """Draw loss and worst parameter error on the published formula, step by step.

    Parameters
    ----------
    courses : mapping of str to Course
        By the start of the runs.
    """
    figure, grid = new_figure(1, 2, (WIDTH, 3.8))
    loss, error = grid[0]
    colours = (COLOURS["vermillion"], COLOURS["blue"])
    for (name, course), colour in zip(courses.items(), colours, strict=False):
        for axes, values, text in (
            (loss, course.loss, f"{name}:\n{np.median(course.loss[-1]):.2g} at the end"),
            (error, course.error, f"{name}:\n{np.median(course.error[-1]):.2g} at the end"),
        ):
            steps = np.arange(len(values))
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=1)
            axes.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
            axes.plot(steps, middle, color=colour, lw=2)
            level = abs(middle[-1]) < 1
            where = len(steps) - 1 if level else int(0.55 * len(steps))
            below = not level and middle[-1] < 0
            axes.annotate(
                text,
                (steps[where], middle[where]),
                xytext=(0 if level else -8, -8 if below else 6),
                textcoords="offset points",
                ha="right",
                va="top" if below else "bottom",
                color=colour,
            )
    loss.axhline(0, color=COLOURS["grey"], lw=0.8)
    loss.set(title="The training loss falls below 0 ...", xlabel="step", ylabel="training loss")
    error.set(title="... while the fit runs away", xlabel="step", ylabel="worst parameter error")
    return figure
