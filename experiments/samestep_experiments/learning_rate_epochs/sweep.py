"""The sweep of learning rates as a replay: one seed, all rates, for the slider in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from samestep import theory
from samestep.loss import Float64
from samestep.problem import Problem
from samestep.replay import AxisModel, CurveModel, FrameModel, PanelModel, ReplayModel
from samestep_experiments.learning_rate_epochs.predictions import floor_at_epoch_ends
from samestep_experiments.learning_rate_epochs.runs import PUBLISHED_EPOCHS, SPEC, Runs

__all__ = ["replay_rates"]

SHAPE = 1.5
"""Width over height of the picture of the path, so that its two axes have one scale."""

CONTOURS = (0.25, 0.5, 0.75, 1.0)
"""Where the contours of the loss cut the way from the minimum to the start."""

PER_EPOCH = 4
"""Points in an epoch of the curve of the error; the path shows every step."""


def replay_rates(runs: Mapping[str, Runs], rates: Sequence[float]) -> ReplayModel:
    """Make a replay of the first seed: its path over the loss, and its error against the step.

    Parameters
    ----------
    runs : mapping of str to Runs
        By participant, all of one plan and precision.
    rates : sequence of float
        The positions of the slider, each one of the plan's.
    """
    first = next(iter(runs.values()))
    problem = first.problems(rates[0])[0]
    epoch = problem.steps_per_epoch
    until, every = PUBLISHED_EPOCHS * epoch, max(epoch // PER_EPOCH, 1)

    def frame(rate: float) -> FrameModel:
        paths, errors = [], []
        for label, mine in runs.items():
            run = mine.index(rate)[0]
            w = mine.path[run, : until + 1]
            paths.append(_curve(label, w[:, 0], w[:, 1]))
            steps = np.arange(0, mine.steps + 1, every)
            errors.append(_curve(label, steps / epoch, mine.errors[steps, run]))
        return FrameModel(label=f"{rate:g}", outcome=_outcome(runs, rate), curves=[paths, errors])

    return ReplayModel(
        name="rates",
        caption=f"The first seed at every rate of the sweep. Left: the path of the weights in the "
        f"first {PUBLISHED_EPOCHS} epochs, step by step, over contours of the training loss (the "
        "bias at its best). Right: the root mean square error of the parameters. The larger the "
        "rate, the fewer steps, and the higher the floor; then each step overshoots, and at last "
        "every step leads further away. The participants' curves lie on top of each other.",
        control="learning rate",
        panels=[
            _map(problem),
            PanelModel(
                x=AxisModel(title="epoch", low=0, high=first.epochs),
                y=AxisModel(title="error of the parameters", low=1e-4, high=100, log=True),
            ),
        ],
        frames=[frame(rate) for rate in rates],
    )


def _map(problem: Problem) -> PanelModel:
    """Lay out the plane of the two weights: the minimum in the middle, and contours around it."""
    centre, H = theory.least_squares(problem)[:2], theory.curvature(problem)
    way = problem.w - centre
    # Of the curvature only what is left when the bias follows the weights.
    S = H[:2, :2] - np.outer(H[:2, 2], H[2, :2]) / H[2, 2]
    turn = np.linspace(0, 2 * np.pi, 49)
    unit = np.linalg.solve(np.linalg.cholesky(S).T, [np.cos(turn), np.sin(turn)])
    height = np.sqrt(way @ S @ way)
    reach = 1.3 * max(abs(way[1]), abs(way[0]) / SHAPE)
    return PanelModel(
        x=_axis("w1", centre[0], SHAPE * reach),
        y=_axis("w2", centre[1], reach),
        background=[
            _curve("contour", *(centre[:, None] + part * height * unit)) for part in CONTOURS
        ],
    )


def _axis(title: str, centre: float, reach: float) -> AxisModel:
    return AxisModel(title=title, low=centre - reach, high=centre + reach)


def _curve(label: str, x: Float64, y: Float64) -> CurveModel:
    """Keep four digits, which are more than a screen shows."""
    return CurveModel(label=label, x=_short(x), y=_short(y))


def _short(values: Float64) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _outcome(runs: Mapping[str, Runs], rate: float) -> str:
    """Say what the error does, and how far the participants come apart."""
    paths = [mine.path[mine.index(rate)[0], :, :-1] for mine in runs.values()]
    first = next(iter(runs.values()))
    errors = first.errors[:, first.index(rate)[0]]
    lost = np.flatnonzero(~np.isfinite(errors))
    begin = f"the error {'grows' if lost.size or errors[-1] > errors[0] else 'falls'} "
    if lost.size:
        text = f"{begin}from {errors[0]:.2g} until it leaves {first.dtype} after {lost[0]} steps"
    else:
        text = f"{begin}from {errors[0]:.2g} to {errors[-1]:.2g} in {first.epochs} epochs"
    floor = floor_at_epoch_ends(SPEC, rate)
    if np.isfinite(floor):
        text += f"; its predicted floor is {floor:.2g}"
    if len(paths) > 1:
        last = lost[0] if lost.size else None
        size = np.abs(paths[0][:last]).max(axis=1)
        gap = max(
            float((np.abs(path[:last] - paths[0][:last]).max(axis=1) / size).max())
            for path in paths[1:]
        )
        text += f"; the participants come {gap:.1g} apart, as a share of the largest weight"
    return f"{text}."
