"""JAX and optax: a compiled step in a Python loop, and the whole fit as one compiled scan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from jax import Array

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep_experiments.peers.handed import in_columns, in_one, of_one_run, run_data, stack_data

__all__ = ["jit_step", "scan"]

Params = dict[str, Array]
Step = Callable[..., tuple[Any, Any]]


def squared_error(params: Params, X: Array, y: Array, mask: Any) -> tuple[Array, Array]:
    """Mean squared error of a minibatch, and the predictions; ``mask`` is False for padding."""
    prediction = X @ params["w"] + params["b"]
    return ((prediction - y) ** 2).mean(where=mask), prediction


def step_of(workload: Workload, optimizer: optax.GradientTransformation) -> Step:
    """Make the step of one run: ``((params, state), X, y, mask) -> ((params, state), record)``."""

    def step(carry: Any, X: Array, y: Array, mask: Any = None) -> tuple[Any, Any]:
        params, state = carry
        (loss, prediction), grads = jax.value_and_grad(squared_error, has_aux=True)(
            params, X, y, mask
        )
        updates, state = optimizer.update(grads, state)
        params = optax.apply_updates(params, updates)
        if workload.record == "final":
            return (params, state), None
        record = {"prediction": prediction, "loss": loss}
        record |= {f"gradient/{name}": value for name, value in grads.items()}
        record |= {f"params/{name}": value for name, value in params.items()}
        return (params, state), record

    return step


def scan(workload: Workload) -> Fit:
    """One jitted ``lax.scan``: over rows of the data for one run, mapped by ``vmap`` for a stack.

    In a stack each feature of a minibatch lies in one piece of memory: that doubles the speed of
    XLA's batched products.
    """
    plan = workload.plan()
    optimizer = optax.sgd(workload.learning_rate)
    step = step_of(workload, optimizer)

    def scanned(params: Params, body: Step, xs: Any) -> tuple[Params, Any]:
        (params, _), record = jax.lax.scan(body, (params, optimizer.init(params)), xs)
        return params, record

    @jax.jit
    def one_run(params: Params, X: Array, y: Array, rows: Array, mask: Array) -> Any:
        return scanned(params, lambda carry, x: step(carry, X[x[0]], y[x[0]], x[1]), (rows, mask))

    @jax.jit
    def many_runs(params: Params, columns: Array, y: Array, mask: Array) -> Any:
        def one(params: Params, columns: Array, y: Array) -> Any:
            return scanned(
                params, lambda carry, x: step(carry, x[0].T, x[1], x[2]), (columns, y, mask)
            )

        return jax.vmap(one, in_axes=(0, 1, 1), out_axes=(0, 1))(params, columns, y)

    X, y = plan.data(workload.dtype)
    start, mask = plan.initial(workload.dtype), plan.masks(bool)[:, 0]
    compiled: Callable[..., Any]
    arguments: tuple[Any, ...]
    if plan.runs == 1:
        compiled = one_run
        arguments = ({name: p[0] for name, p in start.items()}, X, y, plan.batches[:, 0], mask)
    else:
        compiled = many_runs
        arguments = (start, in_columns(X[plan.batches]), y[plan.batches], mask)
    precision = functools.partial(jax.enable_x64, workload.dtype == "float64")
    with precision():
        ready = jax.device_put(arguments)

    def fit() -> Outcome:
        with precision():
            done = jax.tree.map(np.asarray, compiled(*ready))
        return of_one_run(*done) if plan.runs == 1 else Outcome(*done)

    return fit


def jit_step(workload: Workload) -> Fit:
    """A jitted step, called from a Python loop; a stack's step is mapped by ``vmap``.

    The short minibatch of an epoch has a shape of its own, so there are two compilations.
    """
    optimizer = optax.sgd(workload.learning_rate)
    step = step_of(workload, optimizer)
    precision = functools.partial(jax.enable_x64, workload.dtype == "float64")
    with precision():
        if workload.runs == 1:
            X, y, w, b, batches = run_data(workload)
            data = jax.device_put((X, y))
            ready = [(*data, rows) for rows in jax.device_put(batches)]
            one_step = jax.jit(lambda carry, X, y, rows: step(carry, X[rows], y[rows]))
        else:
            minibatches, w, b = stack_data(workload)
            ready = jax.device_put([(in_columns(X), y) for X, y in minibatches])
            one_step = jax.jit(jax.vmap(lambda carry, columns, y: step(carry, columns.T, y)))
        start = jax.device_put({"w": w, "b": b})

    def fit() -> Outcome:
        steps = []
        with precision():
            carry = start, optimizer.init(start)
            for minibatch in ready:
                carry, record = one_step(carry, *minibatch)
                if record:
                    steps.append(record)
        # Of hundreds of small arrays this is several times quicker than jax.device_get.
        final, steps = jax.tree.map(np.asarray, (carry[0], steps))
        done = final, in_one(steps)
        return of_one_run(*done) if workload.runs == 1 else Outcome(*done)

    return fit
