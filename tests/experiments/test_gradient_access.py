"""Exercise 3: its claims hold, are undecided with one seed, and fail where they should."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samestep_experiments.gradient_access import EXPERIMENT, _obstacle
from samestep_experiments.gradient_access.claims import claim_ends
from samestep_experiments.gradient_access.routes import (
    Judged,
    judge_difference,
    judge_routes,
    judged_steps,
)
from samestep_experiments.gradient_access.stored import (
    Ends,
    full_gradient,
    measure_ends,
    observe_stale,
    observe_stored,
    observe_uncleared,
)
from samestep_torch import TorchBackend

import samestep
from samestep import Plan, SyntheticRegression, UsageError, stack, train
from samestep.interface import Backend
from samestep.lab import Lab
from samestep.loss import LOSSES, get_loss, register_loss
from samestep.results import Result
from samestep.summary import ExerciseModel
from samestep.trace import Trace

ABOUT_STORED = {
    "absent-before-backward",
    "accumulates",
    "clearing",
    "stale",
    "forgetting-to-clear",
}
EXACT = {"routes", "finite-difference", "returned"}
STATISTICAL = {"larger", "opposed"}


def exercise(result: Result) -> ExerciseModel:
    return result.summary.exercises[0]


def holds(result: Result) -> dict[str, bool | None]:
    return {claim.id: claim.holds for claim in exercise(result).claims}


@pytest.fixture(scope="module")
def result() -> Result:
    return samestep.run("gradient-access", seeds=64)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan.of(SyntheticRegression(num_train=40, num_val=0, batch_size=16).draw(3))


@pytest.fixture
def own(dtype: str) -> TorchBackend:
    """A backend of the test's own, which it may spoil."""
    return TorchBackend(dtype=dtype)


def spoil(backend: TorchBackend, name: str, native: Callable[..., Any]) -> None:
    backend.native = {**backend.native, name: native}


# --- the exercise ----------------------------------------------------------------------------


def test_every_claim_holds(result: Result) -> None:
    assert set(holds(result)) == EXACT | ABOUT_STORED | STATISTICAL
    assert all(value is True for value in holds(result).values())
    assert result.ok
    assert {a.holds for a in exercise(result).agreements} == {True}


def test_each_participant_gives_evidence_or_a_reason(result: Result) -> None:
    for claim in exercise(result).claims:
        assert len(claim.evidence) == (2 if claim.id in STATISTICAL else 4)
        for label, evidence in claim.evidence.items():
            applies = claim.id not in ABOUT_STORED or label.startswith("torch/")
            assert evidence.applies is applies, (claim.id, label)
            assert evidence.text.startswith("not applicable: ") is not applies


def test_the_answer_says_what_was_measured(result: Result) -> None:
    answer = exercise(result).answer
    assert "every one gives the closed form" in answer
    assert "(8 rows) before the last update" in answer
    assert "64 seeds, after 8 epochs" in answer
    assert "it shows noise" in answer


def test_the_figures_can_be_drawn(result: Result) -> None:
    assert set(result.figures) == {
        "gradient-access-loss-curves",
        "gradient-access-paths",
        "gradient-access-routes",
        "gradient-access-stale",
        "gradient-access-uncleared",
    }
    for figure in result.figures.values():
        assert figure.figure().axes


