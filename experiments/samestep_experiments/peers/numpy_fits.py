"""NumPy: the closed form of the gradient, all runs at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep_experiments.peers.handed import (
    in_columns,
    in_one,
    of_one_run,
    run_data,
    stack_data,
)

__all__ = ["loop"]


def loop(workload: Workload) -> Fit:
    """The gradient of the mean squared error written out, a step at a time."""
    return one_run(workload) if workload.runs == 1 else many_runs(workload)


def one_run(workload: Workload) -> Fit:
    """Products of matrices and vectors; the rows of a minibatch are taken in its step."""
    X, y, w0, b0, minibatches = run_data(workload)
    rate = X.dtype.type(workload.learning_rate)

    def fit() -> Outcome:
        w, b = w0, b0
        steps = []
        for rows in minibatches:
            minibatch = X[rows]
            prediction = minibatch @ w + b
            error = prediction - y[rows]
            scale = X.dtype.type(2 / len(rows))
            dw, db = scale * (error @ minibatch), scale * error.sum()
            w, b = w - rate * dw, b - rate * db
            if workload.record == "every step":
                loss = error @ error / len(rows)
                steps.append(recorded(prediction, loss, dw, db, w, b))
        return of_one_run({"w": w, "b": b}, in_one(steps))

    return fit


def many_runs(workload: Workload) -> Fit:
    """``einsum`` over columns: of a few features it outruns a product of matrices per run."""
    minibatches, w0, b0 = stack_data(workload)
    ready = [(in_columns(X), y) for X, y in minibatches]
    rate = w0.dtype.type(workload.learning_rate)

    def fit() -> Outcome:
        w, b = w0, b0
        steps = []
        for columns, y in ready:
            prediction = np.einsum("rf,rfi->ri", w, columns) + b[:, None]
            error = prediction - y
            scale = w0.dtype.type(2 / y.shape[1])
            dw, db = scale * np.einsum("rfi,ri->rf", columns, error), scale * error.sum(1)
            w, b = w - rate * dw, b - rate * db
            if workload.record == "every step":
                loss = np.einsum("ri,ri->r", error, error) / w0.dtype.type(y.shape[1])
                steps.append(recorded(prediction, loss, dw, db, w, b))
        return Outcome({"w": w, "b": b}, in_one(steps))

    return fit


def recorded(prediction: Any, loss: Any, dw: Any, db: Any, w: Any, b: Any) -> dict[str, Any]:
    """Name what a step has to tell."""
    record = {"prediction": prediction, "loss": loss}
    return record | {"gradient/w": dw, "gradient/b": db, "params/w": w, "params/b": b}
