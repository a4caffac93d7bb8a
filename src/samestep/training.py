"""The one training loop. It runs on every backend, for one run or for many stacked ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samestep.descent import Descent, Step
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
        NumPy arrays at the backend's working precision; they may be read-only.
    """
    started = time.perf_counter()
    plan.require_representable(backend.dtype)
    stacked = plan.runs > 1
    ready = _ready(backend, plan)
    ragged = "active" in ready.batches
    loss, reduction, options = get_loss(plan.loss), plan.reduction, plan.options
    descent = _compiled_descent(backend, (loss, reduction, options, stacked, ragged, every_step))
    # The rate is rounded to the working precision here, once, so that every backend and the
    # oracle use the same number.
    rate: Any
    if stacked:
        rate = backend.asarray(plan.learning_rate.astype(backend.numpy_dtype))
    else:
        rate = float(backend.numpy_dtype.type(plan.learning_rate[0]))
    final, record = descent(rate, plan.delta, ready.data, ready.initial, ready.batches)

    def fetch(array: Array) -> npt.NDArray[Any]:
        values = backend.to_numpy(array)
        if stacked:
            return values
        return values[:, None] if every_step else values[None]  # the axis of runs

    found = {name: fetch(values) for name, values in (record if every_step else final).items()}
    seconds = time.perf_counter() - started
    if every_step:
        return Trace.of_record(plan, backend.label, backend.dtype, found, seconds)
    before = plan.initial(backend.dtype)
    ends = {name: np.concatenate([before[name][None], end[None]]) for name, end in found.items()}
    return Trace(plan, backend.label, backend.dtype, ends, seconds=seconds)


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


def _compiled_descent(
    backend: Backend, settings: tuple[Loss, Reduction, SGDOptions, bool, bool, bool]
) -> Callable[..., tuple[Params, Params]]:
    if settings not in backend.kept:
        backend.kept[settings] = backend.compile(Descent(Step(backend, *settings)))
    compiled: Callable[..., tuple[Params, Params]] = backend.kept[settings]
    return compiled


def _compiled_evaluation(backend: Backend, loss: Loss, delta: float) -> Callable[..., Array]:
    settings = (loss, delta)
    if settings not in backend.kept:
        objective = Objective(backend.xp, loss, "mean", delta)
        backend.kept[settings] = backend.compile(lambda *args: objective(*args)[0])
    compiled: Callable[..., Array] = backend.kept[settings]
    return compiled


class _Arrays(NamedTuple):
    """What a fit works on, on the device: the plan's data, and its minibatches step by step."""

    data: Params
    initial: Params
    batches: Params


def _ready(backend: Backend, plan: Plan) -> _Arrays:
    """Put what a plan works on on the device.

    The same data are trained with other rates, losses and options: they stay there until another
    plan comes, or the backend goes.
    """
    last: tuple[Plan, _Arrays] | None = backend.kept.get(_Arrays)
    if not (last and _same_rows(last[0], plan)):
        del last
        backend.kept.pop(_Arrays, None)  # there may be no room for both
        last = backend.kept[_Arrays] = (plan, _put(backend, plan))
    return last[1]


def _same_rows(a: Plan, b: Plan) -> bool:
    """Whether two plans work on the same rows in the same order, as variants of one plan do."""
    if a is b:
        return True
    shared = ("problems", "problem_of_run", "batches", "rows", "last_batch")
    return all(getattr(a, name) is getattr(b, name) for name in shared)


def _put(backend: Backend, plan: Plan) -> _Arrays:
    stacked = plan.runs > 1
    data: dict[str, npt.NDArray[Any]] = {}
    mask = plan.masks(backend.dtype)
    if (mask == mask[:, :1]).all():
        mask = mask[:, :1]  # one for all runs, which is less to read
    batches: dict[str, npt.NDArray[Any]] = {"mask": mask}
    if stacked:
        # Rows scattered over many problems are gathered once, by NumPy: inside the loop the gather
        # would take most of the time. A single run keeps its data on the device, in one copy.
        # Clipping, which does nothing to a plan's rows, is several times quicker than checking.
        X, y = (
            np.take(rows, plan.batches, axis=0, mode="clip") for rows in plan.data(backend.dtype)
        )
        # Rows side by side: then a compiler's products run along them, as many as fit a register.
        batches["X"], batches["y"] = np.ascontiguousarray(np.swapaxes(X, -1, -2)), y
    else:
        data["X"], data["y"] = plan.data()  # rounded as they are copied to the device
        batches["rows"] = plan.batches
    if not plan.active.all():
        batches["active"] = plan.active
    initial = plan.initial(backend.dtype)
    if not stacked:
        batches = {name: values[:, 0] for name, values in batches.items()}
        initial = {name: values[0] for name, values in initial.items()}

    def to_device(arrays: dict[str, npt.NDArray[Any]]) -> Params:
        return {name: backend.asarray(values) for name, values in arrays.items()}

    return _Arrays(to_device(data), to_device(initial), to_device(batches))
