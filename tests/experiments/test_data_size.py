"""How the solution depends on the amount of data: the claims, and the laws behind them."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from samestep_experiments.data_size import EXPERIMENT, claims, runs

import samestep
from samestep import theory
from samestep.claims import Interval
from samestep.errors import UsageError
from samestep.lab import Lab
from samestep.plan import stack
from samestep.problem import Problem
from samestep.registry import oracle
from samestep.results import Result
from samestep.summary import ExerciseModel
from samestep.training import train


def problems(size: int, count: int) -> list[Problem]:
    return [replace(runs.BASELINE, num_train=size).draw(s) for s in runs.seeds_of(size, count)]


@pytest.fixture(scope="module")
def result() -> Result:
    """Both frameworks, with as many seeds as decide every claim."""
    return samestep.run("data-size", on=["torch", "jax"], dtype="float32", seeds=1000)


@pytest.fixture(scope="module")
def exercise(result: Result) -> ExerciseModel:
    return result.summary.exercises[0]


@pytest.fixture(scope="module")
def one_seed() -> Result:
    """One participant, one seed, another rate; and nothing that NumPy would warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return samestep.run(
            "data-size",
            on=["numpy"],
            dtype="float64",
            seeds=1,
            settings={"learning_rate": 0.1},
        )


def test_every_claim_holds_on_both_frameworks(exercise: ExerciseModel) -> None:
    assert exercise.failures == {}
    assert {c.id for c in exercise.claims if not c.holds} == set()
    assert {frozenset(c.evidence) for c in exercise.claims} == {
        frozenset({"torch/cpu/float32", "jax/cpu/float32"}),
        frozenset({"numpy/cpu/float64"}),
    }


def test_all_stacks_and_fits_are_cross_checked(exercise: ExerciseModel) -> None:
    assert len({a.plan for a in exercise.agreements}) == 5
    assert all(a.holds for a in exercise.agreements)
    assert len(exercise.fits) == 4


def test_the_answer_has_the_measured_numbers(exercise: ExerciseModel) -> None:
    by_id = {c.id: c for c in exercise.claims}
    slope = by_id["least-squares-slope"].evidence["numpy/cpu/float64"].values["estimate"]
    assert f"{slope:.2f}" in exercise.answer
    assert "1,067" in exercise.answer


@pytest.mark.parametrize("decided", ["result", "one_seed"])
def test_figures_can_be_drawn(decided: str, request: pytest.FixtureRequest) -> None:
    figures = request.getfixturevalue(decided).figures
    assert {name.removeprefix("data-size-") for name in figures} == {
        "loss-curves",
        "paths",
        "errors",
        "signed-errors",
        "axes",
        "slopes",
    }
    for figure in figures.values():
        assert figure.figure().axes


def test_errors_that_are_not_finite_leave_gaps(one_seed: Result) -> None:
    spec = one_seed.figures["data-size-errors"]
    errors = {
        method: {n: values.copy() for n, values in by_size.items()}
        for method, by_size in spec.data["errors"].items()
    }
    errors["3 epochs"][5][:] = np.inf
    errors["320 updates"][10][:] = np.nan
    linear, logarithmic, *_ = spec.draw(**{**spec.data, "errors": errors}).axes
    assert (linear.get_xscale(), linear.get_yscale()) == ("linear", "linear")
    assert (logarithmic.get_xscale(), logarithmic.get_yscale()) == ("log", "log")
    assert np.isfinite(logarithmic.get_ylim()).all()


def test_one_seed_decides_nothing_statistical(one_seed: Result) -> None:
    exercise = one_seed.summary.exercises[0]
    assert {c.id for c in exercise.claims if c.holds} == {"full-batch-is-least-squares"}
    assert one_seed.ok


def test_another_rate_bends_elsewhere(one_seed: Result) -> None:
    exercise = one_seed.summary.exercises[0]
    assert "B/rate = 320" in exercise.answer
    assert any("Beyond 4 B/rate = 1,280" in c.statement for c in exercise.claims)


def test_updates_must_be_positive() -> None:
    with pytest.raises(UsageError, match="updates is 0"):
        samestep.run("data-size", on=["numpy"], dtype="float64", seeds=1, settings={"updates": 0})


def test_sizes_are_both_lists() -> None:
    assert runs.PUBLISHED_SIZES[-1] == 10_240
    assert set(runs.PUBLISHED_SIZES) | set(runs.BOOK_SIZES) == set(runs.SIZES)


