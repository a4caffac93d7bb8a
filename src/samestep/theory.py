r"""What least squares and the theory of gradient descent predict for linear regression.

With ``z = (x, 1)`` and squared error without a factor 1/2, the curvature of the mean loss is
``H = 2/n sum z z^T``. All functions are NumPy, in float64.
"""

from __future__ import annotations

import math

import numpy as np

from samestep.loss import Float64
from samestep.problem import Problem

__all__ = [
    "contraction",
    "critical_rate",
    "critical_rate_mean_square",
    "critical_rate_typical",
    "curvature",
    "least_squares",
    "noise_floor",
]


def design_matrix(problem: Problem) -> Float64:
    """The examples with a column of ones for the intercept, shape (examples, features + 1)."""
    return np.column_stack([problem.X, np.ones(problem.num_train)])


def least_squares(problem: Problem) -> Float64:
    """Solution of least squares, shape (features + 1,): w1, w2, ..., b.

    With fewer examples than parameters it is the solution of least norm.
    """
    return np.asarray(np.linalg.lstsq(design_matrix(problem), problem.y, rcond=None)[0])


def curvature(problem: Problem) -> Float64:
    """Hessian of the mean squared error, ``2/n Z^T Z``, shape (features + 1, features + 1)."""
    Z = design_matrix(problem)
    return 2 / len(Z) * (Z.T @ Z)


def critical_rate(problem: Problem) -> float:
    """Learning rate above which full-batch descent on the mean squared error diverges: 2/lambda."""
    return 2 / float(np.linalg.eigvalsh(curvature(problem))[-1])


def contraction(problem: Problem, learning_rate: float, steps: int = 1) -> Float64:
    """Factors ``|1 - rate * lambda|^steps`` of the error along the eigenvectors of H, ascending."""
    factors = np.abs(1 - learning_rate * np.linalg.eigvalsh(curvature(problem)))
    with np.errstate(over="ignore"):  # beyond the critical rate the factors grow without limit
        return np.asarray(factors**steps)


def noise_floor(noise: float, num_train: int, learning_rate: float, batch_size: int) -> float:
    """Error per parameter at which constant-rate SGD settles: sigma sqrt(1/n + rate/B).

    Least squares' own error plus, to first order in the rate, the stationary spread of SGD with
    ``H = 2 I`` and gradient noise ``4 sigma^2 / B``.
    """
    return noise * math.sqrt(1 / num_train + learning_rate / batch_size)


def critical_rate_mean_square(features: int, batch_size: int) -> float:
    r"""Rate above which the mean square of the error of minibatch SGD grows, for normal examples.

    The covariance C of the error obeys ``C <- E[(I - h H_B) C (I - h H_B)]`` with
    ``H_B = 2/B sum z z^T`` over an independent batch. With ``M = E[z z^T] = I``,
    ``E[H_B C H_B] = 4 ((1 - 1/B) M C M + E[z z^T C z z^T] / B)``. The result is the rate at which
    the spectral radius of this linear map is 1.
    """
    from scipy import optimize  # not at the top: listing the exercises imports this module

    size = features + 1
    fourth = _fourth_moments(features)
    identity = np.eye(size)
    first = np.kron(identity, identity)
    outer = fourth.transpose(0, 3, 1, 2).reshape(size * size, size * size)

    def excess(rate: float) -> float:
        square = (1 - 1 / batch_size) * first + outer / batch_size
        map_ = first - 4 * rate * first + 4 * rate * rate * square
        return float(np.abs(np.linalg.eigvals(map_)).max()) - 1

    return float(optimize.brentq(excess, 1e-3, 1.0))


def _fourth_moments(features: int) -> Float64:
    """E[z_i z_j z_k z_l] for z = (x, 1) with standard normal x, by pairings."""
    size = features + 1
    pair = np.eye(size)
    moments: Float64 = (
        np.einsum("ij,kl->ijkl", pair, pair)
        + np.einsum("ik,jl->ijkl", pair, pair)
        + np.einsum("il,jk->ijkl", pair, pair)
    )
    moments[-1, -1, -1, -1] = 1.0  # the constant is not normal: its fourth moment is 1, not 3
    return moments


def critical_rate_typical(
    features: int, batch_size: int, *, steps: int = 400, chains: int = 256
) -> tuple[float, float]:
    """Rate above which the error of minibatch SGD grows almost surely, for normal examples.

    It is the zero of the Lyapunov exponent of the random products of ``I - h H_B``, estimated by
    simulation with common random numbers.

    Returns
    -------
    rate, standard_error : float
    """
    from scipy import optimize

    rng = np.random.default_rng(0)
    batches = np.empty((chains, steps, features + 1, features + 1), np.float32)
    for i in range(chains):
        z = rng.standard_normal((steps, batch_size, features + 1), dtype=np.float32)
        z[..., -1] = 1
        batches[i] = 2 / batch_size * (z.swapaxes(-1, -2) @ z)

    def exponents(rate: float) -> Float64:
        vector = np.ones((chains, features + 1, 1))
        growth = np.zeros(chains)
        for k in range(steps):
            vector = vector - rate * (batches[:, k] @ vector)
            norm = np.linalg.norm(vector, axis=1, keepdims=True)
            growth += np.log(norm[:, 0, 0])
            vector /= norm
        return growth / steps

    rate = float(optimize.brentq(lambda h: float(exponents(h).mean()), 0.5, 1.5, xtol=1e-4))
    step = 0.01
    slope = float((exponents(rate + step) - exponents(rate - step)).mean()) / (2 * step)
    spread = float(exponents(rate).std(ddof=1)) / math.sqrt(chains)
    return rate, spread / slope
