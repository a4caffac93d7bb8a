"""Holes that a verdict must not have: numbers out of range, broken traces, careless input."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import samestep
from samestep.claims import Interval, decide
from samestep.divergence import explain
from samestep.errors import SamestepError, UsageError
from samestep.experiment import Experiment
from samestep.lab import Lab
from samestep.planted import BUGS, BrokenBackend, sound_plan
from samestep.problem import Problem
from samestep.storage import load_trace


def one_row(x: float, y: float, **start: float) -> Problem:
    return Problem(
        X=np.array([[x]]),
        y=np.array([y]),
        w=np.array([start.get("w", 0.0)]),
        b=np.asarray(start.get("b", 0.0)),
    )


# --- numbers at the end of the range ---------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"learning_rate": 1e60}, "learning rate"),
        ({"loss": "huber", "delta": 1e60}, "delta"),
        ({"loss": "huber", "delta": 1e-50}, "delta"),
        ({"weight_decay": 1e60}, "weight_decay"),
    ],
)
def test_settings_that_float32_cannot_hold_are_refused(
    arguments: dict[str, Any], what: str
) -> None:
    plan = sound_plan(**arguments)
    for name in ("torch", "jax", "numpy"):
        with pytest.raises(UsageError, match=what):
            samestep.train(samestep.backend(name), plan)
    samestep.train(samestep.backend("numpy", dtype="float64"), plan)


def test_data_that_float32_cannot_hold_are_refused() -> None:
    plan = samestep.Plan.of(one_row(1e60, 1.0))
    with pytest.raises(UsageError, match="the data cannot be represented in float32"):
        samestep.train(samestep.backend("torch"), plan)


def test_a_finite_number_where_the_oracle_overflows_is_a_divergence() -> None:
    plan = samestep.Plan.of(one_row(0.0, 1e200), epochs=1)
    sound = samestep.train(samestep.backend("torch", dtype="float64"), plan)
    assert samestep.judge(sound).holds
    assert not samestep.judge(replace(sound, loss=np.ones_like(sound.loss))).holds


@pytest.mark.parametrize("name", ["torch", "jax", "numpy"])
@pytest.mark.parametrize("loss", ["half_squared_error", "smooth_l1", "huber"])
def test_the_square_overflows_before_its_factor(name: str, loss: str) -> None:
    largest = float(np.finfo(np.float32).max)
    plan = samestep.Plan.of(
        one_row(0.0, 0.0, b=np.sqrt(1.4 * largest)), loss=loss, delta=1e30, epochs=1
    )
    judgement = samestep.judge(samestep.train(samestep.backend(name), plan))
    assert judgement.overflow_step.tolist() == [0]
    assert judgement.holds


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 1e-40},
        {"weight_decay": 1e-40, "momentum": 0.9, "learning_rate": 0.0},
        {"momentum": 1e-40, "learning_rate": 1e-3},
    ],
)
def test_constants_may_be_flushed_to_zero(name: str, arguments: dict[str, Any]) -> None:
    plan = samestep.Plan.of(one_row(1.0, 1e12, w=1e12), epochs=3, **arguments)
    assert samestep.judge(samestep.train(samestep.backend(name), plan)).holds


def test_two_settings_of_which_nothing_can_be_said_are_not_the_same() -> None:
    plan = sound_plan()
    trace = samestep.train(samestep.backend("torch"), plan.vary(learning_rate=3.0))
    nan = replace(trace, loss=np.full_like(trace.loss, np.nan))
    assert not samestep.judge(nan, plan=plan).holds
    params = {name: np.full_like(values, np.nan) for name, values in trace.params.items()}
    for name, values in params.items():
        values[0] = trace.params[name][0]
    assert not samestep.judge(replace(trace, params=params), plan=plan).holds


# --- broken traces ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda t: {"params": {n: v[:-1] for n, v in t.params.items()}}, "params w"),
        (lambda t: {"gradient": {}}, "nothing as gradient w"),
        (lambda t: {"gradient": {n: v[:-1] for n, v in t.gradient.items()}}, "gradient w"),
        (lambda t: {"prediction": t.prediction[..., :5]}, "prediction"),
        (lambda t: {"loss": t.loss.astype(np.float64)}, "float64"),
        (lambda t: {"state": {"w": t.state["w"]}}, "nothing as state b"),
    ],
)
def test_a_trace_of_another_shape_or_dtype_is_refused(change: Any, what: str) -> None:
    trace = samestep.train(samestep.backend("torch"), sound_plan(momentum=0.9))
    with pytest.raises(UsageError, match=what):
        samestep.judge(replace(trace, **change(trace)))


def test_the_other_participants_number_is_that_of_the_same_element() -> None:
    plan = sound_plan()
    first, second = (samestep.train(samestep.backend(name), plan) for name in ("torch", "jax"))
    gradient = {name: values.copy() for name, values in second.gradient.items()}
    gradient["w"][3, 0, 1] = gradient["w"][3, 0, 0]
    divergence = explain(first, replace(second, gradient=gradient)).divergences[0]
    assert divergence.finding.element == "w[1]"
    assert divergence.others["torch/cpu/float32"] == first.gradient["w"][3, 0, 1]


# --- the laboratory --------------------------------------------------------------------------


class Nothing(Experiment):
    id = "nothing"
    title = question = "?"

    def run(self, lab: Lab) -> str:
        return ""


def test_a_lone_participant_meets_the_oracle_and_not_itself() -> None:
    lab = Lab(Nothing(), [samestep.backend("numpy")], seeds=1)
    lab.train(sound_plan())
    assert {a.participants for a in lab.agreements} == {("numpy/cpu/float32", "oracle/float32")}


def test_a_sample_from_a_broken_backend_is_not_used() -> None:
    bug = next(bug for bug in BUGS if bug.id == "rate-over-B")
    broken = BrokenBackend(samestep.backend("numpy"), bug)
    lab = Lab(Nothing(), [samestep.backend("numpy")], seeds=4)
    spec = samestep.SyntheticRegression(num_train=64, num_val=0)
    with pytest.raises(SamestepError, match="left the oracle's step"):
        lab.sample(spec, {"baseline": lambda plan: plan}, seeds=4, backends=[broken])


def test_work_that_asks_for_work_does_not_wait_for_ever() -> None:
    lab = Lab(Nothing(), [samestep.backend(name) for name in ("torch", "jax")], seeds=1)
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(lab.each(lambda backend: sorted(lab.train(sound_plan())))),
        daemon=True,
    )
    thread.start()
    thread.join(60)
    assert done == [dict.fromkeys(lab.participants, sorted(lab.participants))]


def test_batch_orders_do_not_depend_on_threads() -> None:
    spec = samestep.SyntheticRegression(num_train=50, num_val=0)
    expected = [spec.draw(0).order(epoch).tolist() for epoch in range(20)]
    problem = spec.draw(0)
    orders: dict[int, list[int]] = {}
    threads = [
        threading.Thread(target=lambda e=e: orders.__setitem__(e, problem.order(e).tolist()))  # type: ignore[misc]
        for e in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [orders[e] for e in range(20)] == expected


# --- small things ----------------------------------------------------------------------------


def test_a_claim_that_is_open_on_one_side_needs_no_end_there() -> None:
    assert decide(Interval(2, np.inf, 3), above=1) is True
    assert decide(Interval(-np.inf, 2, 1), below=3) is True
    assert decide(Interval(-np.inf, np.inf, 1), above=0) is None


def test_the_epoch_loss_is_per_example_also_where_short_batches_are_reweighted() -> None:
    problem = samestep.SyntheticRegression(num_train=72, num_val=0).draw(0)
    rate = 1e-9  # so small that the loss does not change
    mean = samestep.Plan.of(problem, learning_rate=rate, epochs=1)
    summed = samestep.Plan.of(
        problem, reduction="sum", learning_rate=rate, epochs=1, last_batch="reweight"
    )
    losses = [samestep.train(samestep.backend("numpy"), p).epoch_loss() for p in (mean, summed)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.parametrize(
    "careless",
    [
        lambda p: samestep.Plan.of(p, epochs=2.5),
        lambda p: samestep.Plan.of(p, learning_rate="0.3"),
        lambda p: samestep.Plan.of(p, learning_rate=None),
        lambda p: samestep.Plan.of(p, nesterov=True),
        lambda p: samestep.Plan.of(p).vary(learning_rate=[1.0, 2.0]),
        lambda p: samestep.SyntheticRegression(batch_size=float("nan")),
        lambda p: samestep.SyntheticRegression().draw(-1),
        lambda p: samestep.SyntheticRegression().draw(1.5),
        lambda p: samestep.run("book-versions", seeds=2.5),
    ],
)
def test_careless_input_is_a_usage_error(careless: Any) -> None:
    with pytest.raises(UsageError):
        careless(samestep.SyntheticRegression(num_train=32, num_val=0).draw(0))


def test_one_participant_may_be_given_as_a_string() -> None:
    result = samestep.run("book-versions", on="numpy", dtype="float32", seeds=1)
    assert result.summary.environment["participants"] == ["numpy/cpu/float32"]


def test_a_plain_array_is_no_stored_trace(tmp_path: Any) -> None:
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UsageError, match="no stored trace"):
        load_trace(tmp_path / "x.npz")
