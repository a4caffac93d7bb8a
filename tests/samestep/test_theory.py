"""Theory: predictions against linear algebra, simulation and the trained oracle."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from samestep import Plan, Problem, SyntheticRegression, stack, theory, train
from samestep.interface import Backend


def drawn(n: int = 200, batch_size: int = 200, noise: float = 0.1, seed: int = 0) -> Problem:
    spec = SyntheticRegression(num_train=n, num_val=0, batch_size=batch_size, noise=noise)
    return spec.draw(seed)


def test_least_squares_leaves_a_residual_orthogonal_to_the_data() -> None:
    problem = drawn()
    solution = theory.least_squares(problem)
    Z = theory.design_matrix(problem)
    assert Z.shape == (200, 3)
    assert np.abs(Z.T @ (Z @ solution - problem.y)).max() < 1e-11
    normal_equations = np.linalg.solve(Z.T @ Z, Z.T @ problem.y)
    assert np.allclose(solution, normal_equations, rtol=1e-12)
    assert problem.truth is not None
    assert np.abs(solution - problem.truth).max() < 5 * 0.1 / math.sqrt(200)


def test_with_too_few_examples_least_squares_has_the_least_norm() -> None:
    problem = drawn(n=2)
    Z = theory.design_matrix(problem)
    solution = theory.least_squares(problem)
    assert np.allclose(Z @ solution, problem.y)
    null = np.linalg.svd(Z)[2][-1]
    assert abs(null @ solution) < 1e-12


def test_the_curvature_is_the_slope_of_the_gradient(oracle: Backend) -> None:
    problem = drawn(n=20, batch_size=20)
    H = theory.curvature(problem)
    gradients = []
    for shift in (np.zeros(3), *np.eye(3)):
        moved = dataclasses.replace(
            problem, w=problem.w + shift[:2], b=np.asarray(problem.b + shift[2])
        )
        trace = train(oracle, Plan.of(moved, epochs=1))
        gradients.append(np.append(trace.gradient["w"][0, 0], trace.gradient["b"][0, 0]))
    assert np.allclose(np.stack(gradients[1:]) - gradients[0], H, rtol=1e-12)
    assert np.allclose(H, H.T)


def test_full_batch_descent_diverges_just_above_the_critical_rate(oracle: Backend) -> None:
    problem = drawn()
    critical = theory.critical_rate(problem)
    assert 0.7 < critical < 1.0
    plan = stack(
        [
            Plan.of(problem, learning_rate=factor * critical, epochs=400)
            for factor in (0.98, 1.0, 1.02)
        ]
    )
    trace = train(oracle, plan)
    solution = theory.least_squares(problem)
    values, vectors = np.linalg.eigh(theory.curvature(problem))
    steepest = vectors[:, np.argmax(values)]
    error = np.array([(trace.parameters(k) - solution) @ steepest for k in (0, 400)])
    growth = np.abs(error[1] / error[0])
    # |1 - 2 factor|^400 along the steepest direction, to what rounding leaves of it.
    assert growth[0] == pytest.approx(0.96**400, rel=1e-4)
    assert growth[1] == pytest.approx(1.0, rel=1e-6)
    assert growth[2] == pytest.approx(1.04**400, rel=1e-4)


def test_the_contraction_is_that_of_every_eigenvector(oracle: Backend) -> None:
    problem = drawn()
    rate, steps = 0.2, 30
    trace = train(oracle, Plan.of(problem, learning_rate=rate, epochs=steps))
    _, vectors = np.linalg.eigh(theory.curvature(problem))
    solution = theory.least_squares(problem)
    before, after = ((trace.parameters(k)[0] - solution) @ vectors for k in (0, steps))
    expected = theory.contraction(problem, rate, steps)
    assert np.allclose(np.abs(after / before), expected, rtol=1e-7)
    assert np.allclose(theory.contraction(problem, rate), expected ** (1 / steps))


def test_the_noise_floor_is_where_constant_rate_sgd_settles(oracle: Backend) -> None:
    # A long epoch: within one, batches are drawn without replacement, which lowers the noise.
    noise, n, rate, size = 0.5, 4096, 0.02, 8
    spec = SyntheticRegression(num_train=n, num_val=0, batch_size=size, noise=noise)
    plans = [Plan.of(spec.draw(seed), learning_rate=rate, epochs=1) for seed in range(100)]
    trace = train(oracle, stack(plans))
    measured = math.sqrt(np.mean(trace.error() ** 2))
    assert measured == pytest.approx(theory.noise_floor(noise, n, rate, size), rel=0.15)
    assert theory.noise_floor(2.0, 4, 0.5, 2) == pytest.approx(2 * math.sqrt(0.25 + 0.25))


def test_fourth_moments_agree_with_a_simulation() -> None:
    rng = np.random.default_rng(0)
    z = np.column_stack([rng.standard_normal((200_000, 2)), np.ones(200_000)])
    moments = theory._fourth_moments(2)
    for i, j, k, m in itertools.combinations_with_replacement(range(3), 4):
        products = z[:, i] * z[:, j] * z[:, k] * z[:, m]
        spread = products.std() / math.sqrt(len(z))
        assert abs(moments[i, j, k, m] - products.mean()) <= 5 * spread + 1e-12, (i, j, k, m)
        for p in itertools.permutations((i, j, k, m)):
            assert moments[p] == moments[i, j, k, m]


def test_minibatches_lower_the_critical_rate_in_mean_square() -> None:
    assert theory.critical_rate_mean_square(2, 32) == pytest.approx(0.90, abs=0.005)
    rates = [theory.critical_rate_mean_square(2, size) for size in (1, 4, 32, 1000, 10**6)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(1.0, abs=1e-4)
    # One feature less and batches of one: h^2 E|z|^2 z z^T against 2 h, largest root of the map.
    assert theory.critical_rate_mean_square(0, 1) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("factor", "grows"), [(0.9, False), (1.1, True)])
def test_the_mean_square_of_the_error_grows_just_above_that_rate(
    factor: float, grows: bool
) -> None:
    # Small batches, where the limit lies far from that of the typical run; few steps, because
    # after many the mean square is made by runs too rare to be drawn.
    size, steps, runs = 4, 12, 20_000
    rate = factor * theory.critical_rate_mean_square(2, size)
    rng = np.random.default_rng(0)
    error = rng.standard_normal((runs, 3))
    squares = []
    for _ in range(steps):
        z = rng.standard_normal((runs, size, 3))
        z[..., -1] = 1
        residual = np.einsum("rbi,ri->rb", z, error)
        error = error - rate * 2 / size * np.einsum("rbi,rb->ri", z, residual)
        squares.append(np.mean(error**2))
    assert (squares[-1] > squares[3]) is np.bool_(grows)


def test_a_typical_run_survives_larger_rates() -> None:
    rate, error = theory.critical_rate_typical(2, 32)
    assert 0 < error < 0.005
    assert abs(rate - 0.987) < 5 * error + 0.001
    assert rate > theory.critical_rate_mean_square(2, 32)
