"""The loss around its minimum, and how the participants walk over it, step by step."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from samestep.figures import WIDTH, new_halves, participant_style
from samestep.judgement import Judgement
from samestep.loss import Float64, get_loss
from samestep.plan import Plan
from samestep.referee import QUANTITIES
from samestep.registry import oracle
from samestep.theory import least_squares
from samestep.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Landscape", "Walk", "draw_paths", "landscape"]

_CELLS = 61
_EXAMPLES = 1000
"""The landscape is of the first so many examples: more would not be visible."""

_LOWEST, _HIGHEST = 0.001, 10.0
"""A logarithmic axis has no zero: exact numbers lie on its lower edge."""

_MOST_DOTS = 120


@dataclass(frozen=True)
class Walk:
    """The path of one participant over a landscape, and how exact each of its steps was.

    Parameters
    ----------
    label : str
    path : array of shape (steps + 1, 2)
        The two parameters before step 0, 1, ..., and after the last; not finite once they have
        left the working precision.
    ratios : mapping of str to mapping of int to float
        Error over bound by quantity and step, of the steps that were judged.
    """

    label: str
    path: Float64
    ratios: Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Landscape:
    """The mean loss over two parameters, the others at their least-squares values.

    Parameters
    ----------
    names : tuple of two str
    first, second : arrays of shape (cells,)
        Values of the two parameters.
    loss : array of shape (cells, cells)
        ``loss[j, i]`` is at ``first[i]`` and ``second[j]``.
    minimum : array of shape (2,)
        The solution of least squares.
    walks : sequence of Walk
    """

    names: tuple[str, str]
    first: Float64
    second: Float64
    loss: Float64
    minimum: Float64
    walks: Sequence[Walk]


def landscape(judged: Mapping[str, Judgement]) -> Landscape:
    """Survey the loss around its minimum, as far as the start is away on every side.

    Parameters
    ----------
    judged : mapping of str to Judgement
        By participant: the judgements of one run of one plan.
    """
    plan = next(iter(judged.values())).trace.plan
    centre = least_squares(plan.problems[0])
    names = [f"w{i + 1}" for i in range(plan.features)] + ["b"]
    walks = [
        Walk(label, _path(j.trace), {q: v.ratios for q, v in j.verdicts.items()})
        for label, j in judged.items()
    ]
    start = walks[0].path[0]
    reach = 1.3 * float(np.abs(start - centre[:2]).max()) or 1.0
    first, second = (np.linspace(c - reach, c + reach, _CELLS) for c in centre[:2])
    loss = _survey(plan, centre, first, second)
    return Landscape((names[0], names[1]), first, second, loss, centre[:2], walks)


def _path(trace: Trace) -> Float64:
    """First two parameters before every step and after the last, shape (steps + 1, 2)."""
    w, b = (trace.params[name][:, 0].astype(np.float64) for name in ("w", "b"))
    return np.column_stack([w, b])[:, :2]


def _survey(plan: Plan, centre: Float64, first: Float64, second: Float64) -> Float64:
    """Mean loss where two parameters vary and the others are those of ``centre``."""
    problem, loss = plan.problems[0], get_loss(plan.loss)
    Z = np.column_stack([problem.X, np.ones(problem.num_train)])[:_EXAMPLES]
    rest = Z[:, 2:] @ centre[2:] - problem.y[:_EXAMPLES]
    across = Z[:, :1] * first
    return np.stack(
        [
            np.asarray(
                loss.value(oracle().xp, across + (Z[:, 1] * value + rest)[:, None], plan.delta)
            ).mean(axis=0)
            for value in second
        ]
    )


def draw_paths(panels: Mapping[str, Landscape]) -> Figure:
    """Draw the paths of each fit over its landscape, and below how exact the steps of all were.

    Parameters
    ----------
    panels : mapping of str to Landscape
        By title; the participants are the same in each.
    """
    columns = len(panels) if len(panels) <= 3 else 2
    rows = -(-len(panels) // columns)
    height = rows * {1: 3.5, 2: 3.3, 3: 2.6}[columns]
    figure, above, below = new_halves((WIDTH, height + 3.0), height / (height + 2.5))
    grid = above.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, panel) in zip(grid, panels.items(), strict=False):
        _landscape_panel(axes, panel)
        axes.set_title(textwrap.fill(title, 75 // columns), fontsize=10 if columns < 3 else 9)
    stride = -(-max(map(_steps, panels.values())) // _MOST_DOTS)
    quantities = below.subplots(1, len(QUANTITIES), sharey=True)
    for axes, quantity in zip(quantities, QUANTITIES, strict=True):
        _ratio_panel(axes, _worst_of_all(panels.values(), quantity, stride))
        axes.set_title(quantity, fontsize=10)
        axes.set_xlabel("step" if stride == 1 else f"step (worst of {stride})")
    quantities[0].set_ylabel("error / bound")
    quantities[0].annotate("bound", (0, 1), (0, 3), textcoords="offset points", fontsize=8)
    lines, labels = grid[0].get_legend_handles_labels()
    below.legend(lines, labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=8)
    figure.suptitle(_finding(panels.values()))
    return figure


def _landscape_panel(axes: Axes, panel: Landscape) -> None:
    x, y, loss = panel.first, panel.second, panel.loss
    lowest, highest = float(loss.min()), float(loss.max())
    # Squares, so that the rings of a parabola are equally far from each other.
    levels = lowest + (highest - lowest) * (np.arange(1, 11) / 10) ** 2
    axes.contourf(x, y, loss, [lowest, *levels], cmap="Greys", vmin=lowest, vmax=2.5 * highest)
    axes.set_rasterization_zorder(1.5)  # the landscape becomes a picture, the paths stay lines
    for i, walk in enumerate(panel.walks):
        axes.plot(*walk.path.T, **participant_style(i), label=walk.label, zorder=3)
    start, minimum = panel.walks[0].path[0], panel.minimum
    axes.plot(*start, "o", color="black", ms=5, zorder=4)
    axes.plot(*minimum, "+", color="black", ms=11, mew=1.6, zorder=4)
    # The start is named beyond the path's first step, the minimum beyond its last.
    left, above = start < minimum
    for point, text, rises in ((start, "start", not above), (minimum, "minimum", above)):
        axes.annotate(
            text,
            (point[0], point[1]),
            (7 if left else -7, 5 if rises else -5),
            textcoords="offset points",
            ha="left" if left else "right",
            va="bottom" if rises else "top",
            fontsize=9,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
        )
    ends = np.array([walk.path[-1] for walk in panel.walks])
    if not (np.abs(ends - minimum) <= x[-1] - minimum[0]).all():
        axes.annotate(
            "ends outside", (0.97, 0.04), xycoords="axes fraction", ha="right", weight="bold"
        )
    axes.set(
        aspect="equal",
        xlim=(x[0], x[-1]),
        ylim=(y[0], y[-1]),
        xlabel=panel.names[0],
        ylabel=panel.names[1],
    )
    axes.grid(visible=False)


def _steps(panel: Landscape) -> int:
    return len(panel.walks[0].path) - 1


def _worst_of_all(
    panels: Iterable[Landscape], quantity: str, stride: int
) -> list[dict[int, float]]:
    """Largest error over bound in every ``stride`` steps of all fits, by participant and step."""
    worst: dict[str, dict[int, float]] = {}
    for panel in panels:
        for walk in panel.walks:
            so_far = worst.setdefault(walk.label, {})
            for step, ratio in walk.ratios[quantity].items():
                at = step - step % stride
                so_far[at] = max(ratio, so_far.get(at, 0.0))
    return list(worst.values())


def _ratio_panel(axes: Axes, ratios: Sequence[Mapping[int, float]]) -> None:
    for i, by_step in enumerate(ratios):
        shown = np.clip(list(by_step.values()), _LOWEST, _HIGHEST)
        colour = participant_style(i)["color"]
        axes.plot(
            list(by_step), shown, ".", color=colour, ms=4.5, mew=0, rasterized=True, clip_on=False
        )
    axes.axhline(1, color="black", lw=1.5)
    axes.set(yscale="log", ylim=(_LOWEST, _HIGHEST))
    axes.minorticks_off()
    axes.set_yticks([_LOWEST, 0.01, 1], [f"≤ {_LOWEST:g}", "0.01", "1"])


def _finding(panels: Collection[Landscape]) -> str:
    """Say in a title what the figure shows."""
    walks = [walk for panel in panels for walk in panel.walks]
    ratios = [ratio for walk in walks for of in walk.ratios.values() for ratio in of.values()]
    if beyond := sum(ratio > 1 for ratio in ratios):
        return f"{beyond} errors are beyond what the rounding of one step explains"
    count = len({walk.label for walk in walks})
    one = "One participant" if count == 1 else f"{count} participants walk one path"
    who = one if all(map(_coincide, panels)) else f"{count} participants' paths part, but"
    return f"{who}: no step is off by more than {max(ratios, default=0):.0%} of its bound"


def _coincide(panel: Landscape) -> bool:
    """Whether the paths, while they are finite, are too close to be told apart in a figure."""
    paths = np.stack([walk.path for walk in panel.walks])
    paths = paths[:, np.isfinite(paths).all(axis=(0, 2))] - panel.minimum
    size = np.maximum(np.abs(paths).max(axis=(0, 2)), np.ptp(panel.first) / 2)
    return bool((np.ptp(paths, axis=0).max(axis=1) <= 0.01 * size).all())
