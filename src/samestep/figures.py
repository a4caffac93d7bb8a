"""Figures as data and a function; drawn only when somebody looks at them.

Colours are Okabe and Ito's, which are safe for the colour-blind. Participants are told apart by
colour, line style *and* width, because their curves usually lie on top of each other.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from samestep.log_labels import use_plain_labels
from samestep.store.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "KINDS",
    "WIDTH",
    "FigureSpec",
    "LossCurve",
    "draw_loss_curves",
    "new_figure",
    "new_halves",
    "participant_style",
]

COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
    "grey": "#767676",
}

KINDS = ("svg", "png")
"""The formats that a figure is written in."""

WIDTH = 7.2
"""Inches that a figure is wide: on a phone it is shown at less than half its size."""

_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,  # otherwise it is looked for around all tick labels, in every drawing
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "samestep",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
}


@dataclass(frozen=True)
class FigureSpec:
    """A figure that can be drawn.

    Parameters
    ----------
    name : str
        File name without its ending.
    caption : str
        One or two sentences: what one sees, and what it means; also the text for screen readers.
    draw : callable
        ``draw(**data) -> matplotlib Figure``, a function of a module, so that it can be pickled.
    data : mapping
        NumPy arrays, numbers, strings.
    """

    name: str
    caption: str
    draw: Callable[..., Figure]
    data: Mapping[str, Any] = field(repr=False)

    def figure(self) -> Figure:
        """Draw it in the project's style."""
        import matplotlib as mpl

        with mpl.rc_context(_STYLE):
            figure = self.draw(**self.data)
            use_plain_labels(figure)
            return figure

    def save(self, folder: Path) -> list[Path]:
        """Write NAME.svg and NAME.png into a folder."""
        import matplotlib as mpl

        figure = self.figure()
        paths = []
        with mpl.rc_context({**_STYLE, "figure.constrained_layout.use": False}):
            # Laid out once: every savefig would do it again, and draw everything twice for it.
            if layout := figure.get_layout_engine():
                layout.execute(figure)
                figure.set_layout_engine(None)
            for kind in KINDS:
                path = folder / f"{self.name}.{kind}"
                metadata = {"Date": None} if kind == "svg" else None
                # What is rasterised in an SVG is looked at on finer screens than a PNG.
                dpi = 150 if kind == "svg" else "figure"
                with replacing(path) as partial:
                    figure.savefig(partial, format=kind, dpi=dpi, metadata=metadata)
                paths.append(path)
        return paths


def new_figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """Make a figure without pyplot's global state, and its axes as an array (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    return figure, figure.subplots(rows, columns, squeeze=False)


def new_halves(size: tuple[float, float], above: float = 0.5) -> tuple[Figure, Any, Any]:
    """Make a figure of two parts that are laid out on their own: a share above, the rest below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[above, 1 - above])
    return figure, *parts[:, 0]


def participant_style(index: int) -> dict[str, Any]:
    """Line style of the i-th participant: later ones are thinner, so all can be seen."""
    names = ("blue", "orange", "green", "vermillion", "purple", "sky")
    dashes: tuple[Any, ...] = ("-", (0, (4, 3)), (0, (1, 2)), (0, (6, 2, 1, 2)))
    return {
        "color": COLOURS[names[index % len(names)]],
        "linestyle": dashes[index % len(dashes)],
        "linewidth": max(1.2, 4.0 - 1.1 * index),
    }


@dataclass(frozen=True)
class LossCurve:
    """Training and validation loss of one fit on one participant.

    Parameters
    ----------
    label : str
    training : array of shape (epochs,)
        Mean of the minibatch losses of each epoch, drawn at the middle of the epoch.
    validation : array of shape (epochs + 1,)
        Before the first epoch and after each.
    """

    label: str
    training: np.ndarray
    validation: np.ndarray


def draw_loss_curves(panels: Mapping[str, Sequence[LossCurve]]) -> Figure:
    """Draw loss against epochs, one panel per fit, the participants on top of each other."""
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure, grid = new_figure(rows, columns, (WIDTH, 2.8 * rows + 0.6))
    for axes in grid.ravel()[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, curves) in zip(grid.ravel(), panels.items(), strict=False):
        _loss_panel(axes, curves)
        axes.set_title(textwrap.fill(title, 80 // columns), fontsize=10)
    # One legend for all panels: they show the same participants.
    lines, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=min(len(labels), 3), fontsize=8)
    if all(len(curves) > 1 and _coincide(curves) for curves in panels.values()):
        count = len(next(iter(panels.values())))
        figure.suptitle(f"{count} participants, one curve: their losses lie on top of each other")
    return figure


_KINDS: Mapping[str, Any] = {
    "training": {"marker": "o", "markersize": 5},
    "validation": {"marker": "s", "markersize": 5, "markerfacecolor": "white"},
}


def _loss_panel(axes: Axes, curves: Sequence[LossCurve]) -> None:
    from matplotlib.ticker import MaxNLocator

    for i, curve in enumerate(curves):
        style, epochs = participant_style(i), np.arange(len(curve.training))
        axes.plot([], [], **style, label=curve.label)
        axes.plot(epochs + 0.5, curve.training, **style, **_KINDS["training"])
        axes.plot(
            np.arange(len(curve.validation)), curve.validation, **style, **_KINDS["validation"]
        )
    for kind, marker in _KINDS.items():
        axes.plot([], [], **marker, color="black", linestyle="none", label=kind)
    longest = max(len(curve.training) for curve in curves)
    axes.set(xlabel="epoch", ylabel="mean loss", xlim=(-0.05 * longest, 1.05 * longest))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    values = np.concatenate([np.concatenate([c.training, c.validation]) for c in curves])
    if (values[np.isfinite(values)] > 0).all():
        axes.set_yscale("log")
    # A curve simply stops where its numbers are no longer finite; say so, where it would be.
    gone = [
        f"{curve.label} in epoch {np.isfinite(curve.training).argmin() + 1}"
        for curve in curves
        if not np.isfinite(curve.training).all()
    ]
    if gone:
        axes.text(
            0.98,
            0.04,
            "\n".join(["loss no longer finite:", *gone]),
            transform=axes.transAxes,
            ha="right",
            fontsize=8,
        )


def _coincide(curves: Sequence[LossCurve]) -> bool:
    """Whether the curves, while they are finite, are within 1 % of each other."""
    values = np.stack([np.concatenate([c.training, c.validation]) for c in curves])
    values = values[:, np.isfinite(values).all(axis=0)]
    close = np.ptp(values, axis=0) <= 0.01 * np.abs(values).max(axis=0)
    return bool(close.size and close.all())