def test_a_smaller_size_is_no_part_of_a_larger_one() -> None:
    small, large = problems(5, 1)[0], problems(10, 1)[0]
    assert not np.isin(small.X, large.X).any()
    most = [runs.seeds_of(size, 1000) for size in runs.SIZES]
    assert all(a[-1] < b[0] for a, b in itertools.pairwise(most))


def test_law_of_least_squares_by_exact_expectation() -> None:
    """Given the examples, the mean square is sigma^2 tr (Z^T Z)^-1: no noise has to be drawn."""
    size, draws = 12, 20_000
    Z = np.random.default_rng(0).standard_normal((draws, size, 3))
    Z[..., -1] = 1
    inverse = np.linalg.inv(Z.swapaxes(1, 2) @ Z)
    squares = runs.BASELINE.noise**2 * np.trace(inverse, axis1=1, axis2=2)
    error = squares.std() / math.sqrt(draws)
    assert abs(squares.mean() - runs.rms_law(size) ** 2) < 5 * error
    without_term = 3 * runs.BASELINE.noise**2 / (size - 4)
    assert abs(squares.mean() - without_term) > 5 * error


def test_full_batch_runs_are_planned_to_converge() -> None:
    drawn = problems(5, 6)
    solutions = runs.least_squares_errors({5: drawn})[5]
    for run, problem, solution in zip(
        runs.full_batch_runs({5: drawn}), drawn, solutions, strict=True
    ):
        trace = train(oracle(), run.plan)
        assert run.plan.rows.max() == run.plan.rows.min() == 5
        left = [np.linalg.norm(trace.error(step)[0] - solution) for step in (0, -1)]
        assert left[1] < 0.051 * runs.rms_law(5)
        assert run.plan.learning_rate[0] < theory.critical_rate(problem)


def test_one_path_is_read_after_the_epochs_and_after_the_updates() -> None:
    few, many = (runs.minibatch_runs({n: problems(n, 1)}, 0.03, 320)[0] for n in (80, 5120))
    assert few.plan.steps == 321  # whole epochs of 3 updates
    assert many.plan.steps == 480
    trace = train(oracle(), stack([few.plan, many.plan]))
    path = [trace.parameters(step) for step in range(trace.plan.steps + 1)]
    expected = [
        [path[step][run] for step in steps]
        for run, steps in enumerate([(9, 320, -1), (480, 320, -1)])
    ]
    np.testing.assert_array_equal(runs.answers(trace, 320), expected)


def test_convergence_is_known_beforehand() -> None:
    drawn = problems(80, 8)
    assert runs.has_converged(drawn, 0.03, 320)
    assert not runs.has_converged(drawn, 0.03, 100)
    assert not runs.has_converged(drawn, 0.003, 320)


def test_slopes_find_a_power_law_and_only_that() -> None:
    direction = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])
    errors = {n: direction * n**-0.5 for n in runs.SIZES}
    np.testing.assert_allclose(runs.slopes_by_seed(errors), -0.5)
    errors |= {n: direction for n in runs.SIZES if n < runs.SLOPES_FROM}  # not fitted
    np.testing.assert_allclose(runs.slopes_by_seed(errors), -0.5)


def test_claims_fail_where_they_should() -> None:
    """Minibatch SGD passed off as full-batch descent, and slopes that are those of the data."""
    drawn = {n: problems(n, 4) for n in (1280, 5120)}
    solutions = runs.least_squares_errors(drawn)
    noisy = {n: e + 3e-4 for n, e in solutions.items()}
    lab = Lab(EXPERIMENT, [], seeds=4)
    claims.full_batch(lab, {"x": {"full batch": solutions}}, solutions)
    assert lab.claims[-1].holds
    lab.claims.clear()
    claims.full_batch(lab, {"x": {"full batch": noisy}}, solutions)
    assert lab.claims[-1].holds is False

    assert claims.outside(Interval(-0.52, -0.48, -0.5), "slope", -0.6, -0.4).holds is False
    assert claims.outside(Interval(-2.1, -1.9, -2.0), "slope", -0.6, -0.4).holds
    assert claims.outside(Interval(-0.7, -0.5, -0.6), "slope", -0.6, -0.4).holds is None


def test_nothing_is_decided_where_no_size_has_converged() -> None:
    evidence = claims.pooled(lambda values: Interval(0, 0, 0), {}, [], "median")
    assert evidence.holds is None
    assert "converged" in evidence.text
