"""Numba: the loops over runs, steps and rows written out and compiled; as fast as it gets."""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload

__all__ = ["loop"]


@functools.cache
def compiled_fit(features: int, *, record: bool) -> Any:
    """Compile the fit of all runs, one after the other.

    The number of features and whether to record are constants of the compiled code, so that short
    loops are unrolled. ``fastmath`` allows sums in another order, which makes them vector code.
    """

    @numba.njit(fastmath=True)
    def fit(X, y, batches, rows, rate, w, b, out):
        runs, steps, width = batches.shape
        number = X.dtype.type
        predictions, losses, dws, dbs, ws, bs = out
        # Two passes go over a minibatch: the first one leaves its rows side by side.
        minibatch, error = np.empty((width, features), X.dtype), np.empty(width, X.dtype)
        dw = np.empty(features, X.dtype)
        for run in range(runs):
            for step in range(steps):
                count = rows[run, step]
                for i in range(count):
                    row = batches[run, step, i]
                    prediction = b[run]
                    for j in range(features):
                        minibatch[i, j] = X[row, j]
                        prediction += X[row, j] * w[run, j]
                    error[i] = prediction - y[row]
                    if record:
                        predictions[run, step, i] = prediction
                loss, db = number(0), number(0)
                dw[:] = 0
                for i in range(count):
                    loss += error[i] * error[i]
                    db += error[i]
                    for j in range(features):
                        dw[j] += error[i] * minibatch[i, j]
                scale = number(2) / number(count)
                db *= scale
                b[run] -= rate * db
                for j in range(features):
                    dw[j] *= scale
                    w[run, j] -= rate * dw[j]
                if record:
                    predictions[run, step, count:] = 0
                    losses[run, step] = loss / number(count)
                    dws[run, step], dbs[run, step] = dw, db
                    ws[run, step], bs[run, step] = w[run], b[run]

    return fit


def loop(workload: Workload) -> Fit:
    """Run after run, so that the data of each stays in the cache."""
    plan = workload.plan()
    record = workload.record == "every step"
    run_all = compiled_fit(plan.features, record=record)
    X, y = plan.data(workload.dtype)
    start = plan.initial(workload.dtype)
    batches, rows = (np.ascontiguousarray(a.swapaxes(0, 1)) for a in (plan.batches, plan.rows))
    rate = X.dtype.type(workload.learning_rate)
    runs, steps, width = batches.shape
    shapes = {"prediction": (width,), "loss": (), "gradient/w": (plan.features,), "gradient/b": ()}
    shapes |= {"params/w": (plan.features,), "params/b": ()}

    def empty(shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return np.empty((runs, steps, *shape) if record else (0, 0, *shape), X.dtype)

    def fit() -> Outcome:
        out = {key: empty(shape) for key, shape in shapes.items()}
        final = {name: values.copy() for name, values in start.items()}
        run_all(X, y, batches, rows, rate, final["w"], final["b"], tuple(out.values()))
        if not record:
            return Outcome(final)
        return Outcome(final, {key: values.swapaxes(0, 1) for key, values in out.items()})

    return fit
