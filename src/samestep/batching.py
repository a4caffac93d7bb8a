"""Minibatches: which rows each step of a fit sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.problem import Problem

__all__ = ["LastBatch", "epoch_batches"]

LastBatch: TypeAlias = Literal["keep", "drop", "reweight"]
"""What becomes of a last batch that is shorter than the others; see :class:`samestep.Plan`."""


def epoch_batches(
    problems: Sequence[Problem], epochs: int, last_batch: LastBatch
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Batches of all epochs of problems of one size, and the rows of each step that are real.

    Returns
    -------
    batches : array of shape (steps, problems, batch), int32
        Rows of each problem, counted from its own first.
    rows : array of shape (steps,), int32
    """
    first = problems[0]
    n, size = first.num_train, min(first.batch_size, first.num_train)
    per_epoch = n // size if last_batch == "drop" else first.steps_per_epoch
    order = np.array([[problem.order(k) for problem in problems] for k in range(epochs)])
    rows = np.minimum(size, n - size * np.arange(per_epoch)).astype(np.int32)
    padded = np.empty((epochs, len(problems), per_epoch * size), np.int32)
    padded[..., :n] = order[..., : per_epoch * size]
    batches = padded.reshape(epochs, len(problems), per_epoch, size)
    short = size - int(rows[-1])
    if short:
        batches[:, :, -1, size - short :] = batches[:, :, -1, :1]
    by_step = np.ascontiguousarray(batches.swapaxes(1, 2))
    return by_step.reshape(-1, len(problems), size), np.tile(rows, epochs)
