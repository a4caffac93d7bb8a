"""Keras 3 on PyTorch and on JAX: ``Sequential``, ``compile`` and ``fit``."""

from __future__ import annotations

import os

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep.errors import UsageError
from samestep_experiments.peers.handed import of_one_run, run_data

__all__ = ["on_jax", "on_torch"]


def on_torch(workload: Workload) -> Fit:
    """Fit with Keras on PyTorch, which it leaves eager."""
    return sequential(workload, "torch")


def on_jax(workload: Workload) -> Fit:
    """Fit with Keras on JAX, whose steps it compiles."""
    return sequential(workload, "jax")


def sequential(workload: Workload, framework: str) -> Fit:
    """One layer, compiled once; ``fit`` is called for each epoch, with the rows in its order.

    A ``PyDataset`` that hands out the minibatches would be as quick, but Keras asks it for one
    more than it trains on.
    """
    os.environ["KERAS_BACKEND"] = framework  # read once, when Keras is imported
    import keras  # only now, for the line above

    if keras.backend.backend() != framework:
        raise UsageError(
            f"Keras works on {keras.backend.backend()} in this process, not on {framework}.",
            "Use each in a process of its own.",
        )
    model = keras.Sequential([keras.Input((workload.features,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(workload.learning_rate), loss="mse")
    run = run_data(workload)
    X, y = run.X, run.y[:, None]
    orders = run.orders(workload.epochs)

    def fit() -> Outcome:
        model.set_weights([run.w[:, None], run.b[None]])
        for order in orders:
            model.fit(X[order], y[order], batch_size=workload.batch_size, shuffle=False, verbose=0)
        weight, bias = model.get_weights()
        return of_one_run({"w": weight[:, 0], "b": bias[0]}, None)

    return fit
