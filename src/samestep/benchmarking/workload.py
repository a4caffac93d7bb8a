"""What is done, by whoever does it: a workload is plain data."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.sampling import drawn

__all__ = ["Workload"]


@dataclass(frozen=True)
class Workload:
    """Fits of the book's linear regression by minibatch SGD; the loss is a mean over the batch.

    Parameters
    ----------
    name : str
    n, features : int
        Size of the data of each run.
    batch_size, epochs : int
        A last batch that is shorter than the others is kept.
    runs : int
        Independent fits, of seeds 0 to ``runs - 1``, each with data of its own.
    dtype : {"float32", "float64"}
    record : {"every step", "final"}
        What the answer holds: prediction, loss, gradient and parameters of every step, or the
        parameters after the last one.
    loss : str
        A registered loss, by name.
    learning_rate : float
    """

    name: str
    n: int = 1000
    features: int = 2
    batch_size: int = 32
    epochs: int = 3
    runs: int = 1
    dtype: str = "float32"
    record: Literal["every step", "final"] = "every step"
    loss: str = "squared_error"
    learning_rate: float = 0.03

    def plan(self) -> Plan:
        """Return the plan, which a process draws once; without validation data."""
        return _plan(
            self.n,
            self.features,
            self.batch_size,
            self.epochs,
            self.runs,
            self.loss,
            self.learning_rate,
        )

    @property
    def bytes_read(self) -> int:
        """Bytes of the rows, X and y, that all runs read in all epochs."""
        rows = self.n * self.epochs * self.runs
        return rows * (self.features + 1) * np.dtype(self.dtype).itemsize

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


# Without name, dtype and record: what differs in these alone shares one plan.
@functools.lru_cache(maxsize=4)
def _plan(
    n: int,
    features: int,
    batch_size: int,
    epochs: int,
    runs: int,
    loss: str,
    learning_rate: float,
) -> Plan:
    specification = _specification(n, features, batch_size)
    problems = (drawn(specification, seed) for seed in range(runs))
    return Plan.of(*problems, loss=loss, learning_rate=learning_rate, epochs=epochs)


def _specification(n: int, features: int, batch_size: int) -> SyntheticRegression:
    w = SyntheticRegression.w
    if features != len(w):  # the book has two
        w = tuple(np.random.default_rng(features).standard_normal(features))
    return SyntheticRegression(w=w, num_train=n, num_val=0, batch_size=batch_size)
