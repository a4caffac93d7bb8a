"""The problem, the published settings, and runs of several rates on the same seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.loss import Float64
from samestep.problem import SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.learning_rate_epochs.predictions import epochs_to_floor

__all__ = ["PUBLISHED_EPOCHS", "PUBLISHED_RATES", "SPEC", "Runs", "distances"]

SPEC = SyntheticRegression(num_val=0)

PUBLISHED_RATES = SMALL, MIDDLE, LARGE, DIVERGENT = (0.003, 0.03, 0.3, 3.0)
PUBLISHED_EPOCHS = 3


def distances(trace: Trace) -> Float64:
    """Error of every run at every step, shape (steps + 1, runs).

    The root mean square over the parameters; by ``hypot``, because squares of divergent runs
    overflow.
    """
    # Once for all steps: error() collects the truth of every problem anew.
    truth = trace.parameters(0) - trace.error(0)
    errors = np.stack([trace.parameters(k) for k in range(trace.plan.steps + 1)]) - truth
    with np.errstate(over="ignore"):
        return np.asarray(np.hypot.reduce(errors, axis=2) / errors.shape[2] ** 0.5)


@dataclass(frozen=True)
class Runs:
    """Runs of one participant with several rates on the same seeds, all of the same length.

    Parameters
    ----------
    trace : Trace
    errors : array of shape (steps + 1, runs)
        As by :func:`distances`.
    """

    trace: Trace
    errors: Float64

    def index(self, rate: float) -> npt.NDArray[np.intp]:
        """Which runs have a rate, in the order of the seeds."""
        return np.flatnonzero(self.trace.plan.learning_rate == rate)

    def at(self, rate: float) -> Float64:
        """Errors of the runs with a rate, shape (steps + 1, seeds)."""
        return self.errors[:, self.index(rate)]

    def at_epoch_ends(self, rate: float) -> Float64:
        """Errors of the runs with a rate after 0, 1, ... epochs, shape (epochs + 1, seeds)."""
        return self.at(rate)[self.trace.plan.epoch_ends()]

    @property
    def epochs(self) -> int:
        """Number of epochs of each run."""
        return int(self.trace.plan.epochs[0])

    def settling_epochs(self, rate: float, *, times: float = 1.0) -> float:
        """Epochs until the contraction predicted on the first seed is at so many floors."""
        return epochs_to_floor(SPEC, self.trace.plan.problems[0], rate, times=times)
