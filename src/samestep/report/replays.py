"""A replay laid out as SVG: every frame is in the page, and a slider chooses among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from samestep.replay import AxisModel, CurveModel, PanelModel, ReplayModel

__all__ = ["FRAME", "DrawnPanel", "Tick", "draw_panels"]


class Frame(NamedTuple):
    """Size of a panel, and the area in it that holds the curves, in units of the SVG."""

    width: int = 460
    height: int = 340
    left: int = 56
    right: int = 448
    top: int = 30
    bottom: int = 294


FRAME = Frame()

_FAR = 1e4
"""A curve that is so many units away is not drawn further: it has left the picture for good."""

_TICKS = 7
"""At most, on an axis."""

_Place = Callable[[float], float]


@dataclass(frozen=True)
class Tick:
    """A marked number on an axis."""

    position: float
    text: str


@dataclass(frozen=True)
class DrawnPanel:
    """What the SVG of one panel holds; curves are values of the attribute ``points``.

    Parameters
    ----------
    panel : PanelModel
    x_ticks, y_ticks : list of Tick
    background : list of str
    frames : list of list of str
        The curves of each frame.
    """

    panel: PanelModel
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    background: list[str]
    frames: list[list[str]]


def draw_panels(replay: ReplayModel) -> list[DrawnPanel]:
    """Lay out all panels of a replay."""
    drawn = []
    for i, panel in enumerate(replay.panels):
        x, y = _scale(panel.x, FRAME.left, FRAME.right), _scale(panel.y, FRAME.bottom, FRAME.top)
        drawn.append(
            DrawnPanel(
                panel=panel,
                x_ticks=[Tick(x(value), f"{value:g}") for value in _ticks(panel.x)],
                y_ticks=[Tick(y(value), f"{value:g}") for value in _ticks(panel.y)],
                background=[_points(curve, x, y) for curve in panel.background],
                frames=[[_points(c, x, y) for c in frame.curves[i]] for frame in replay.frames],
            )
        )
    return drawn


def _scale(axis: AxisModel, start: float, stop: float) -> _Place:
    """Return the map from a number to its place; not finite where there is none."""

    def logarithm(value: float) -> float:
        return math.log10(value) if value > 0 else -math.inf if value == 0 else math.nan

    def itself(value: float) -> float:
        return value

    transform = logarithm if axis.log else itself
    low, high = transform(axis.low), transform(axis.high)
    return lambda value: start + (stop - start) * (transform(value) - low) / (high - low)


def _points(curve: CurveModel, x: _Place, y: _Place) -> str:
    places = []
    for place in zip(map(x, curve.x), map(y, curve.y), strict=True):
        if not all(abs(coordinate) < _FAR for coordinate in place):
            break
        places.append("{:.1f},{:.1f}".format(*place))
    return " ".join(places)


def _ticks(axis: AxisModel) -> Iterator[float]:
    if axis.log:
        low, high = math.ceil(math.log10(axis.low)), math.floor(math.log10(axis.high))
        yield from (10.0**k for k in range(low, high + 1, 1 + (high - low) // _TICKS))
        return
    span = axis.high - axis.low
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= _TICKS)
    first = math.ceil(axis.low / step)
    yield from (step * k for k in range(first, math.floor(axis.high / step) + 1))
