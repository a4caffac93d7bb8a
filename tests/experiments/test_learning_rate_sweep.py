"""The replay of the sweep of learning rates shows what was run."""

from __future__ import annotations

import numpy as np
import pytest
from samestep_experiments.learning_rate_epochs.runs import SPEC, Runs
from samestep_experiments.learning_rate_epochs.sweep import SHAPE, replay_rates

import samestep
from samestep import theory
from samestep.measuring import path
from samestep.plan import Plan, stack
from samestep.replay import ReplayModel
from samestep.training import train

RATES = (0.03, 0.9, 3.0)
EPOCHS = 4


@pytest.fixture(scope="module")
def runs() -> dict[str, Runs]:
    plans = [
        Plan.of(SPEC.draw(seed), epochs=EPOCHS, learning_rate=rate)
        for rate in RATES
        for seed in (5, 6)
    ]
    found = {}
    for name in ("torch", "jax"):
        backend = samestep.backend(name, dtype="float32")
        found[backend.label] = Runs.of(plans, "float32", path(train(backend, stack(plans))))
    return found


@pytest.fixture(scope="module")
def replay(runs: dict[str, Runs]) -> ReplayModel:
    return replay_rates(runs, RATES)


def test_each_rate_is_a_frame_with_both_participants(
    replay: ReplayModel, runs: dict[str, Runs]
) -> None:
    assert [frame.label for frame in replay.frames] == ["0.03", "0.9", "3"]
    for frame in replay.frames:
        for curves in frame.curves:
            assert [curve.label for curve in curves] == list(runs)


def test_curves_are_those_of_the_first_seed(replay: ReplayModel, runs: dict[str, Runs]) -> None:
    for run, frame in zip((0, 2, 4), replay.frames, strict=True):
        paths, errors = frame.curves
        for mine, way, error in zip(runs.values(), paths, errors, strict=True):
            w = mine.path[run, :97, :2]
            np.testing.assert_allclose(np.transpose([way.x, way.y]), w, rtol=6e-4)
            np.testing.assert_allclose(error.x, np.arange(0, EPOCHS + 0.1, 0.25))
            np.testing.assert_allclose(error.y, mine.errors[::8, run], rtol=6e-4)


def test_outcomes_say_where_the_error_goes(replay: ReplayModel, runs: dict[str, Runs]) -> None:
    first = next(iter(runs.values())).errors
    falling, _, diverging = (frame.outcome for frame in replay.frames)
    assert falling.startswith(
        f"the error falls from {first[0, 0]:.2g} to {first[-1, 0]:.2g} in 4 epochs; its predicted "
    )
    lost = int(np.flatnonzero(~np.isfinite(first[:, 4]))[0])
    assert f"the error grows from {first[0, 4]:.2g} until it leaves float32 after {lost}" in (
        diverging
    )
    assert "floor" not in diverging
    assert "as a share of the largest weight." in falling


def test_alone_nothing_is_said_about_the_others(runs: dict[str, Runs]) -> None:
    label, mine = next(iter(runs.items()))
    assert "participants come" not in replay_rates({label: mine}, RATES).frames[0].outcome


def test_contours_have_one_loss_each(replay: ReplayModel, runs: dict[str, Runs]) -> None:
    problem = next(iter(runs.values())).plans[0].problems[0]
    assert problem.seed == 5

    def loss(w: np.ndarray) -> float:
        residual = problem.X @ w - problem.y
        return float(np.var(residual))  # the best bias takes the mean away

    least = loss(theory.least_squares(problem)[:2])
    for part, contour in zip((0.25, 0.5, 0.75, 1), replay.panels[0].background, strict=True):
        losses = [loss(np.array(w)) for w in zip(contour.x, contour.y, strict=True)]
        expected = part**2 * (loss(problem.w) - least)
        np.testing.assert_allclose(np.array(losses) - least, expected, rtol=0.01)


def test_both_weights_have_one_scale(replay: ReplayModel) -> None:
    x, y = replay.panels[0].x, replay.panels[0].y
    assert (x.high - x.low) / (y.high - y.low) == pytest.approx(SHAPE)


def test_numbers_that_are_not_finite_survive_json(replay: ReplayModel) -> None:
    text = replay.model_dump_json(indent=2)
    assert '"Infinity"' in text or '"NaN"' in text
    assert ReplayModel.model_validate_json(text).model_dump_json(indent=2) == text
    assert len(text) / len(RATES) < 200_000 / 13, "13 rates have to stay small"
