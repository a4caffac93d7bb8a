"""What theory predicts for the error of SGD: how it contracts, and where it settles.

"Error" is the root mean square over the parameters (weights and intercept) of one run.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from samestep import theory
from samestep.loss import Float64
from samestep.problem import Problem, SyntheticRegression

__all__ = ["descent_error", "epochs_to_floor", "floor_at_epoch_ends"]


def descent_error(problem: Problem, learning_rate: float, steps: npt.ArrayLike) -> Float64:
    """Error of full-batch descent, measured from least squares, after numbers of steps.

    Along each eigenvector of the curvature H the error contracts by ``|1 - rate * lambda|`` a
    step. SGD follows this on average until it meets its floor.

    Parameters
    ----------
    steps : array_like of shape (k,)

    Returns
    -------
    array of shape (k,)
    """
    curvatures, start = _modes(problem)
    with np.errstate(over="ignore"):
        factors = np.abs(1 - learning_rate * curvatures) ** np.asarray(steps, np.float64)[:, None]
        return np.asarray(np.hypot.reduce(factors * start, axis=1) / len(start) ** 0.5)


@functools.lru_cache(maxsize=256)
def _modes(problem: Problem) -> tuple[Float64, Float64]:
    """Eigenvalues of the curvature, and the components of the error at the start along them."""
    curvatures, directions = np.linalg.eigh(theory.curvature(problem))
    start = np.append(problem.w, problem.b) - theory.least_squares(problem)
    return curvatures, directions.T @ start


def floor_at_epoch_ends(spec: SyntheticRegression, learning_rate: float) -> float:
    r"""Error, in root mean square, at which SGD settles at the ends of epochs; inf if it does not.

    ``theory.noise_floor`` is of first order in the rate h, for equal batches drawn with
    replacement. Here the minibatches of an epoch are what they are: the last one may be short, and
    each example comes once. With standard normal features the curvature is 2 on average, and
    averaged over the ``d + 1`` parameters a step on ``m`` rows takes the mean square error c to

        ``c (1 - 4 h + 4 h^2 (1 + d (d + 3) / ((d + 1) m))) + 4 h^2 sigma^2 / m``.

    An epoch of K steps applies the K maps one after another. Because it draws without replacement,
    the noise around the least-squares solution sums to zero over the n examples, which takes
    ``sigma^2 (1 - (1 - 2 h)^K)^2 / n`` off. Least squares' own ``sigma^2 / n`` is added at the end.
    """
    n, d, h = spec.num_train, len(spec.w), learning_rate
    starts = np.arange(0, n, spec.batch_size)
    rows = np.minimum(spec.batch_size, n - starts)
    factors = 1 - 4 * h + 4 * h * h * (1 + d * (d + 3) / ((d + 1) * rows))
    kept = float(np.prod(factors))
    if kept >= 1:
        return math.inf
    later = np.append(np.cumprod(factors[:0:-1])[::-1], 1.0)  # what the steps after k make of it
    added = float((later * 4 * h * h / rows).sum()) - (1 - (1 - 2 * h) ** len(rows)) ** 2 / n
    return spec.noise * math.sqrt(1 / n + added / (1 - kept))


def epochs_to_floor(
    spec: SyntheticRegression, problem: Problem, learning_rate: float, *, times: float = 1.0
) -> float:
    """Epochs after which the contraction comes to so many times the floor; inf if it never does."""
    from scipy import optimize  # not at the top: listing the exercises imports this module

    target = times * floor_at_epoch_ends(spec, learning_rate)
    slowest = float(np.abs(1 - learning_rate * _modes(problem)[0]).max())
    start = float(descent_error(problem, learning_rate, [0])[0])
    if slowest >= 1 or math.isinf(target):
        return math.inf
    if start <= target:
        return 0.0
    steps = optimize.brentq(
        lambda k: float(descent_error(problem, learning_rate, [k])[0]) - target,
        0,
        1 + math.log(start / target) / -math.log(slowest),
    )
    return float(steps) / problem.steps_per_epoch
