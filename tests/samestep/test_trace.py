"""Traces: what was recorded, by step, by run and with names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import samestep
from samestep import Plan, SyntheticRegression, Trace, UsageError, stack, train
from samestep.interface import Backend

MOMENTUM: dict[str, Any] = {"momentum": 0.9, "nesterov": True}


@pytest.fixture(scope="module")
def trace(oracle: Backend) -> Trace:
    """Three runs of 3, 6 and 9 steps, of other widths, with momentum.

    After its end a run's losses are NaN: the mean over no rows.
    """
    plans = [
        Plan.of(
            SyntheticRegression(num_train=20 - run, num_val=0, batch_size=8 - run).draw(run),
            epochs=1 + run,
            learning_rate=0.1 / (1 + run),
            **MOMENTUM,
        )
        for run in range(3)
    ]
    return train(oracle, stack(plans, name="three"))


def test_final_is_the_last_row(trace: Trace) -> None:
    assert_array_equal(trace.final["w"], trace.params["w"][-1])
    assert_array_equal(trace.final["b"], trace.params["b"][-1])


def test_parameters_come_as_one_array(trace: Trace) -> None:
    found = trace.parameters(4)
    assert found.shape == (3, 3)
    assert found.dtype == np.float64
    assert_array_equal(found[:, :2], trace.params["w"][4])
    assert_array_equal(found[:, 2], trace.params["b"][4])
    assert_array_equal(trace.parameters(), trace.parameters(trace.plan.steps))


def test_the_error_is_signed_and_each_runs_own(trace: Trace) -> None:
    problem = trace.plan.problems[1]
    assert_array_equal(trace.error(2)[1], trace.parameters(2)[1] - problem.truth)
    assert trace.error(0)[0][1] > 3  # the true w2 is -3.4
    assert np.abs(trace.error()).max() < np.abs(trace.error(0)).max()


def test_select_keeps_the_runs_and_forgets_the_rest(trace: Trace) -> None:
    part = trace.select([2, 0])
    assert part.plan.learning_rate.tolist() == trace.plan.learning_rate[[2, 0]].tolist()
    for kind in ("params", "state", "gradient"):
        for name, values in getattr(part, kind).items():
            whole = getattr(trace, kind)[name]
            assert_array_equal(values, whole[: len(values), [2, 0]])
    assert part.loss is not None
    assert trace.loss is not None
    assert_array_equal(part.loss, trace.loss[:, [2, 0]])
    # Steps that none of the chosen runs takes are gone.
    short = trace.select(slice(0, 1))
    assert short.plan.steps == 3
    assert short.params["w"].shape == (4, 1, 2)
    assert short.state["w"].shape == (4, 1, 2)
    assert short.gradient["b"].shape == (3, 1)
    assert_array_equal(short.parameters(), trace.parameters()[:1])


def test_select_works_without_steps(oracle: Backend) -> None:
    plan = stack([Plan.of(SyntheticRegression(num_train=9).draw(s), epochs=1 + s) for s in (0, 1)])
    ends = train(oracle, plan, every_step=False)
    part = ends.select([0])
    assert not part.every_step
    assert_array_equal(part.parameters(), ends.parameters()[:1])
    assert_array_equal(part.parameters(0), ends.parameters(0)[:1])


def test_the_epoch_loss_is_the_mean_over_minibatches(trace: Trace) -> None:
    assert trace.loss is not None
    for run in range(3):
        expected = [trace.loss[3 * e : 3 * e + 3, run].mean() for e in range(1 + run)]
        assert trace.epoch_loss(run) == pytest.approx(expected)


def test_observed_is_what_follows_a_step(trace: Trace) -> None:
    steps = slice(2, 5)
    assert trace.prediction is not None
    assert trace.loss is not None
    expected = {
        "prediction": trace.prediction[2:5],
        "loss": trace.loss[2:5],
        "gradient/w": trace.gradient["w"][2:5],
        "update/b": trace.params["b"][3:6],
        "update/velocity w": trace.state["w"][3:6],
    }
    for key, values in expected.items():
        assert_array_equal(trace.observed(key, steps), values, err_msg=key)


def test_without_steps_there_is_nothing_to_observe(oracle: Backend) -> None:
    ends = train(oracle, Plan.of(SyntheticRegression(num_train=9).draw(0)), every_step=False)
    for work in (lambda: ends.observed("loss", slice(0, 1)), ends.epoch_loss):
        with pytest.raises(UsageError, match="every_step=True"):
            work()


def test_the_arrays_have_names(trace: Trace) -> None:
    dataset = trace.to_xarray()
    assert dict(dataset.sizes) == {
        "state_step": 10,
        "step": 9,
        "run": 3,
        "feature": 2,
        "row": 8,
    }
    assert dataset["params_w"].dims == ("state_step", "run", "feature")
    assert dataset["velocity_b"].dims == ("state_step", "run")
    assert dataset["gradient_w"].dims == ("step", "run", "feature")
    assert dataset["prediction"].dims == ("step", "run", "row")
    assert_array_equal(dataset["loss"], trace.loss)
    assert_array_equal(dataset["params_b"].isel(run=1), trace.params["b"][:, 1])
    assert_array_equal(dataset["rows"], trace.plan.rows)
    assert_array_equal(dataset["learning_rate"], trace.plan.learning_rate)
    assert dataset.attrs["participant"] == "numpy/cpu/float64"
    assert dataset.attrs["plan_hash"] == trace.plan.hash
    assert dataset.attrs["momentum"] == "0.9"


def test_a_trace_of_the_ends_has_names_too(oracle: Backend) -> None:
    ends = train(oracle, Plan.of(SyntheticRegression(num_train=9).draw(0)), every_step=False)
    dataset = ends.to_xarray()
    assert set(dataset.data_vars) == {"params_w", "params_b"}
    assert dataset["params_w"].dims == ("end", "run", "feature")


def test_a_trace_shows_its_participant_and_its_plan(trace: Trace) -> None:
    assert repr(trace) == f"<Trace numpy/cpu/float64: {trace.plan!r}>"
    assert samestep.Trace is Trace
