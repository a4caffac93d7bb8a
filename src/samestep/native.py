"""Native versions: the fits of an exercise as a user of one framework writes them.

A backend offers a native version as ``"exercise/ID"`` on ``Backend.native``. It is called with the
problems of the exercise's fits, as arrays of its framework, and yields the title and the record of
each fit. Data, initial values and the order of the examples are given; model, loss, gradient,
update, rate and epochs are its own. The exercise's plan of the same title says what they should
amount to, so that the trace can be judged like that of any other participant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from samestep.errors import UsageError, unknown_name
from samestep.experiment import Experiment
from samestep.interface import Array, Backend
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.trace import Trace

__all__ = ["DeviceProblem", "Fits", "Record", "as_trace", "native_traces"]


class DeviceProblem(NamedTuple):
    """A problem as arrays of one framework, on its device and at its working precision.

    Parameters
    ----------
    X : array of shape (examples, features)
    y : array of shape (examples,)
    w, b : arrays of shape (features,) and ()
        Initial values of the parameters.
    orders : integer array of shape (epochs, examples)
        The order of the examples in each epoch.
    """

    X: Array
    y: Array
    w: Array
    b: Array
    orders: Array

    @classmethod
    def on(cls, backend: Backend, problem: Problem, epochs: int) -> DeviceProblem:
        """Copy a problem to a backend."""
        orders = np.stack([problem.order(epoch) for epoch in range(epochs)])
        host = (problem.X, problem.y, problem.w, problem.b, orders)
        return cls(*(backend.asarray(values) for values in host))


Record: TypeAlias = dict[str, Any]
"""What a fit computed, as arrays whose first axis is the step: ``"prediction"`` (with any padding),
``"loss"``, and dictionaries from ``w`` and ``b`` to arrays: ``"gradient"``, ``"params"`` (after the
update) and ``"state"`` (the velocities after the update; empty without momentum)."""

Fits: TypeAlias = Iterator[tuple[str, Record]]
"""What a native version yields: the title and the record of each fit."""


def native_traces(backend: Backend, experiment: Experiment) -> list[tuple[str, Trace]]:
    """Run a backend's native version of an exercise.

    Returns
    -------
    list of (str, Trace)
        The title of each fit and its trace, whose plan is the exercise's of that title. Several may
        have one title: the same fit, done in different ways.

    Raises
    ------
    UsageError
        If the backend has no native version of the exercise, or it yields a title that is not one
        of :meth:`Experiment.fits`.
    """
    name = f"exercise/{experiment.id}"
    if name not in backend.native:
        known = [key for key in backend.native if key.startswith("exercise/")]
        raise unknown_name(f"native version of {backend.name}", name, known)
    plans = experiment.fits()
    problems = _problems(backend, plans)
    with backend.scope():
        records = list(backend.native[name](*problems))
    for title, _ in records:
        if title not in plans:
            raise unknown_name(f"fit of {experiment.id}", title, plans)
    return [(title, as_trace(backend, plans[title], record)) for title, record in records]


def _problems(backend: Backend, plans: dict[str, Plan]) -> list[DeviceProblem]:
    """Copy the problems of some plans, each once, in the order of their first use."""
    longest: dict[int, tuple[Problem, int]] = {}
    for plan in plans.values():
        (problem,), (epochs,) = plan.problems, plan.epochs
        _, before = longest.get(id(problem), (problem, 0))
        longest[id(problem)] = problem, max(before, int(epochs))
    return [DeviceProblem.on(backend, problem, epochs) for problem, epochs in longest.values()]


def as_trace(backend: Backend, plan: Plan, record: Record) -> Trace:
    """Make a trace of a record of one fit, with the plan by which it is to be judged.

    Raises
    ------
    UsageError
        If the record has other numbers of steps or rows than the plan.
    """
    flat = {"prediction": record["prediction"], "loss": record["loss"]}
    for kind in ("gradient", "params", "state"):
        flat |= {f"{kind}/{name}": values for name, values in record[kind].items()}
    host = {name: np.expand_dims(backend.to_numpy(v), 1) for name, v in flat.items()}
    # Padding is whatever the version put there; a plan's repeats the first row of the batch.
    there = np.arange(plan.batches.shape[2]) < plan.rows[..., None]
    prediction = host["prediction"]
    if prediction.shape != there.shape:
        raise UsageError(
            f"A native fit recorded predictions of shape {prediction[:, 0].shape}.",
            f"{plan.name} has {there[:, 0].shape}: steps, and rows of a minibatch.",
        )
    host["prediction"] = np.where(there, prediction, prediction[..., :1])
    participant = f"{backend.name}+native/{backend.device}/{backend.dtype}"
    return Trace.of_record(plan, participant, backend.dtype, host)
