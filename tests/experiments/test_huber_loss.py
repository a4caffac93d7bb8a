"""Huber's loss: the claims hold, and each of their tests can fail."""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Literal

import numpy as np
import pytest
from samestep_experiments import huber_loss
from samestep_experiments.huber_loss import forms as huber_forms
from samestep_experiments.huber_loss import robustness
from samestep_experiments.huber_loss import trap as huber_trap
from samestep_experiments.huber_loss import travel as huber_travel
from samestep_experiments.huber_loss.forms import PUBLISHED, Case, Response
from samestep_experiments.huber_loss.kinks import shipped_by

import samestep
from samestep.errors import UsageError
from samestep.interface import Backend
from samestep.loss import get_loss
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.results import Result
from samestep.trace import Trace
from samestep.training import train

STATISTICAL = {
    "published-runs-away",
    "slow-rate-falls-short",
    "fast-rate-arrives",
    "clean-as-good",
    "intercept-squared-error",
    "slopes-squared-error-5",
    "slopes-squared-error-20",
    "intercept-huber",
    "slopes-huber-5",
    "slopes-huber-20",
}
OVER_SEEDS = STATISTICAL - {"published-runs-away"}
"""Sampled on the participants of the first precision only."""

SPEC = SyntheticRegression(num_val=0)


@pytest.fixture(scope="module")
def result() -> Result:
    return samestep.run("huber-loss", seeds=48)


@pytest.fixture(scope="module")
def one_seed() -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = samestep.run("huber-loss", on=["numpy"], dtype="float64", seeds=1)
        for figure in found.figures.values():
            figure.figure()
    return found


def verdicts(found: Result) -> dict[str, bool | None]:
    return {claim.id: claim.holds for claim in found.summary.exercises[0].claims}


def fit(**settings: Any) -> Trace:
    return train(samestep.oracle(), Plan.of(SPEC.draw(0), **settings))


def test_every_claim_holds_on_every_participant(result: Result) -> None:
    exercise = result.summary.exercises[0]
    for claim in exercise.claims:
        assert claim.holds is True, claim
        assert len(claim.evidence) == (2 if claim.id in OVER_SEEDS else 4)
    assert set(verdicts(result)) > STATISTICAL
    assert all(agreement.holds for agreement in exercise.agreements)
    assert result.ok


def test_published_numbers_are_undecided_with_few_seeds(result: Result) -> None:
    exercise = result.summary.exercises[0]
    assert len(exercise.published) == 2 * 6
    for check in exercise.published:
        assert check.holds is None
        assert 0 < check.percentile < 100
    rejected = {power.wrong_setting.split("but ")[1]: power.rejected for power in exercise.power}
    assert rejected["the other reduction"] == 1.0
    assert rejected["twice the loss"] >= rejected["twice the rate"]


def test_evidence_is_not_applicable_exactly_where_nothing_is_shipped(
    result: Result, framework: Backend
) -> None:
    shipped = shipped_by(framework)
    for claim in result.summary.exercises[0].claims:
        if claim.id.startswith("shipped-"):
            name = claim.id.removeprefix("shipped-").replace("-", "_")
            assert claim.evidence[framework.label].applies == (name in shipped)


def test_one_seed_leaves_only_statistical_claims_undecided(one_seed: Result) -> None:
    for name, holds in verdicts(one_seed).items():
        if name in STATISTICAL or name.startswith("shipped-"):  # NumPy ships no loss
            assert holds is None, name
        else:
            assert holds is True, name
    assert one_seed.ok
    assert "1 run" in one_seed.summary.exercises[0].answer


def test_one_framework_at_one_precision_is_enough() -> None:
    found = samestep.run("huber-loss", on=["torch"], dtype="float32", seeds=2)
    assert found.ok
    assert False not in verdicts(found).values()


def test_parameters_out_of_range_are_refused() -> None:
    for settings in ({"delta": 0.0}, {"outlier": 0.0}):
        with pytest.raises(UsageError):
            samestep.run("huber-loss", on=["numpy"], seeds=1, settings=settings)


def test_a_loss_without_robustness_is_not_called_robust() -> None:
    found = samestep.run(
        "huber-loss", on=["numpy"], dtype="float64", seeds=32, settings={"delta": 100.0}
    )
    assert found.ok
    assert verdicts(found)["intercept-huber"] is True  # its bias is that of squared error now
    assert "not robust" in found.summary.exercises[0].answer


