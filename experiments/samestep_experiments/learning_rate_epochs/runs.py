"""The problem, the published settings, and runs of several rates on the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.loss import Float64
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep_experiments.learning_rate_epochs.predictions import epochs_to_floor

__all__ = ["PUBLISHED_EPOCHS", "PUBLISHED_RATES", "SPEC", "Runs", "distances"]

SPEC = SyntheticRegression(num_val=0)

PUBLISHED_RATES = SMALL, MIDDLE, LARGE, DIVERGENT = (0.003, 0.03, 0.3, 3.0)
PUBLISHED_EPOCHS = 3


def distances(path: npt.NDArray[Any], problems: Sequence[Problem]) -> Float64:
    """Error of every run at every step, shape (steps + 1, runs).

    The root mean square over the parameters; by ``hypot``, because squares of divergent runs
    overflow.

    Parameters
    ----------
    path : array of shape (runs, steps + 1, parameters)
    problems : sequence of Problem
        Of each run.
    """
    truth = np.array([problem.truth for problem in problems])
    errors = path.astype(np.float64).swapaxes(0, 1) - truth
    with np.errstate(over="ignore"):
        return np.asarray(np.hypot.reduce(errors, axis=2) / errors.shape[2] ** 0.5)


@dataclass(frozen=True)
class Runs:
    """Runs of one participant with several rates on the same seeds, all of the same length.

    Parameters
    ----------
    plans : sequence of Plan
        Of one run each.
    dtype : str
        Working precision.
    path : array of shape (runs, steps + 1, parameters)
    errors : array of shape (steps + 1, runs)
        As by :func:`distances`.
    """

    plans: Sequence[Plan]
    dtype: str
    path: npt.NDArray[Any]
    errors: Float64

    @classmethod
    def of(cls, plans: Sequence[Plan], dtype: str, path: npt.NDArray[Any]) -> Runs:
        """Measure the errors of some paths."""
        return cls(plans, dtype, path, distances(path, [plan.problems[0] for plan in plans]))

    def index(self, rate: float) -> npt.NDArray[np.intp]:
        """Which runs have a rate, in the order of the seeds."""
        return np.flatnonzero([plan.learning_rate[0] == rate for plan in self.plans])

    def problems(self, rate: float) -> list[Problem]:
        """Problems of the runs with a rate, in the order of the seeds."""
        return [self.plans[run].problems[0] for run in self.index(rate)]

    def at(self, rate: float) -> Float64:
        """Errors of the runs with a rate, shape (steps + 1, seeds)."""
        return self.errors[:, self.index(rate)]

    def at_epoch_ends(self, rate: float) -> Float64:
        """Errors of the runs with a rate after 0, 1, ... epochs, shape (epochs + 1, seeds)."""
        return self.at(rate)[self.epoch_ends]

    @property
    def epoch_ends(self) -> npt.NDArray[np.intp]:
        """Numbers of updates after 0, 1, ... epochs."""
        return self.plans[0].epoch_ends()

    @property
    def steps(self) -> int:
        """Number of updates of each run."""
        return self.plans[0].steps

    @property
    def epochs(self) -> int:
        """Number of epochs of each run."""
        return int(self.plans[0].epochs[0])

    def settling_epochs(self, rate: float, *, times: float = 1.0) -> float:
        """Epochs until the contraction predicted on the first seed is at so many floors."""
        return epochs_to_floor(SPEC, self.plans[0].problems[0], rate, times=times)
