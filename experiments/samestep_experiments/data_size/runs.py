r"""The runs of the exercise on data size: which there are, how they are stacked, what is measured.

The law of least squares. With ``z = (x, 1)`` and standard normal ``x`` of two features, least
squares is off by ``(Z^T Z)^-1 Z^T noise``, whose covariance given the examples is
``sigma^2 (Z^T Z)^-1``. Centred, ``X^T X`` is a Wishart matrix with ``n - 1`` degrees of freedom,
whose inverse has the mean ``I / (n - 4)``. So the mean square of the error is
``sigma^2 / (n - 4)`` for each slope, ``sigma^2 (1 + 2 / (n - 4)) / n`` for the intercept, and for
the vector of the three

    E |error|^2 = sigma^2 (3 - 2/n) / (n - 4),

which is ``3 sigma^2 / n`` for many examples. The mean exists for ``n > 4``, its variance only for
``n > 6``: at ``n = 5`` no average of squares settles, but a quantile does, because a slope's error
is exactly ``sigma / sqrt(n - 2)`` times Student's t with ``n - 2`` degrees of freedom.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from samestep import theory
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.measuring import measure_runs, path
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep.trace import Trace

PUBLISHED_SIZES = tuple(5 * 2**k for k in range(12))
BOOK_SIZES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SIZES = tuple(sorted({*PUBLISHED_SIZES, *BOOK_SIZES}))
FULL_BATCH_SIZES = PUBLISHED_SIZES[::2]
"""A factor of 4 apart: a step on all examples is dear, and the law is smooth."""

EPOCHS = 3
BASELINE = SyntheticRegression(b=4.0, num_val=0)
TRUTH = np.array([*BASELINE.w, BASELINE.b])

FEW_EXAMPLES = 1000
"""Runs on more examples are longer, and a stack is padded to its longest run."""

SLOPES_FROM = 80
"""Slopes are fitted from here: below, 1/(n - 4) is visibly steeper than 1/n."""

Method: TypeAlias = Literal["fixed epochs", "fixed updates", "full batch", "least squares"]
READ: tuple[Method, ...] = ("fixed epochs", "fixed updates", "full batch")
"""Methods whose answers are read off the path of a run."""

Errors: TypeAlias = dict[int, Float64]
"""Signed errors of w1, w2 and b by number of examples: arrays (seeds, 3), float64."""
Found: TypeAlias = Mapping[str, Mapping[Method, Errors]]
"""Errors by participant, method and number of examples."""


class Run(NamedTuple):
    """One run, and the methods whose answers lie on its path."""

    plan: Plan
    methods: tuple[Method, ...]

    @property
    def size(self) -> int:
        """Number of training examples."""
        return self.plan.problems[0].num_train


def seeds_of(size: int, count: int) -> range:
    """Return seeds for one number of examples.

    Each size has a thousand of its own: with equal seeds the examples of a smaller size would be
    the first of a larger one.
    """
    return range(1000 * size, 1000 * size + count)


def draw(lab: Lab, size: int, count: int) -> list[Problem]:
    """Draw independent problems of one size."""
    return lab.draw(replace(BASELINE, num_train=size), seeds_of(size, count))


def minibatch_runs(
    problems: Mapping[int, Sequence[Problem]], rate: float, updates: int
) -> list[Run]:
    """Plan SGD for as long as the longer of ``EPOCHS`` epochs and ``updates`` updates.

    Both are read off one path: the shorter is where the longer has been on its way.
    """
    return [
        Run(
            Plan.of(
                problem,
                learning_rate=rate,
                epochs=max(EPOCHS, math.ceil(updates / problem.steps_per_epoch)),
            ),
            ("fixed epochs", "fixed updates"),
        )
        for drawn in problems.values()
        for problem in drawn
    ]


def full_batch_runs(problems: Mapping[int, Sequence[Problem]]) -> list[Run]:
    """Plan full-batch descent, each run at its best rate and for as long as it needs.

    The rate 2/(lambda_min + lambda_max) contracts the error by (k - 1)/(k + 1) a step, with the
    condition number k. The run ends where what is left of the start is at most a twentieth of
    least squares' own error.
    """
    runs = []
    for size, drawn in problems.items():
        for problem in drawn:
            smallest, *_, largest = np.linalg.eigvalsh(theory.curvature(problem))
            factor = (largest - smallest) / (largest + smallest)
            left = 0.05 * rms_law(size) / start_distance(problem)
            steps = math.ceil(math.log(left) / math.log(factor))
            plan = Plan.of(
                replace(problem, batch_size=size),
                learning_rate=2 / (smallest + largest),
                epochs=steps,
            )
            runs.append(Run(plan, ("full batch",)))
    return runs


def answers(trace: Trace, updates: int) -> Float64:
    """Parameters of each run when each method of ``READ`` stops, shape (runs, methods, 3)."""
    ends = [
        (EPOCHS * trace.plan.problems[problem].steps_per_epoch, updates, trace.plan.steps)
        for problem in trace.plan.problem_of_run
    ]
    # Where a method is not meant the run may be shorter.
    steps = np.minimum(ends, trace.plan.steps)
    return path(trace)[np.arange(len(steps))[:, None], steps].astype(np.float64)


def train(lab: Lab, runs: Sequence[Run], updates: int) -> dict[str, dict[Method, Errors]]:
    """Train all runs, in three kinds of similar width and length, and read the answers off.

    Returns
    -------
    dict of str to dict of Method to Errors
        By participant. One that failed on the way is left out.
    """
    measure = functools.partial(answers, updates=updates)
    stacks: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.plan.batches.shape[2] > BASELINE.batch_size:
            stacks["full batches"].append(run)
        else:
            stacks["few examples" if run.size <= FEW_EXAMPLES else "many examples"].append(run)
    read: dict[str, dict[Method, dict[int, list[Float64]]]] = {}
    for name, members in stacks.items():
        plans = [run.plan for run in members]
        found = measure_runs(lab, plans, measure, name=f"{name}, {len(members)} runs", check=8)
        for label, values in found.items():
            by_method = read.setdefault(label, defaultdict(lambda: defaultdict(list)))
            for run, errors in zip(members, values - TRUTH, strict=True):
                for method in run.methods:
                    by_method[method][run.size].append(errors[READ.index(method)])
    return {
        label: {
            method: {size: np.stack(errors) for size, errors in sorted(by_size.items())}
            for method, by_size in by_method.items()
        }
        for label, by_method in read.items()
        if label not in lab.failures
    }


def least_squares_errors(problems: Mapping[int, Sequence[Problem]]) -> Errors:
    """Errors of the solutions of least squares, by NumPy."""
    return {
        size: np.stack([theory.least_squares(problem) for problem in drawn]) - TRUTH
        for size, drawn in problems.items()
    }


def norm(errors: Float64) -> Float64:
    """Euclidean length of the error of the three parameters, shape (seeds,)."""
    return np.asarray(np.linalg.norm(errors, axis=-1))


def rms_law(size: int) -> float:
    """Root mean square of the length of least squares' error: sigma sqrt((3 - 2/n) / (n - 4))."""
    return BASELINE.noise * math.sqrt((3 - 2 / size) / (size - 4))


def slope_error_law(size: int) -> float:
    """Median of the absolute error of one slope by least squares."""
    from scipy import special  # not at the top: listing the exercises imports this module

    return BASELINE.noise / math.sqrt(size - 2) * float(special.stdtrit(size - 2, 0.75))


def start_distance(problem: Problem) -> float:
    """Distance of the initial values from the true parameters."""
    return float(np.linalg.norm(np.append(problem.w, problem.b) - TRUTH))


def has_converged(drawn: Sequence[Problem], rate: float, updates: int) -> bool:
    """Whether in the typical run a tenth of least squares' error is left of the start, or less."""
    left = [
        theory.contraction(problem, rate, updates).max() * start_distance(problem)
        for problem in drawn
    ]
    return bool(np.median(left) < 0.1 * rms_law(drawn[0].num_train))


def slopes_by_seed(errors: Errors, smallest: int = SLOPES_FROM) -> Float64:
    """Least-squares slope of log |error| on log n, for each seed, shape (seeds,)."""
    sizes = [size for size in errors if size >= smallest]
    x = np.log(sizes)
    x -= x.mean()
    logs = np.log(np.stack([norm(errors[size]) for size in sizes]))
    return np.asarray(x @ logs / (x @ x))
