"""What every peer is handed, and what it hands back: NumPy arrays, in the order of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samestep.benchmarking.peer import Outcome
from samestep.benchmarking.workload import Workload

__all__ = ["RunData", "StackData", "in_columns", "in_one", "of_one_run", "run_data", "stack_data"]

Record = dict[str, npt.NDArray[Any]]


class RunData(NamedTuple):
    """One run: its data, its initial values, and which rows each step takes.

    Parameters
    ----------
    X, y : arrays of shape (n, features) and (n,)
    w, b : arrays of shape (features,) and ()
    minibatches : list of int arrays of shape (rows,)
        The last one of an epoch may be shorter than the others.
    """

    X: npt.NDArray[Any]
    y: npt.NDArray[Any]
    w: npt.NDArray[Any]
    b: npt.NDArray[Any]
    minibatches: list[npt.NDArray[np.int32]]

    def orders(self, epochs: int) -> list[npt.NDArray[np.int32]]:
        """All rows in the order of each epoch."""
        return np.split(np.concatenate(self.minibatches), epochs)


class StackData(NamedTuple):
    """Stacked runs, whose rows lie gathered in the order of the steps.

    Parameters
    ----------
    minibatches : list of pairs of arrays
        ``X`` of shape (runs, rows, features) and ``y`` of shape (runs, rows), for each step.
    w, b : arrays of shape (runs, features) and (runs,)
    """

    minibatches: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    w: npt.NDArray[Any]
    b: npt.NDArray[Any]


def run_data(workload: Workload) -> RunData:
    """The one run of a workload, at its dtype."""
    plan = workload.plan()
    start = plan.initial(workload.dtype)
    minibatches = [
        batch[:rows] for batch, rows in zip(plan.batches[:, 0], plan.rows[:, 0], strict=True)
    ]
    return RunData(*plan.data(workload.dtype), start["w"][0], start["b"][0], minibatches)


def stack_data(workload: Workload) -> StackData:
    """All runs of a workload together, at its dtype; they have equally many rows in each step."""
    plan = workload.plan()
    X, y = plan.data(workload.dtype)
    start = plan.initial(workload.dtype)
    batches = [batch[:, :rows] for batch, rows in zip(plan.batches, plan.rows[:, 0], strict=True)]
    return StackData([(X[batch], y[batch]) for batch in batches], start["w"], start["b"])


def in_columns(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn (..., rows, features) into (..., features, rows), each feature in one piece of memory.

    With a few features and many runs, products and sums over rows are then several times faster.
    """
    return np.ascontiguousarray(X.swapaxes(-1, -2))


def in_one(steps: Sequence[Record]) -> Record | None:
    """Stack what was recorded step by step; the predictions of short minibatches are padded."""
    if not steps:
        return None
    widest = steps[0]["prediction"].shape[-1]
    record = {key: np.stack([s[key] for s in steps]) for key in steps[0] if key != "prediction"}
    record["prediction"] = np.zeros((*record["loss"].shape, widest), record["loss"].dtype)
    for k, step in enumerate(steps):
        record["prediction"][k, ..., : step["prediction"].shape[-1]] = step["prediction"]
    return record


def of_one_run(final: Record, record: Record | None) -> Outcome:
    """Give arrays of one run the axis of runs."""
    with_runs = record and {key: values[:, None] for key, values in record.items()}
    return Outcome({name: values[None] for name, values in final.items()}, with_runs)
