"""Stored gradients, one participant at a time: what those that have them do.

Some frameworks store a gradient in the tensor that it belongs to; their ``Backend.native`` offers
``"stored-gradient"``, ``"after-training"`` and ``"without-clearing"``, each called on a loss and
initial parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samestep.interface import Array, Backend, Params, SGDOptions
from samestep.loss import Float64
from samestep.plan import Plan
from samestep.referee import Referee
from samestep.theory import curvature, least_squares
from samestep.trace import Trace
from samestep_experiments.gradient_access.routes import (
    Judged,
    before,
    closed_form,
    flat,
    functions,
    minibatch,
    same_bits,
    to_device,
    to_host,
)


@dataclass(frozen=True)
class StoredGradient:
    """What the gradient that is stored in a tensor did."""

    absent_before: bool
    doubles: bool
    absent_when_cleared: bool
    zero_when_cleared: bool


def observe_stored(backend: Backend, trace: Trace) -> StoredGradient:
    """Watch stored gradients through two backward passes and two ways to clear them."""
    batch = [backend.asarray(values) for values in minibatch(trace.plan, 0, trace.dtype)]
    seen = _observe(backend, trace, "stored-gradient", *batch)
    once, twice, zeros = (to_host(backend, seen[k]) for k in ("once", "twice", "set_to_zero"))
    return StoredGradient(
        absent_before=all(value is None for value in seen["before"].values()),
        doubles=same_bits({name: 2 * value for name, value in once.items()}, twice),
        absent_when_cleared=all(value is None for value in seen["set_to_none"].values()),
        zero_when_cleared=not any(value.any() for value in zeros.values()),
    )


@dataclass(frozen=True)
class StaleGradient:
    """What is stored after training, and of what it is the gradient.

    Parameters
    ----------
    stored, full : array of shape (features + 1,)
        What is stored, and the gradient over all training examples at the final parameters.
    rows : int
        Examples in the last minibatch.
    before, after, solution : Judged
        The stored gradient against the last minibatch's before the last update, against the same
        minibatch's after it, and against ``full``.
    """

    stored: Float64
    full: Float64
    rows: int
    before: Judged
    after: Judged
    solution: Judged


def observe_stale(backend: Backend, trace: Trace) -> StaleGradient:
    """Train with the backend's own loop and read the stored gradient afterwards."""
    plan = trace.plan
    batches, rate = _batches(backend, plan), _rate(plan, trace.dtype)
    # The same loop, one minibatch shorter, ends where the last update begins.
    start, _ = _observe(backend, trace, "after-training", batches[:-1], rate)
    final, grads = _observe(backend, trace, "after-training", batches, rate)
    stored = flat(to_host(backend, grads))

    def last_gradient(params: Params) -> tuple[Float64, Float64]:
        """Closed form of the last minibatch's gradient, with its bound."""
        found = closed_form(plan, trace.dtype, plan.steps - 1, to_host(backend, params))
        value = flat({p: found[f"gradient/{p}"].value[0, 0] for p in params})
        return value, flat({p: found[f"gradient/{p}"].bound[0, 0] for p in params})

    (before_update, bound), (after_update, _) = last_gradient(start), last_gradient(final)
    full = full_gradient(plan, flat(to_host(backend, final))[None])[0]
    return StaleGradient(
        stored=stored,
        full=full,
        rows=int(plan.rows[-1, 0]),
        before=Judged.of(stored, before_update, bound),
        after=Judged.of(stored, after_update, bound),
        solution=Judged.of(stored, full, bound),
    )


@dataclass(frozen=True)
class UnclearedPath:
    """What a training loop does that never clears its gradients.

    Parameters
    ----------
    parameters : array of shape (steps + 1, features + 1)
    leaves_at : int
        The first step that is not the plan's, beyond rounding; -1 if there is none.
    momentum_ratio : float
        Error over bound, the largest of all steps, against the steps of momentum 1.
    """

    parameters: Float64
    leaves_at: int
    momentum_ratio: float


