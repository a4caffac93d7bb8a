"""The measurements of :mod:`~samestep_experiments.gradient_access`, one participant at a time.

Gradients are taken at parameters that a trace has recorded, and judged against the closed form
``2/m Z^T (Z p - y)`` in float64, within the bound that the rounding of one step explains.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend, Params
from samestep.loss import Float64, Loss, Objective, Reduction, get_loss
from samestep.plan import Plan
from samestep.referee import Referee, Reference
from samestep.rounding import Tolerance
from samestep.trace import Trace

INTERFACE = "this lab's value_and_grad"
"""The route of a backend whose ``native`` offers none; elsewhere the cross-check judges it."""

Host = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Judged:
    """Numbers that were compared with what they should be.

    Parameters
    ----------
    error, bound : float
        The largest error, and what rounding explains there.
    ratio : float
        The largest error over bound, which may be of another number; NaN counts as infinite.
    """

    error: float
    bound: float
    ratio: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains all errors."""
        return self.ratio <= 1

    @classmethod
    def of(cls, observed: npt.ArrayLike, expected: Float64, bound: Float64) -> Judged:
        """Judge every element of an array."""
        error = np.nan_to_num(np.abs(np.asarray(observed, np.float64) - expected), nan=np.inf)
        at = np.unravel_index(error.argmax(), error.shape)
        bounds = np.broadcast_to(bound, error.shape)
        ratio = np.where(error > 0, error / bounds, 0.0)
        return cls(float(error[at]), float(bounds[at]), float(ratio.max()))

    @classmethod
    def worst(cls, several: Iterable[Judged]) -> Judged:
        """Join several judgements."""
        several = list(several)
        largest = max(several, key=lambda judged: judged.error)
        return replace(largest, ratio=max(judged.ratio for judged in several))


@dataclass(frozen=True)
class RouteFinding:
    """What one route returned.

    Parameters
    ----------
    gradients : array of shape (minibatches, features + 1)
        The columns are w1, w2, ... and b.
    judged : Judged
        Against the closed form; the worst over minibatches and components.
    repeats : bool
        Whether a second call on the same arrays returned the same bits and left them unchanged.
    """

    gradients: Float64
    judged: Judged
    repeats: bool


def judge_routes(backend: Backend, trace: Trace) -> dict[str, RouteFinding]:
    """Differentiate by every route that a backend has, on several minibatches of a trace."""
    plan = trace.plan
    gradients: dict[str, list[Float64]] = {}
    judged: dict[str, list[Judged]] = {}
    repeats: dict[str, list[bool]] = {}
    for step in judged_steps(plan):
        params, batch = before(trace, step), minibatch(plan, step, trace.dtype)
        expected = closed_form(plan, trace.dtype, step, params)
        inputs: list[Any] = [to_device(backend, params), *map(backend.asarray, batch)]
        for name, route in functions(backend, plan).routes.items():
            with backend.scope():
                first, second = (to_host(backend, route(*inputs)) for _ in range(2))
            unchanged = same_bits(params, to_host(backend, inputs[0])) and all(
                np.array_equal(ours, backend.to_numpy(theirs))
                for ours, theirs in zip(batch, inputs[1:], strict=True)
            )
            gradients.setdefault(name, []).append(flat(first))
            repeats.setdefault(name, []).append(unchanged and same_bits(first, second))
            for p, found in first.items():
                true = expected[f"gradient/{p}"]
                judged.setdefault(name, []).append(Judged.of(found, true.value, true.bound))
    return {
        name: RouteFinding(np.stack(rows), Judged.worst(judged[name]), all(repeats[name]))
        for name, rows in gradients.items()
    }


def judge_difference(backend: Backend, trace: Trace, h: float) -> Judged:
    """Judge central differences of the loss, in every parameter on several minibatches.

    For a quadratic ``(L(p + h) - L(p - h)) / (2 h)`` *is* the derivative, whatever ``h``.
    """
    return Judged.worst(
        _difference(backend, trace, step, name, index, h)
        for step in judged_steps(trace.plan)
        for name, values in before(trace, step).items()
        for index in np.ndindex(values.shape)
    )


