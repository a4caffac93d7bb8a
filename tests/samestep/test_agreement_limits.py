"""Verdicts where numbers stop being finite, and where a slope has two right answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tampering import add_at, both, set_at, with_array

import samestep
from samestep import Plan, Problem, SyntheticRegression, Trace, compare, judge, stack, train
from samestep.agreement import agree

# --- overflow --------------------------------------------------------------------------------


def divergent() -> Plan:
    return Plan.of(SyntheticRegression(num_val=0).draw(0), learning_rate=3.0)


def test_frameworks_overflow_at_the_same_step() -> None:
    comparison = compare(*both(divergent(), "float32"))
    assert comparison.holds
    steps = [int(j.overflow_step[0]) for j in comparison.judgements.values()]
    assert steps[0] == steps[1] > 10
    for judgement in comparison.judgements.values():
        assert judgement.overflow_explained
        assert judgement.overflow_quantity.tolist() == ["loss"]  # r^2 is the largest number
        # What came before it in that step is judged still; nothing after it is.
        assert judgement.verdicts["loss"].judged == steps[0]
        assert judgement.verdicts["prediction"].judged == 32 * (steps[0] + 1)
    # In float64 the same run ends before anything overflows.
    double = compare(*both(divergent(), "float64"))
    assert double.holds
    assert {int(j.overflow_step[0]) for j in double.judgements.values()} == {-1}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("step", [0, 5, 26])
def test_an_infinity_before_anything_can_overflow_is_a_fault(step: int, number: float) -> None:
    first, second = both(divergent(), "float32")
    assert step < judge(second).overflow_step[0]
    early = with_array(second, "loss", "", set_at((step, 0), number))
    comparison = compare(first, early)
    assert not comparison.holds
    judgement = comparison.judgements[early.participant]
    assert not judgement.overflow_explained
    assert judgement.first is not None
    assert (judgement.first[0], judgement.first[1].step) == ("loss", step)


def test_a_fault_before_the_overflow_is_found() -> None:
    _, trace = both(divergent(), "float32")
    step = int(judge(trace).overflow_step[0])
    assert trace.prediction is not None
    twice = 2 * float(trace.prediction[step, 0, 0])
    for tampered, expected in (
        (with_array(trace, "gradient", "b", add_at((0, 0), 1.0)), ("gradient", 0)),
        (with_array(trace, "params", "b", set_at((step, 0), 0.0)), ("update", step - 1)),
        # In the step that overflows, what comes before the overflow counts.
        (with_array(trace, "prediction", "", set_at((step, 0, 0), twice)), ("prediction", step)),
    ):
        found = judge(tampered).first
        assert found is not None
        assert (found[0], found[1].step) == expected


def test_an_overflow_that_only_one_has_is_no_agreement() -> None:
    first, second = both(divergent(), "float32")
    step = int(judge(second).overflow_step[0])
    assert second.loss is not None
    finite = with_array(second, "loss", "", set_at((step, 0), np.finfo(np.float32).max))
    assert not compare(first, finite).holds


def test_overflows_at_different_steps_are_no_agreement_though_each_is_explained() -> None:
    first, second = (judge(trace) for trace in both(divergent(), "float32"))
    assert all(a.holds for a in agree(first, second))
    later = dataclasses.replace(second, overflow_step=second.overflow_step + 1)
    assert later.holds
    assert not any(a.holds for a in agree(first, later))


def test_a_run_that_overflows_does_not_hide_the_others() -> None:
    spec = SyntheticRegression(num_val=0)
    plan = stack([Plan.of(spec.draw(s), learning_rate=rate) for s, rate in enumerate((3.0, 0.03))])
    _, trace = both(plan, "float32")
    assert judge(trace).overflow_step.tolist()[1] == -1
    assert judge(trace).holds
    tampered = with_array(trace, "loss", "", add_at((90, 1), 1.0))
    judgement = judge(tampered)
    assert judgement.first is not None
    assert (judgement.first[1].run, judgement.first[1].step) == (1, 90)


def test_an_update_alone_may_overflow() -> None:
    # The loss is bounded in slope, so nothing but rate times gradient is large.
    rng = np.random.default_rng(0)
    problem = Problem(1e10 * rng.standard_normal((6, 1)), np.ones(6), np.zeros(1), np.zeros(()))
    plan = Plan.of(problem, loss="absolute_error", learning_rate=1e30, epochs=2)
    comparison = compare(*both(plan, "float32"))
    assert {str(j.overflow_quantity[0]) for j in comparison.judgements.values()} == {"update/w"}
    assert comparison.holds


# --- kinks -----------------------------------------------------------------------------------


def at_the_kink() -> Plan:
    """Two rows whose residual is exactly 0, and one whose residual is 1."""
    X = np.array([[2.0], [3.0], [1.0]])
    problem = Problem(X, np.array([0.0, 0.0, -1.0]), np.zeros(1), np.zeros(()), batch_size=3)
    return Plan.of(problem, loss="absolute_error", learning_rate=0.5, epochs=1)


def test_at_a_kink_either_slope_is_accepted(dtype: str) -> None:
    plan = at_the_kink()
    traces = both(plan, dtype)
    # The frameworks choose differently: 0 and 1. Three rows; the slope of the third is 1.
    chosen = [float(trace.gradient["b"][0, 0]) for trace in traces]
    assert chosen == [pytest.approx(1 / 3), pytest.approx(1.0)]
    comparison = compare(*traces)
    assert comparison.holds
    gap = {a.quantity: a.gap for a in comparison.agreements}
    assert gap["gradient"] == pytest.approx(5 / 3)


@pytest.mark.parametrize("slope", [-1.0, -0.5, 0.0, 1.0])
def test_at_a_kink_all_between_the_two_limits_is_accepted(slope: float) -> None:
    trace = train(samestep.backend("torch", dtype="float64"), at_the_kink())
    assert judge(with_slope(trace, slope)).holds


@pytest.mark.parametrize("slope", [-1.01, 1.01, 3.0, float("nan")])
def test_beyond_the_two_limits_nothing_is_accepted(slope: float) -> None:
    trace = train(samestep.backend("torch", dtype="float64"), at_the_kink())
    judgement = judge(with_slope(trace, slope))
    assert not judgement.verdicts["gradient"].holds


def with_slope(trace: Trace, slope: float) -> Trace:
    """The step that a framework takes whose ``abs`` has this slope at 0."""
    gradient = {"w": np.array([[[(5 * slope + 1) / 3]]]), "b": np.array([[(2 * slope + 1) / 3]])}
    params = {
        name: np.concatenate([values[:1], values[:1] - 0.5 * gradient[name]])
        for name, values in trace.params.items()
    }
    return dataclasses.replace(trace, gradient=gradient, params=params)