@pytest.mark.parametrize(("name", "dtype"), [("torch", "float32"), ("jax", "float64")])
def test_one_seed_and_one_participant_leave_claims_undecided_but_not_failed(
    name: str, dtype: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        result = samestep.run("gradient-access", on=[name], dtype=dtype, seeds=1)
    found = holds(result)
    assert result.ok
    assert all(found[id_] is True for id_ in EXACT)
    assert all(found[id_] is None for id_ in STATISTICAL)
    assert {found[id_] for id_ in ABOUT_STORED} == {True if name == "torch" else None}
    assert "it shows noise" not in exercise(result).answer
    for figure in result.figures.values():
        assert figure.figure().axes


def test_closed_forms_alone_are_a_participant_too() -> None:
    result = samestep.run("gradient-access", on=["numpy"], dtype="float32", seeds=1)
    assert result.ok
    (evidence,) = (c for c in exercise(result).claims if c.id == "routes")
    assert evidence.evidence["numpy/cpu/float32"].text.startswith("1 route: ")


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_a_rate_that_does_not_converge_is_an_error(rate: float) -> None:
    with pytest.raises(UsageError, match="does not converge"):
        samestep.run("gradient-access", on=["numpy"], settings={"learning_rate": rate})


# --- routes and differences ------------------------------------------------------------------


def test_the_judged_steps_hold_full_and_short_minibatches(plan: Plan) -> None:
    assert [int(plan.rows[step, 0]) for step in judged_steps(plan)] == [16, 16, 8, 8]


def test_a_wrong_route_is_found(own: TorchBackend, plan: Plan) -> None:
    right = own.native["gradient/func.grad"]

    def half(loss: Any, params: Any, *rest: Any) -> Any:
        return {name: g / 2 for name, g in right(loss, params, *rest).items()}

    def slightly_off(loss: Any, params: Any, *rest: Any) -> Any:
        eps = 64 * np.finfo(own.dtype).eps
        return {name: g * (1 + eps) for name, g in right(loss, params, *rest).items()}

    spoil(own, "gradient/half", half)
    spoil(own, "gradient/slightly off", slightly_off)
    found = judge_routes(own, train(own, plan))
    wrong = {name for name, finding in found.items() if not finding.judged.holds}
    assert wrong == {"half", "slightly off"}
    assert len(found) == 9
    assert all(finding.repeats for finding in found.values())


def test_a_route_that_keeps_something_is_found(own: TorchBackend, plan: Plan) -> None:
    right = own.native["gradient/func.grad"]
    sums: list[Any] = []

    def accumulating(loss: Any, params: Any, *rest: Any) -> Any:
        sums.append(right(loss, params, *rest))
        return {name: sum(g[name] for g in sums) for name in params}

    def meddling(loss: Any, params: Any, *rest: Any) -> Any:
        grads = right(loss, params, *rest)
        rest[0].zero_()
        return grads

    spoil(own, "gradient/accumulating", accumulating)
    spoil(own, "gradient/meddling", meddling)
    found = judge_routes(own, train(own, plan))
    # What meddles with the inputs of all is the last to be called, and is found at once.
    assert not found["accumulating"].repeats
    assert not found["meddling"].repeats
    assert found["func.grad"].repeats


@pytest.mark.parametrize("h", [1e-3, 0.3, 1.0, 10.0, 1000.0])
def test_a_central_difference_of_a_quadratic_is_exact_at_any_step(
    backend: Backend, plan: Plan, h: float
) -> None:
    judged = judge_difference(backend, train(backend, plan), h)
    assert judged.holds
    assert 0 < judged.bound < 1


def test_a_central_difference_of_another_loss_is_not(backend: Backend, plan: Plan) -> None:
    huber = train(backend, plan.vary(loss="huber"))
    assert not judge_difference(backend, huber, 10.0).holds


def test_a_loss_that_does_not_fit_its_derivative_is_noticed(plan: Plan) -> None:
    """The bound of a difference is not so wide that it lets everything pass."""
    right = get_loss("squared_error")
    wrong = replace(right, name="wrong", value=lambda xp, r, delta: (1 + 1e-9) * r * r)
    backend = samestep.backend("torch", dtype="float64")
    assert judge_difference(backend, train(backend, plan), 1.0).holds
    register_loss(wrong)
    try:
        trace = train(backend, plan.vary(loss="wrong"))
        assert not judge_difference(backend, trace, 1.0).holds
    finally:
        del LOSSES["wrong"]


def test_what_is_not_a_number_is_never_explained() -> None:
    one = np.ones(2)
    assert not Judged.of([1.0, np.nan], one, one).holds
    assert Judged.of([1.0, 1.5], one, one) == Judged(0.5, 1.0, 0.5)
    assert not Judged.worst([Judged(9.0, 10.0, 0.9), Judged(0.2, 0.1, 2.0)]).holds


# --- stored gradients ------------------------------------------------------------------------


def test_a_gradient_that_is_not_stale_is_noticed(own: TorchBackend, plan: Plan) -> None:
    stored = own.native["after-training"]

    def fresh(loss: Any, params: Any, batches: Any, rate: float) -> Any:
        final, _ = stored(loss, params, batches, rate)
        return final, own.native["gradient/func.grad"](loss, final, *batches[-1])

    trace = train(own, plan)
    stale = observe_stale(own, trace)
    assert (stale.before.holds, stale.after.holds, stale.solution.holds) == (True, False, False)
    assert stale.rows == 8
    spoil(own, "after-training", fresh)
    wrong = observe_stale(own, trace)
    assert (wrong.before.holds, wrong.after.holds) == (False, True)


def test_the_stale_gradient_is_the_last_one_that_was_recorded(
    own: TorchBackend, plan: Plan
) -> None:
    trace = train(own, plan)
    last = np.append(trace.gradient["w"][-1, 0], trace.gradient["b"][-1, 0])
    np.testing.assert_allclose(
        observe_stale(own, trace).stored, last, rtol=1e3 * np.finfo(own.dtype).eps
    )


def test_a_loop_that_clears_is_told_from_one_that_does_not(own: TorchBackend, plan: Plan) -> None:
    trace = train(own, plan)
    uncleared = observe_uncleared(own, trace)
    assert uncleared.leaves_at == 1
    assert uncleared.momentum_ratio <= 1

    def clearing(loss: Any, params: Any, batches: Any, rate: float) -> Any:
        train = own.native["after-training"]
        return [train(loss, params, batches[: k + 1], rate) for k in range(len(batches))]

    spoil(own, "without-clearing", clearing)
    cleared = observe_uncleared(own, trace)
    assert cleared.leaves_at == -1
    assert cleared.momentum_ratio > 1


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("before", "absent_before"),
        ("twice", "doubles"),
        ("set_to_none", "absent_when_cleared"),
        ("set_to_zero", "zero_when_cleared"),
    ],
)
def test_each_fact_about_stored_gradients_can_fail(
    own: TorchBackend, plan: Plan, key: str, fact: str
) -> None:
    trace, right = train(own, plan), own.native["stored-gradient"]
    assert getattr(observe_stored(own, trace), fact)

    def otherwise(loss: Any, params: Any, *rest: Any) -> Any:
        seen = right(loss, params, *rest)
        return {**seen, key: seen["once"]}

    spoil(own, "stored-gradient", otherwise)
    assert not getattr(observe_stored(own, trace), fact)