def observe_uncleared(backend: Backend, trace: Trace) -> UnclearedPath:
    """Train with the backend's own loop, without clearing, and judge each of its updates."""
    plan, start = trace.plan, before(trace, 0)
    path = _observe(
        backend, trace, "without-clearing", _batches(backend, plan), _rate(plan, trace.dtype)
    )
    states = [start, *(to_host(backend, params) for params, _ in path)]
    params = {name: np.stack([state[name] for state in states])[:, None] for name in start}
    nothing = {name: np.zeros_like(value) for name, value in start.items()}
    sums = [nothing, *(to_host(backend, grads) for _, grads in path[:-1])]
    velocity = {name: np.stack([stored[name] for stored in sums])[:, None] for name in start}

    def ratios(plan: Plan) -> Float64:
        """Error over bound of each update, from where the loop was before it, shape (steps,)."""
        origin = {name: values[:-1] for name, values in params.items()}
        expected = Referee(plan, trace.dtype).references(slice(0, plan.steps), origin, velocity)
        worst = np.zeros(plan.steps)
        for name, values in params.items():
            reference = expected[f"update/{name}"]
            ratio = np.abs(values[1:] - reference.value) / reference.bound
            worst = np.maximum(worst, ratio.reshape(plan.steps, -1).max(axis=1))
        return np.nan_to_num(worst, nan=np.inf)

    beyond = ratios(plan) > 1
    return UnclearedPath(
        parameters=flat({name: values[:, 0] for name, values in params.items()}),
        leaves_at=int(beyond.argmax()) if beyond.any() else -1,
        momentum_ratio=float(ratios(replace(plan, options=SGDOptions(momentum=1.0))).max()),
    )


@dataclass(frozen=True)
class Ends:
    """Gradients at the end of each epoch, stored and full; arrays of shape (epochs, seeds).

    Parameters
    ----------
    stored, full : array
        Euclidean norms of the last minibatch's gradient before its update, and of the gradient
        over all training examples after it.
    cosine : array
        Cosine of the angle between the two.
    """

    stored: Float64
    full: Float64
    cosine: Float64


def measure_ends(trace: Trace) -> Float64:
    """Measure what :class:`Ends` holds on stacked runs, shape (runs, epochs, 3)."""
    after = trace.plan.epoch_ends()[1:]
    stored = flat(trace.gradient)[after - 1]
    full = full_gradient(trace.plan, flat(trace.params)[after])
    norms = np.linalg.norm(stored, axis=-1), np.linalg.norm(full, axis=-1)
    cosine = (stored * full).sum(axis=-1) / (norms[0] * norms[1])
    return np.stack([*norms, cosine]).T


def full_gradient(plan: Plan, parameters: Float64) -> Float64:
    """Gradient over all training examples, ``H (p - p*)`` with least squares' solution ``p*``.

    Parameters
    ----------
    parameters : array of shape (..., runs, features + 1)

    Returns
    -------
    array of the same shape
    """
    H = np.stack([curvature(problem) for problem in plan.problems])[plan.problem_of_run]
    solution = np.stack([least_squares(problem) for problem in plan.problems])
    distance = parameters - solution[plan.problem_of_run]
    return np.asarray((H @ distance[..., None])[..., 0])


def _observe(backend: Backend, trace: Trace, name: str, *arguments: Any) -> Any:
    """Call what only some backends have, on the loss and from the start of a trace."""
    start = to_device(backend, before(trace, 0))
    loss = functions(backend, trace.plan).loss
    with backend.scope():
        return backend.native[name](loss, start, *arguments)


def _batches(backend: Backend, plan: Plan) -> list[tuple[Array, ...]]:
    """All minibatches as a user's loop meets them: short ones are short."""
    return [
        tuple(map(backend.asarray, minibatch(plan, step, backend.dtype, padded=False)))
        for step in range(plan.steps)
    ]


def _rate(plan: Plan, dtype: str) -> float:
    """The learning rate, rounded to the working precision as the referee does."""
    return float(plan.learning_rate.astype(dtype)[0])
