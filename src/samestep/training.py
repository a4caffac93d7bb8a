"""The one training loop. It runs on every backend, for one run or for many stacked ones."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.interface import Array, Backend, Params, SGDOptions
from samestep.loss import Loss, Objective, Reduction, get_loss
from samestep.plan import Plan
from samestep.trace import Trace

__all__ = ["train", "validation_loss"]


def train(backend: Backend, plan: Plan, *, every_step: bool = True) -> Trace:
    """Run a plan on a backend and record it.

    Parameters
    ----------
    backend : Backend
    plan : Plan
    every_step : bool
        Record prediction, loss, gradient, parameters and velocities of every step, which the
        cross-check needs; otherwise only the parameters at the end.

    Returns
    -------
    Trace
        NumPy arrays at the backend's working precision.
    """
    started = time.perf_counter()
    dtype = backend.numpy_dtype
    plan.require_representable(backend.dtype)
    stacked = plan.runs > 1
    ragged = not bool(plan.active.all())
    fit = _compiled_fit(
        backend,
        get_loss(plan.loss),
        plan.reduction,
        plan.options,
        stacked=stacked,
        ragged=ragged,
        every_step=every_step,
    )
    xs: dict[str, npt.NDArray[Any]] = {"mask": plan.masks(dtype)}
    if stacked:
        # Rows scattered over many problems are gathered once, by NumPy: inside the loop the gather
        # would take most of the time. A single run keeps its data on the device, in one copy.
        xs["X"], xs["y"] = _GATHERED.rows(plan, backend.dtype)
        X, y = xs["X"][:0, 0, 0], xs["y"][:0, 0, 0]
    else:
        X, y = plan.data(dtype)
        xs["batch"] = plan.batches
    if ragged:
        xs["active"] = plan.active
    start = plan.initial(dtype)
    # The rate is rounded to the working precision here, once, so that every backend and the
    # oracle use the same number.
    rates = plan.learning_rate.astype(dtype)
    rate: Any = backend.asarray(rates) if stacked else float(rates[0])
    if stacked:
        params = start
    else:
        xs = {name: values[:, 0] for name, values in xs.items()}
        params = {name: values[0] for name, values in start.items()}
    final, record = fit(
        rate,
        plan.delta,
        backend.asarray(X),
        backend.asarray(y),
        {name: backend.asarray(values) for name, values in params.items()},
        {name: backend.asarray(values) for name, values in xs.items()},
    )

    def fetch(array: Array, run_axis: int) -> npt.NDArray[Any]:
        values = backend.to_numpy(array)
        return values if stacked else np.expand_dims(values, run_axis)

    if not every_step:
        ends = {name: fetch(values, 0) for name, values in final.items()}
        return Trace(
            plan,
            backend.label,
            backend.dtype,
            {name: np.stack([start[name], end]) for name, end in ends.items()},
            seconds=time.perf_counter() - started,
        )
    recorded = {name: fetch(values, 1) for name, values in record.items()}

    def group(kind: str) -> dict[str, npt.NDArray[Any]]:
        return {
            name.removeprefix(kind): values
            for name, values in recorded.items()
            if name.startswith(kind)
        }

    return Trace(
        plan=plan,
        participant=backend.label,
        dtype=backend.dtype,
        params={
            name: np.concatenate([start[name][None], values])
            for name, values in group("params/").items()
        },
        state={
            name: np.concatenate([np.zeros_like(values[:1]), values])
            for name, values in group("state/").items()
        },
        prediction=recorded["prediction"],
        loss=recorded["loss"],
        gradient=group("gradient/"),
        seconds=time.perf_counter() - started,
    )


def validation_loss(backend: Backend, trace: Trace, run: int = 0) -> npt.NDArray[np.float64]:
    """Loss on the whole validation set before the first epoch and after each, on the backend.

    Returns
    -------
    array of shape (epochs + 1,)
        Always the *mean* over the validation examples, whatever the reduction of the plan, so
        that its size can be compared with other runs.

    Raises
    ------
    UsageError
        If the trace lacks its steps.
    """
    plan = trace.plan
    problem = plan.problems[plan.problem_of_run[run]]
    if problem.X_val is None or problem.y_val is None:
        return np.array([])
    if not trace.every_step:
        raise UsageError(
            f"The trace of {trace.participant} holds no steps.", "Train with every_step=True."
        )
    evaluate = _compiled_evaluation(backend, get_loss(plan.loss), plan.delta)
    dtype = backend.numpy_dtype
    X, y = (backend.asarray(values.astype(dtype)) for values in (problem.X_val, problem.y_val))
    mask = backend.asarray(np.ones(len(problem.y_val), dtype))
    losses = []
    for step in plan.epoch_ends(run):
        params = {name: backend.asarray(v[step, run]) for name, v in trace.params.items()}
        losses.append(float(backend.to_numpy(evaluate(params, X, y, mask))))
    return np.array(losses)


@functools.lru_cache(maxsize=256)
def _compiled_evaluation(backend: Backend, loss: Loss, delta: float) -> Callable[..., Array]:
    objective = Objective(backend.xp, loss, "mean", delta)
    return backend.compile(lambda params, X, y, mask: objective(params, X, y, mask)[0])


class _Gathered:
    """The rows of the last stack, in the order of its steps, for one precision each.

    The same stack is trained by several participants, and varied in its rate or loss.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, tuple[Plan, npt.NDArray[Any], npt.NDArray[Any]]] = {}

    def rows(self, plan: Plan, dtype: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """X of shape (steps, runs, batch, features) and y of shape (steps, runs, batch)."""
        with self._lock:
            last = self._last.get(dtype)
            if last and last[0].batches is plan.batches and last[0].problems is plan.problems:
                return last[1], last[2]
            X, y = (np.take(rows, plan.batches, axis=0) for rows in plan.data(dtype))
            self._last[dtype] = (plan, X, y)
            return X, y


_GATHERED = _Gathered()


# The cache keeps one function per combination, because a framework that compiles recognises a
# function by its identity: a new closure for each call would be compiled each time.
@functools.lru_cache(maxsize=256)
def _compiled_fit(
    backend: Backend,
    loss: Loss,
    reduction: Reduction,
    options: SGDOptions,
    *,
    stacked: bool,
    ragged: bool,
    every_step: bool,
) -> Callable[..., tuple[Params, Params]]:
    xp = backend.xp

    def keep_ended(active: Array, new: Params, old: Params) -> Params:
        """Freeze runs that have ended: momentum and decay would move them still."""
        kept = {}
        for name, value in new.items():
            flag = xp.reshape(active, active.shape + (1,) * (value.ndim - active.ndim))
            kept[name] = xp.where(flag, value, old[name])
        return kept

    # The rate and delta are arguments, so that plans which differ in them alone share one function.
    def fit(
        rate: Any, delta: Any, X: Array, y: Array, params: Params, xs: Params
    ) -> tuple[Params, Params]:
        objective = Objective(xp, loss, reduction, delta)
        value_and_grad = backend.value_and_grad(objective, runs=stacked, has_aux=True)
        sgd = backend.sgd(rate, options)

        def step(carry: tuple[Params, Params], x: Params) -> tuple[tuple[Params, Params], Params]:
            params, state = carry
            if stacked:
                batch = x["X"], x["y"]
            else:
                batch = xp.take(X, x["batch"], axis=0), xp.take(y, x["batch"], axis=0)
            (loss_value, prediction), grads = value_and_grad(params, *batch, x["mask"])
            new_params, new_state = sgd.step(params, grads, state)
            if ragged:
                new_params = keep_ended(x["active"], new_params, params)
                new_state = keep_ended(x["active"], new_state, state)
            record: Params = {}
            if every_step:
                record = {"prediction": prediction, "loss": loss_value}
                for kind, values in (
                    ("gradient", grads),
                    ("params", new_params),
                    ("state", new_state),
                ):
                    record.update({f"{kind}/{name}": value for name, value in values.items()})
            return (new_params, new_state), record

        (final, _), record = backend.scan(step, (params, sgd.init(params)), xs)
        return final, record

    return backend.compile(fit)