# --- over seeds ------------------------------------------------------------------------------


def test_the_full_gradient_is_the_closed_form_over_all_examples() -> None:
    spec = SyntheticRegression(num_train=50, num_val=0)
    problems = [spec.draw(seed) for seed in range(3)]
    plan = stack([Plan.of(problem) for problem in problems])
    at = np.random.default_rng(0).standard_normal((2, 3, 3))
    found = full_gradient(plan, at)
    assert found.shape == at.shape
    for run, problem in enumerate(problems):
        Z = np.column_stack([problem.X, np.ones(50)])
        for k in range(2):
            expected = 2 / 50 * Z.T @ (Z @ at[k, run] - problem.y)
            np.testing.assert_allclose(found[k, run], expected, rtol=1e-12)


def test_the_ends_are_those_of_the_epochs(plan: Plan) -> None:
    trace: Trace = train(samestep.oracle(), stack([plan, plan]))
    ends = Ends(*measure_ends(trace).T)
    assert ends.stored.shape == ends.full.shape == ends.cosine.shape == (3, 2)
    last = np.append(trace.gradient["w"][-1, 0], trace.gradient["b"][-1, 0])
    full = full_gradient(trace.plan, trace.parameters())[0]
    assert ends.stored[-1, 0] == pytest.approx(np.linalg.norm(last))
    assert ends.full[-1, 0] == pytest.approx(np.linalg.norm(full))
    assert ends.cosine[-1, 0] == pytest.approx(
        last @ full / np.linalg.norm(last) / np.linalg.norm(full)
    )


@pytest.mark.parametrize(
    ("size", "cosine", "larger", "opposed"), [(2.0, -0.5, True, True), (0.5, 0.5, False, False)]
)
def test_claims_over_seeds_can_fail(
    size: float, cosine: float, larger: bool, opposed: bool
) -> None:
    ends = Ends(np.full((3, 64), size), np.ones((3, 64)), np.full((3, 64), cosine))
    lab = Lab(EXPERIMENT, [samestep.oracle()], seeds=64)
    claim_ends(lab, {"x": ends}, obstacle="")
    assert {c.id: c.holds for c in lab.claims} == {"larger": larger, "opposed": opposed}


def test_where_training_does_not_settle_the_claims_do_not_apply() -> None:
    ends = Ends(np.full((3, 64), 0.5), np.ones((3, 64)), np.full((3, 64), 0.5))
    lab = Lab(EXPERIMENT, [samestep.oracle()], seeds=64)
    claim_ends(lab, {"x": ends}, obstacle="the start is not forgotten")
    for claim in lab.claims:
        assert claim.holds is None
        assert claim.evidence["x"].text == "not applicable: the start is not forgotten"


@pytest.mark.parametrize(
    ("rate", "epochs", "obstacle"),
    [(0.03, 8, ""), (0.03, 3, "do not settle"), (0.3, 3, ""), (0.6, 8, "overshoot")],
)
def test_theory_says_whether_training_settles(rate: float, epochs: int, obstacle: str) -> None:
    problem = SyntheticRegression(num_val=0).draw(0)
    found = _obstacle([problem], rate, epochs, noise=0.01)
    assert obstacle in found
    assert bool(found) is bool(obstacle)