def _difference(
    backend: Backend, trace: Trace, step: int, name: str, index: tuple[int, ...], h: float
) -> Judged:
    """Judge ``(L(a) - L(b)) / (a - b)`` with a, b = p + h, p - h, in one element of a parameter.

    What rounding adds: the errors of both losses, over ``a - b``; a and b are rounded, which moves
    the point midway between them by at most ``u (|a| + |b|) / 2``, and the slope there by the
    curvature times that; and the roundings of the formula itself, at most ``c(3)`` of the result.
    """
    plan, key, element = trace.plan, f"gradient/{name}", (0, 0, *index)
    loss, tolerance = functions(backend, plan).loss, Tolerance(trace.dtype)
    batch = [backend.asarray(values) for values in minibatch(plan, step, trace.dtype)]
    params = before(trace, step)
    ends, losses, errors, slopes = np.empty((4, 2))
    for i, offset in enumerate((h, -h)):
        moved = params[name].copy()
        moved[index] += moved.dtype.type(offset)
        at = {**params, name: moved}
        expected = closed_form(plan, trace.dtype, step, at)
        ends[i] = moved[index]
        losses[i] = backend.to_numpy(loss(to_device(backend, at), *batch))
        errors[i] = expected["loss"].bound.item()
        slopes[i] = expected[key].value[element]
    width = ends[0] - ends[1]
    slope = (losses[0] - losses[1]) / width
    curvature = abs(slopes[0] - slopes[1]) / width
    shift = tolerance.unit_roundoff * np.abs(ends).sum() / 2
    bound = errors.sum() / width + curvature * shift + tolerance.c(3) * abs(slope)
    true = closed_form(plan, trace.dtype, step, params)[key].value[element]
    return Judged.of(slope, true, np.asarray(bound))


def judged_steps(plan: Plan) -> tuple[int, ...]:
    """Two full minibatches, and two that end an epoch: those may be short."""
    per_epoch = int(plan.epoch_ends()[1])
    return (0, per_epoch // 2, per_epoch - 1, plan.steps - 1)


def before(trace: Trace, step: int) -> dict[str, npt.NDArray[Any]]:
    """Parameters of the first run before a step."""
    return {name: np.asarray(values[step, 0]) for name, values in trace.params.items()}


def minibatch(
    plan: Plan, step: int, dtype: str, *, padded: bool = True
) -> tuple[npt.NDArray[Any], ...]:
    """Rows, labels and mask of the first run; without padding, the rows that are really there."""
    X, y = plan.data(dtype)
    count = plan.batches.shape[2] if padded else int(plan.rows[step, 0])
    index = plan.batches[step, 0, :count]
    return X[index], y[index], plan.masks(dtype)[step, 0, :count]


def closed_form(plan: Plan, dtype: str, step: int, params: Host) -> dict[str, Reference]:
    """Loss and gradient of a minibatch of the first run at any parameters, with their bounds."""
    at = {name: value[None, None] for name, value in params.items()}
    return Referee(plan, dtype).references(slice(step, step + 1), at, {})


def flat(gradient: Host) -> Float64:
    """Join w of shape (..., features) and b of shape (...) to one array: w1, w2, ..., b."""
    w, b = gradient["w"], np.asarray(gradient["b"])
    return np.concatenate([w, b[..., None]], axis=-1).astype(np.float64)


def same_bits(first: Host, second: Host) -> bool:
    """Whether two dictionaries of arrays are equal, element by element."""
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def to_device(backend: Backend, arrays: Host) -> Params:
    """Copy a dictionary of arrays to a backend."""
    return {name: backend.asarray(values) for name, values in arrays.items()}


def to_host(backend: Backend, arrays: Params) -> dict[str, npt.NDArray[Any]]:
    """Copy a dictionary of arrays from a backend."""
    return {name: backend.to_numpy(values) for name, values in arrays.items()}


class Functions(NamedTuple):
    """The loss ``(params, X, y, mask) -> scalar`` and every route to its gradient, by name."""

    loss: Callable[..., Array]
    routes: dict[str, Callable[..., Params]]


def functions(backend: Backend, plan: Plan) -> Functions:
    """Return a plan's loss and the routes to its gradient on a backend."""
    return _functions(backend, get_loss(plan.loss), plan.reduction, plan.delta)


# Cached, because a framework that compiles recognises a function by its identity.
@functools.lru_cache(maxsize=32)
def _functions(backend: Backend, loss: Loss, reduction: Reduction, delta: float) -> Functions:
    objective = Objective(backend.xp, loss, reduction, delta)
    scalar = backend.compile(lambda params, *batch: objective(params, *batch)[0])
    routes: dict[str, Callable[..., Params]] = {
        name.removeprefix("gradient/"): functools.partial(route, scalar)
        for name, route in backend.native.items()
        if name.startswith("gradient/")
    }
    if not routes:
        value_and_grad = backend.value_and_grad(objective, has_aux=True)
        routes[INTERFACE] = lambda *inputs: value_and_grad(*inputs)[1]
    return Functions(scalar, routes)
