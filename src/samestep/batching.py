"""Minibatches: which rows each step of a fit sees."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.problem import Problem

__all__ = ["LastBatch", "epoch_batches"]

LastBatch: TypeAlias = Literal["keep", "drop", "reweight"]
"""What becomes of a last batch that is shorter than the others; see :class:`samestep.Plan`."""


def epoch_batches(
    problem: Problem, epochs: int, last_batch: LastBatch
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Batches of all epochs, shape (steps, batch), and the rows of each that are real."""
    n, size = problem.num_train, min(problem.batch_size, problem.num_train)
    per_epoch = n // size if last_batch == "drop" else problem.steps_per_epoch
    order = np.stack([problem.order(epoch) for epoch in range(epochs)])
    rows = np.minimum(size, n - size * np.arange(per_epoch)).astype(np.int32)
    padded = np.zeros((epochs, per_epoch * size), np.int32)
    padded[:, : min(n, per_epoch * size)] = order[:, : per_epoch * size]
    batches = padded.reshape(epochs, per_epoch, size)
    short = size - int(rows[-1])
    if short:
        batches[:, -1, size - short :] = batches[:, -1, :1]
    return batches.reshape(-1, size), np.tile(rows, epochs)
