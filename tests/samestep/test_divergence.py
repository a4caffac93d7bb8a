"""First divergence and likely cause: planted bugs, and traces that were tampered with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samestep
from samestep.divergence import explain
from samestep.errors import UsageError
from samestep.fuzz import random_plan, try_sound
from samestep.planted import BUGS, Bug, sound_plan
from samestep.selftest import sensitivity, sound_plans, try_bug
from samestep.storage import load_trace, save_trace

FRAMEWORKS = ("torch", "jax")


def test_at_least_25_bugs_are_planted() -> None:
    assert len(BUGS) >= 25
    assert len({bug.id for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("name", ["numpy", *FRAMEWORKS])
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_planted_bug_is_found(name: str, bug: Bug) -> None:
    result = try_bug(samestep.backend(name, dtype=bug.dtype), bug)
    assert result.caught
    assert result.divergence is not None
    assert result.divergence.finding.step == bug.step
    assert result.divergence.quantity == bug.quantity
    assert result.cause_right, [cause.id for cause in result.divergence.causes]


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sound_backends_raise_no_alarm_on_the_plans_of_the_bugs(name: str, dtype: str) -> None:
    item = samestep.backend(name, dtype=dtype)
    assert [trial.alarm for trial in (try_sound(item, plan) for plan in sound_plans())] == [
        ""
    ] * len(sound_plans())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_random_sound_problems_raise_no_alarm(name: str) -> None:
    alarms = []
    for seed in range(24):
        for dtype in ("float32", "float64"):
            trial = try_sound(samestep.backend(name, dtype=dtype), random_plan(seed), seed)
            if trial.alarm:
                alarms.append((seed, trial.participant, trial.alarm))
    assert alarms == []


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(1000, 10**6), name=st.sampled_from(["torch", "numpy"]))
def test_hunting_for_false_alarms(seed: int, name: str) -> None:
    for dtype in ("float32", "float64"):
        assert try_sound(samestep.backend(name, dtype=dtype), random_plan(seed), seed).alarm == ""


def test_smallest_gradient_error_that_is_caught() -> None:
    """The cross-check has teeth: a few parts in a million in float32, in 1e14 in float64."""
    assert sensitivity(samestep.backend("torch"), batch_size=32, features=2).smallest < 1e-5
    double = samestep.backend("torch", dtype="float64")
    assert sensitivity(double, batch_size=32, features=2).smallest < 1e-13


def test_same_step_is_said_to_be_the_same() -> None:
    plan = sound_plan()
    traces = [samestep.train(samestep.backend(name), plan) for name in FRAMEWORKS]
    explanation = explain(*traces)
    assert explanation.same
    assert explanation.divergences == ()
    assert "Same step, every step" in str(explanation)


def test_one_tampered_element_is_named_with_both_values() -> None:
    plan = sound_plan()
    first, second = (samestep.train(samestep.backend(name), plan) for name in FRAMEWORKS)
    gradient = {name: values.copy() for name, values in second.gradient.items()}
    gradient["w"][4, 0, 1] *= 1.01
    found = explain(first, replace(second, gradient=gradient)).divergences
    assert len(found) == 1
    divergence = found[0]
    assert (divergence.quantity, divergence.finding.step) == ("gradient", 4)
    assert divergence.finding.element == "w[1]"
    assert divergence.finding.observed == gradient["w"][4, 0, 1]
    assert divergence.others["torch/cpu/float32"] == first.gradient["w"][4, 0, 1]
    assert divergence.finding.ulps > 100


def test_an_unknown_fault_is_said_to_be_unknown() -> None:
    plan = sound_plan()
    first, second = (samestep.train(samestep.backend(name), plan) for name in FRAMEWORKS)
    rng = np.random.default_rng(0)
    params = {name: values.copy() for name, values in second.params.items()}
    params["w"][1:] += rng.uniform(0.1, 0.9, params["w"][1:].shape).astype(np.float32)
    gradient = {
        k: (v * rng.uniform(2, 9, v.shape)).astype(v.dtype) for k, v in second.gradient.items()
    }
    found = explain(first, replace(second, gradient=gradient, params=params)).divergences[0]
    assert found.causes == ()
    assert "no known fault fits" in str(found)


def test_residuals_at_a_kink_are_mentioned() -> None:
    problem = samestep.SyntheticRegression(num_train=8, num_val=0, noise=0.0).draw(0)
    at_truth = replace(problem, w=np.array([2.0, -3.0]), b=np.zeros(()), X=np.round(problem.X * 4))
    exact = replace(at_truth, y=at_truth.X @ at_truth.w)
    plan = samestep.Plan.of(exact, loss="absolute_error", epochs=2)
    traces = [samestep.train(samestep.backend(name), plan) for name in FRAMEWORKS]
    explanation = explain(*traces)
    assert explanation.same
    assert any("kink" in note for note in explanation.notes)


def test_stored_traces_explain_as_fresh_ones(tmp_path: Path) -> None:
    plan = sound_plan(momentum=0.9, weight_decay=0.1, nesterov=True)
    traces = [samestep.train(samestep.backend(name), plan) for name in FRAMEWORKS]
    stored = []
    for i, trace in enumerate(traces):
        save_trace(trace, tmp_path / f"{i}.npz")
        stored.append(load_trace(tmp_path / f"{i}.npz"))
    assert str(explain(*stored)) == str(explain(*traces))
    assert stored[0].plan.hash == plan.hash
    np.testing.assert_array_equal(stored[1].state["w"], traces[1].state["w"])


def test_final_only_traces_are_stored_too(tmp_path: Path) -> None:
    trace = samestep.train(samestep.backend("torch"), sound_plan(), every_step=False)
    save_trace(trace, tmp_path / "end.npz")
    assert not load_trace(tmp_path / "end.npz").every_step


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    trace = samestep.train(samestep.backend("torch"), sound_plan())
    path = tmp_path / "trace.npz"
    save_trace(trace, path)
    (tmp_path / "short.npz").write_bytes(path.read_bytes()[:1000])
    (tmp_path / "text.npz").write_text("no trace")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("short", "text", "other", "missing"):
        with pytest.raises(UsageError, match="no stored trace"):
            load_trace(tmp_path / f"{name}.npz")
    with np.load(path) as file:
        arrays = dict(file)
    arrays["plan/learning_rate"] = arrays["plan/learning_rate"] * 2
    np.savez(path, **arrays)
    with pytest.raises(UsageError, match="hash does not fit"):
        load_trace(path)