def test_registering_the_published_formula_is_idempotent() -> None:
    before = get_loss(PUBLISHED)
    importlib.reload(huber_forms)
    assert get_loss(PUBLISHED) is before


@pytest.mark.parametrize("delta", [1.0, 1.7])
def test_the_registered_formula_is_the_published_one(delta: float) -> None:
    loss = get_loss(PUBLISHED)
    q = np.linspace(-4, 4, 41)  # y - prediction, as published
    published = np.where(np.abs(q) < delta, q**2 / 2, delta * (q - delta / 2))
    np.testing.assert_allclose(loss.value(np, -q, delta), published, rtol=1e-15)
    smooth = np.abs(np.abs(q) - delta) > 1e-3
    h = 1e-5
    difference = loss.value(np, -q + h, delta) - loss.value(np, -q - h, delta)
    np.testing.assert_allclose(
        loss.derivative(-q, delta)[smooth], difference[smooth] / (2 * h), atol=1e-9
    )


def response(backend: Backend, name: str, delta: float) -> Response:
    case = Case(name, delta)
    return huber_forms.respond(backend, [case])[case]


def test_a_wrong_form_is_outside_the_bound(backend: Backend) -> None:
    smooth = response(backend, "smooth_l1", 1.7)
    assert huber_forms.ratio_to_bound(Case("smooth_l1", 1.7), smooth, backend.dtype) <= 1
    assert huber_forms.ratio_to_bound(Case("huber", 1.7), smooth, backend.dtype) > 1
    at_one = response(backend, "smooth_l1", 1.0)
    assert huber_forms.ratio_to_bound(Case("huber", 1.0), at_one, backend.dtype) <= 1
    published = response(backend, PUBLISHED, 1.7)
    assert huber_forms.ratio_to_bound(Case("huber", 1.7), published, backend.dtype) > 1


def test_nan_is_outside_the_bound(oracle: Backend) -> None:
    right = response(oracle, "huber", 1.0)
    wrong = right._replace(value=np.full_like(right.value, np.nan))
    assert not huber_forms.ratio_to_bound(Case("huber", 1.0), wrong, "float64") <= 1


def worst_shipped(backend: Backend, reduction: Literal["none", "mean", "sum"]) -> float:
    case = Case("huber", 1.7, reduction)
    found = huber_forms.respond(backend, [case])[case]
    return huber_forms.ratio_to_bound(case, found, backend.dtype)


