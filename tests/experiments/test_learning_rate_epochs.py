"""Learning rate and epochs: the claims hold, and each of their tests can fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from samestep_experiments.learning_rate_epochs import approach, border
from samestep_experiments.learning_rate_epochs.predictions import (
    descent_error,
    epochs_to_floor,
    floor_at_epoch_ends,
)
from samestep_experiments.learning_rate_epochs.runs import (
    DIVERGENT,
    PUBLISHED_RATES,
    SMALL,
    SPEC,
    Runs,
)

import samestep
from samestep import theory
from samestep.claims import Evidence
from samestep.errors import UsageError
from samestep.figures import LossCurve, draw_loss_curves
from samestep.measuring import path
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.registry import oracle
from samestep.results import Result
from samestep.training import train

EXACT = ("overflow-step", "critical-rate")
STATISTICAL = (
    "contraction",
    "small-rate-more-epochs-help",
    "middle-rate-helps-until-floor",
    "large-rate-three-epochs-suffice",
    "floor",
    "floor-at-epoch-ends",
    "constant-growth",
    "minibatch-gives-way-earlier",
    "typical-minibatch-run-holds-out",
)
FIGURES = ("approach", "critical-rate", "heat-map", "loss-curves", "paths")


@pytest.fixture(scope="module")
def result() -> Result:
    return samestep.run("learning-rate-epochs", dtype="float32", seeds=64)


@pytest.fixture(scope="module")
def one_seed() -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = samestep.run("learning-rate-epochs", on=["numpy"], seeds=1)
        for figure in found.figures.values():
            figure.figure()
        return found


def verdicts(found: Result) -> dict[str, bool | None]:
    return {claim.id: claim.holds for claim in found.summary.exercises[0].claims}


def runs_of(spec: SyntheticRegression = SPEC, loss: str = "squared_error") -> Runs:
    """The published rates on the oracle, from data of our choice."""
    base = [Plan.of(spec.draw(seed), loss=loss, epochs=10) for seed in range(48)]
    plans = [p.vary(learning_rate=rate) for rate in PUBLISHED_RATES for p in base]
    return Runs.of(plans, "float64", path(train(oracle(), stack(plans))))


@pytest.fixture(scope="module")
def runs() -> Runs:
    return runs_of()


def test_every_claim_holds_on_both_frameworks(result: Result) -> None:
    exercise = result.summary.exercises[0]
    assert verdicts(result) == dict.fromkeys((*EXACT, *STATISTICAL), True)
    assert all(len(claim.evidence) == 2 for claim in exercise.claims)
    assert exercise.agreements
    assert all(agreement.holds for agreement in exercise.agreements)
    assert result.ok
    assert exercise.answer.startswith("Only up to a point")


def test_frameworks_leave_float32_at_the_same_step(result: Result) -> None:
    claim = next(c for c in result.summary.exercises[0].claims if c.id == "overflow-step")
    steps = {tuple(sorted(evidence.values.items())) for evidence in claim.evidence.values()}
    assert len(steps) == 1
    assert 20 <= dict(steps.pop())["first_seed"] <= 32


def test_one_seed_decides_only_what_is_exact(one_seed: Result) -> None:
    assert verdicts(one_seed) == dict.fromkeys(EXACT, True) | dict.fromkeys(STATISTICAL)
    assert not one_seed.summary.exercises[0].answer.startswith("Only")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_lone_participant_agrees_with_the_oracle(one_seed: Result, dtype: str) -> None:
    # Its divergent run leaves the working precision at the oracle's step in that precision.
    found = [a for a in one_seed.summary.exercises[0].agreements if a.dtype == dtype]
    assert found
    assert all(agreement.holds for agreement in found)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(result: Result, name: str) -> None:
    figure = result.figures[f"learning-rate-epochs-{name}"].figure()
    assert figure.axes[0].get_title()


@pytest.mark.parametrize(
    "settings", [{"max_epochs": 3}, {"resolution": 0.1}, {"resolution": 0.0001}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))):
        samestep.run("learning-rate-epochs", on=["numpy"], seeds=1, settings=settings)


def test_few_epochs_make_claims_inapplicable_not_false() -> None:
    found = samestep.run(
        "learning-rate-epochs",
        on=["numpy"],
        dtype="float64",
        seeds=48,
        settings={"max_epochs": 4, "resolution": 0.03},
    )
    claims = {claim.id: claim for claim in found.summary.exercises[0].claims}
    for id_ in ("overflow-step", "middle-rate-helps-until-floor"):
        assert not any(evidence.applies for evidence in claims[id_].evidence.values())
    assert not any(claim.holds is False for claim in claims.values())
    assert claims["critical-rate"].holds is True


@pytest.mark.parametrize(
    "evidence",
    [
        approach.contraction,
        approach.helps_until_floor,
        approach.three_epochs_suffice,
        approach.floor_over_steps,
        approach.floor_at_ends,
        approach.constant_growth,
    ],
)
def test_evidence_holds_on_the_oracle(runs: Runs, evidence: Callable[[Runs], Evidence]) -> None:
    assert evidence(runs).holds is True


def test_half_the_loss_does_not_contract_as_predicted() -> None:
    assert approach.contraction(runs_of(loss="half_squared_error")).holds is False


def test_twice_the_noise_is_not_on_the_floor() -> None:
    noisy = runs_of(replace(SPEC, noise=0.02))
    assert approach.floor_over_steps(noisy).holds is False
    assert approach.floor_at_ends(noisy).holds is False


def test_error_that_keeps_falling_is_not_settled(runs: Runs) -> None:
    falling = replace(runs, errors=runs.errors * 0.99 ** np.arange(len(runs.errors))[:, None])
    assert approach.three_epochs_suffice(falling).holds is False
    assert approach.helps_until_floor(falling).holds is False


def test_an_epoch_that_harms_is_noticed(runs: Runs) -> None:
    errors = runs.errors.copy()
    errors[runs.epoch_ends[2]] *= 10
    assert approach.every_epoch_helps(runs, SMALL).holds is True
    assert approach.every_epoch_helps(replace(runs, errors=errors), SMALL).holds is False


def test_accelerating_growth_is_not_constant(runs: Runs) -> None:
    growth = 1.005 ** np.arange(len(runs.errors))[:, None] ** 2.0
    with np.errstate(over="ignore"):
        faster = replace(runs, errors=runs.errors * growth)
    assert approach.constant_growth(faster).holds is False


def test_overflow_one_step_earlier_is_noticed() -> None:
    plans = [Plan.of(SPEC.draw(s), epochs=10, learning_rate=DIVERGENT) for s in range(4)]
    trace = train(oracle(), stack(plans))
    assert trace.loss is not None
    first = int(approach.overflow_evidence({"a": trace})["a"].values["first_seed"])
    loss = trace.loss.copy()
    loss[first - 1, 0] = np.inf
    other = replace(trace, participant="b", loss=loss)
    evidence = approach.overflow_evidence({"a": trace, "b": other})
    assert [evidence[label].holds for label in "ab"] == [False, False]
    assert "1 runs differ from b" in evidence["a"].text


def made_up_border(
    critical: float = 1.0, square: float = 1.1, typical: float = -0.1
) -> border.Border:
    fractions = np.linspace(0.93, 1.07, 8)
    noise = 0.01 * np.random.default_rng(0).standard_normal((8, 64))
    return border.Border(
        critical=np.array([0.9, 0.95]),
        fractions=fractions,
        full_batch=np.repeat(2 * (fractions - critical)[:, None], 2, axis=1),
        mean_square=square + noise,
        typical=typical + noise,
    )


def test_border_elsewhere_is_no_critical_rate() -> None:
    claim = border._critical_evidence
    assert claim(made_up_border()).holds is True
    assert made_up_border().crossing == pytest.approx([0.9, 0.95])
    for elsewhere in (0.98, 1.02, 0.5, 1.5):  # the last two lie outside of the rates
        assert claim(made_up_border(elsewhere)).holds is False


def test_minibatch_claims_can_fail() -> None:
    assert border._minibatch_evidence(made_up_border()).holds is True
    assert border._minibatch_evidence(made_up_border(square=0.9)).holds is False
    assert border._minibatch_evidence(made_up_border(square=1.0)).holds is None
    assert border._typical_evidence(made_up_border()).holds is True
    assert border._typical_evidence(made_up_border(typical=0.1)).holds is False
    assert not border._minibatch_evidence(made_up_border(0.5)).applies
    assert not border._typical_evidence(made_up_border(1.5)).applies


def test_descent_error_is_that_of_full_batch_descent() -> None:
    spec = SyntheticRegression(num_train=40, batch_size=40, noise=0.5)
    problem = spec.draw(0)
    trace = train(oracle(), Plan.of(problem, learning_rate=0.2, epochs=6))
    solution = theory.least_squares(problem)
    measured = [np.sqrt(np.mean((trace.parameters(step)[0] - solution) ** 2)) for step in range(7)]
    assert descent_error(problem, 0.2, np.arange(7)) == pytest.approx(measured, rel=1e-10)


def test_floor_without_contraction_is_infinite() -> None:
    # Between the limits in mean square of batches of 32 and of the epoch with its batch of 8.
    assert floor_at_epoch_ends(SPEC, 0.85) < np.inf
    assert floor_at_epoch_ends(SPEC, 0.93) == np.inf


def test_floor_of_one_pass_is_that_of_its_rows() -> None:
    # At rate 1/2 and without the spread of the batches' curvature, a step forgets all but its own
    # rows; with long batches that spread is small.
    spec = SyntheticRegression(num_train=40_000, batch_size=10_000, noise=1.0)
    assert floor_at_epoch_ends(spec, 0.5) == pytest.approx(1 / np.sqrt(10_000), rel=1e-3)


def test_epochs_to_floor_solves_for_it() -> None:
    problem = SPEC.draw(0)
    epochs = epochs_to_floor(SPEC, problem, 0.03)
    met = descent_error(problem, 0.03, [epochs * problem.steps_per_epoch])[0]
    assert met == pytest.approx(floor_at_epoch_ends(SPEC, 0.03))
    assert epochs_to_floor(SPEC, problem, 0.03, times=10) < epochs
    assert epochs_to_floor(SPEC, problem, 3.0) == np.inf
    at_truth = replace(problem, w=np.array([2.0, -3.4]), b=np.array(4.2))
    assert epochs_to_floor(SPEC, at_truth, 0.03) == 0


def test_loss_curves_of_a_divergent_fit_say_where_they_end() -> None:
    curve = LossCurve("x", np.array([4.0, np.inf, np.nan]), np.array([1.0, 4.0, np.inf, np.nan]))
    axes = draw_loss_curves({"rate 3": [curve]}).axes[0]
    assert axes.get_yscale() == "log"
    assert "x in epoch 2" in axes.texts[0].get_text()