def test_a_wrong_shipped_loss_is_noticed(
    framework: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = framework.native["loss/huber"]
    assert worst_shipped(framework, "none") <= 1
    assert worst_shipped(framework, "mean") <= 1
    for wrong in (
        lambda p, y, delta, reduction: shipped(p, y, 1.0, reduction),
        lambda p, y, delta, reduction: 1.00001 * shipped(p, y, delta, reduction),
    ):
        monkeypatch.setitem(framework.native, "loss/huber", wrong)
        assert worst_shipped(framework, "none") > 1
        assert worst_shipped(framework, "mean") > 1
        monkeypatch.setitem(framework.native, "loss/huber", shipped)


def test_a_wrong_reduction_of_a_shipped_loss_is_noticed(
    framework: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = framework.native["loss/huber"]
    monkeypatch.setitem(
        framework.native,
        "loss/huber",
        lambda p, y, delta, reduction: shipped(p, y, delta, reduction.replace("mean", "sum")),
    )
    assert worst_shipped(framework, "sum") <= 1
    assert worst_shipped(framework, "mean") > 1


def test_only_the_right_rate_takes_the_same_step() -> None:
    huber = fit(loss="huber", delta=3.0, learning_rate=0.3)
    right = fit(loss="smooth_l1", delta=3.0, learning_rate=0.9)
    wrong = fit(loss="smooth_l1", delta=3.0, learning_rate=0.9 + 1e-9)
    assert huber_loss.same_step(right, huber.plan).holds is True
    assert huber_loss.same_step(wrong, huber.plan).holds is False
    assert huber_loss.equal_paths(huber, huber).holds is True
    assert huber_loss.equal_paths(huber, right).holds is False
    assert huber_loss.parted(right, huber.plan).holds is False
    assert huber_loss.parted(wrong, huber.plan).holds is True


def test_only_clipped_gradients_stay_within_the_limit() -> None:
    clipped = fit(loss="huber", learning_rate=0.3)
    assert huber_travel.gradient_over_limit(clipped, 1.0).max() <= 1 + 1e-14
    assert huber_travel.gradient_over_limit(clipped, 0.5).max() > 1
    assert huber_travel.gradient_over_limit(fit(loss="half_squared_error"), 1.0).max() > 1


def test_the_published_gradient_is_stale() -> None:
    trace = fit(loss="huber", learning_rate=0.3)
    final, gradient = np.split(huber_travel.outcome(trace)[0], 2)
    np.testing.assert_allclose(final, trace.parameters(-2)[0] - 0.3 * gradient, rtol=1e-15)
    assert trace.plan.rows[-1, 0] == 8


def test_a_right_loss_does_not_run_away() -> None:
    problems = [SPEC.draw(seed) for seed in range(20)]
    for loss, runs_away in (("huber", False), (PUBLISHED, True)):
        plan = stack([Plan.of(p, loss=loss, learning_rate=0.3) for p in problems])
        course = huber_trap.Course.of(train(samestep.oracle(), plan))
        assert huber_trap._runs_away(course).holds is runs_away


def test_away_from_the_truth_the_mistake_is_noticed() -> None:
    problem = SPEC.draw(0)
    for start, holds in ((huber_forms.at_truth(problem), True), (problem, False)):
        plan = Plan.of(start, loss=PUBLISHED, learning_rate=0.3)
        assert huber_trap._unnoticed(train(samestep.oracle(), plan)).holds is holds


def test_moved_labels_are_nested_and_counted() -> None:
    problem = SPEC.draw(3)
    few, many = (robustness.move_labels(problem, share, 50.0) for share in (0.05, 0.2))
    moved = [problem_.y != problem.y for problem_ in (few, many)]
    assert [int(m.sum()) for m in moved] == [50, 200]
    assert not (moved[0] & ~moved[1]).any()
    np.testing.assert_array_equal(many.y[moved[1]], problem.y[moved[1]] + 50.0)
    assert robustness.move_labels(problem, 0.0, 50.0).hash == problem.hash


def test_population_bias() -> None:
    for share in (0.05, 0.2, 0.4):
        bias = robustness.population_bias("huber", share, 50.0, 1.0, 0.01)
        assert bias == pytest.approx(share / (1 - share), rel=1e-9)
        assert robustness.population_bias("squared_error", share, 50.0, 1.0, 0.01) == 50 * share
    # A huge delta makes it squared error; the sign is that of the shift; no share, no bias.
    assert robustness.population_bias("huber", 0.2, 50.0, 1e3, 0.01) == pytest.approx(10)
    assert robustness.population_bias("huber", 0.2, -50.0, 1.0, 0.01) == pytest.approx(-0.25)
    assert robustness.population_bias("huber", 0.0, 50.0, 1.0, 0.01) == pytest.approx(0, abs=1e-12)
    # Where clean labels are clipped too, the root is compared with a large sample's.
    delta, share, shift, noise = 0.5, 0.3, 2.0, 1.0
    rng = np.random.default_rng(0)
    errors = noise * rng.standard_normal(1_000_000) + shift * (rng.random(1_000_000) < share)
    bias = robustness.population_bias("huber", share, shift, delta, noise)
    slope = np.clip(bias - errors, -delta, delta)
    assert abs(slope.mean()) < 5 * slope.std() / 1e3


def test_another_bias_contradicts_the_claim() -> None:
    rng = np.random.default_rng(0)
    errors = np.zeros((len(robustness.SHARES), 32, 3))
    for share, at in ((0.05, 0.0526), (0.2, 0.25)):
        errors[robustness.SHARES.index(share), :, -1] = at + 0.001 * rng.standard_normal(32)
    law = {0.05: 0.05 / 0.95, 0.2: 0.2 / 0.8}
    assert robustness._intercept(errors, law).holds is True
    assert robustness._intercept(errors, {0.05: law[0.05], 0.2: 0.2}).holds is False
    assert robustness._intercept(errors[:, :1], law).holds is None
    slopes = errors[0] + 0.01 * rng.standard_normal((32, 3))
    assert robustness._slopes(slopes, 0.02).holds is True
    assert robustness._slopes(slopes + 0.1, 0.02).holds is False
    assert robustness._slopes(slopes[:3], 0.02).holds is None
