"""The losses that go by Huber's name, and what a participant answers around their kinks.

Three parametrisations are told apart: the published formula, which lacks an absolute value, Huber's
loss, and smooth L1, which is Huber's loss divided by its parameter. Each is evaluated residual by
residual, through the objective that training uses and, where a framework ships the loss, through
the framework's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from samestep.interface import Array, Backend, Params, TensorOps
from samestep.loss import LOSSES, Loss, Objective, Reduction, get_loss, register_loss
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.referee import Referee, Reference
from samestep.rounding import Tolerance, enclose

PUBLISHED = "published_huber"
"""Name of the loss that the published formula defines when it is taken literally."""

FORMS = (PUBLISHED, "huber", "smooth_l1")

SHIPPED = ("squared_error", "half_squared_error", "absolute_error", "huber", "smooth_l1")
"""Losses that a framework may ship, looked up as ``"loss/NAME"`` on ``Backend.native``."""

# With q = y - prediction, as published: q^2 / 2 if |q| < delta, else delta (q - delta / 2). Below,
# r = prediction - y = -q. At r = -delta value and slope are continuous; at r = delta the value
# jumps from delta^2 / 2 to -3/2 delta^2 and the slope from delta to -delta.
if PUBLISHED not in LOSSES:
    register_loss(
        Loss(
            name=PUBLISHED,
            formula="r^2 / 2 if |r| < delta, else delta (-r - delta / 2)",
            value=lambda xp, r, delta: xp.where(
                xp.abs(r) < delta, 0.5 * xp.square(r), delta * (-r - 0.5 * delta)
            ),
            derivative=lambda r, delta: np.where(np.abs(r) < delta, r, -delta),
            largest=lambda r, delta: np.where(
                np.abs(r) < delta, r * r, delta * (np.abs(r) + 0.5 * delta)
            ),
            magnitude=lambda r, delta: np.where(
                np.abs(r) < delta, 0.5 * r * r, delta * (np.abs(r) + 0.5 * delta)
            ),
            kinks=lambda delta: (-delta, delta),
        )
    )


class Case(NamedTuple):
    """A loss with its parameter: the shared code's, or the one that the framework ships.

    Parameters
    ----------
    loss : str
    delta : float
    shipped : {"none", "mean", "sum"} or None
        The reduction with which the framework's own loss is called; None asks for shared code.
    """

    loss: str
    delta: float
    shipped: Literal["none", "mean", "sum"] | None = None


class Response(NamedTuple):
    """What a participant answers at some residuals, in float64.

    Parameters
    ----------
    residual, slope : arrays of shape (residuals,)
    value : array of shape (residuals,), or () of a mean or a sum
    """

    residual: np.ndarray
    value: np.ndarray
    slope: np.ndarray


AT_DELTA = slice(0, 3)
"""Where :func:`residuals` has delta: just inside, at and just outside."""

FAR = (1e1, 1e3, 1e6)
"""Multiples of delta at which the tails are looked at."""


def residuals(delta: float, dtype: str) -> np.ndarray:
    """Residuals at which a loss is looked at: around both kinks, between, and far outside.

    Returns
    -------
    array of shape (17,), of the working precision
        Just inside, at and just outside delta, neighbours in the working precision; the same at
        -delta; then 0, delta times 1/2, 2 and :data:`FAR`, and the negatives of these.
    """
    kind = np.dtype(dtype).type
    at = kind(delta)
    kink = np.array([np.nextafter(at, kind(0)), at, np.nextafter(at, kind(np.inf))])
    others = at * np.array([0.5, 2, *FAR], dtype)
    return np.concatenate([kink, -kink, [kind(0)], others, -others])


def respond(backend: Backend, cases: Sequence[Case]) -> dict[Case, Response]:
    """Ask a participant for value and slope of some losses at :func:`residuals`.

    In shared code the linear model has weight 0, and its intercept is the residual of y = 0. The
    prediction and the residual are exact, so that what is seen is the loss alone.
    """
    asked = list(dict.fromkeys((case.loss, case.shipped) for case in cases))
    xp = backend.xp

    def answer(delta: float, b: Array, w: Array, X: Array, y: Array) -> list[tuple[Array, Array]]:
        answers = []
        for name, reduction in asked:
            if reduction is None:
                objective = Objective(xp, get_loss(name), "sum", delta)
                each = backend.value_and_grad(objective, runs=True, has_aux=True)
                (value, _), grads = each({"w": w, "b": b}, X, y, xp.ones_like(y))
            else:
                value_and_grad = backend.value_and_grad(
                    functools.partial(_summed, xp, backend.native[f"loss/{name}"], reduction),
                    has_aux=True,
                )
                (_, value), grads = value_and_grad({"b": b}, y[:, 0], delta)
            answers.append((value, grads["b"]))
        return answers

    compiled = backend.compile(answer)
    responses = {}
    for delta in dict.fromkeys(case.delta for case in cases):
        points = residuals(delta, backend.dtype)
        n = len(points)
        data = (points, np.zeros((n, 1)), np.zeros((n, 1, 1)), np.zeros((n, 1)))
        answers = compiled(delta, *(backend.asarray(array) for array in data))
        for (name, reduction), (value, slope) in zip(asked, answers, strict=True):
            arrays = points, backend.to_numpy(value), backend.to_numpy(slope)
            response = Response(*(np.asarray(array, np.float64) for array in arrays))
            responses[Case(name, delta, reduction)] = response
    return responses


def _summed(
    xp: TensorOps,
    shipped: Callable[..., Array],
    reduction: str,
    params: Params,
    y: Array,
    delta: float,
) -> tuple[Array, Array]:
    """Return a scalar to differentiate, and the loss as the framework reduced it."""
    value = shipped(params["b"], y, delta, reduction)
    return xp.sum(value), value


def ratio_to_bound(case: Case, response: Response, dtype: str) -> float:
    """Largest error of value and slope against the closed form, over the bound of rounding.

    At most 1 means that rounding explains every difference; at a kink either one-sided answer is
    right.
    """
    r = response.residual
    if case.shipped in ("mean", "sum"):
        value, slope = _reduced(case, r, dtype)
    else:
        delta = float(np.dtype(dtype).type(case.delta))
        f, d_f, s, d_s, size = enclose(
            get_loss(case.loss), r, np.zeros_like(r), delta, Tolerance(dtype)
        )
        value, slope = Reference(f, d_f, size), Reference(s, d_s, np.abs(s))
    return float(
        np.max(
            [
                np.max(np.abs(observed - reference.value) / reference.bound)
                for observed, reference in ((response.value, value), (response.slope, slope))
            ]
        )
    )


def _reduced(case: Case, r: np.ndarray, dtype: str) -> tuple[Reference, Reference]:
    """Let the referee reduce: with the unit matrix as data the weights are the residuals."""
    n = len(r)
    problem = Problem(X=np.eye(n), y=np.zeros(n), w=r, b=np.zeros(()), batch_size=n)
    reduction: Reduction = "mean" if case.shipped == "mean" else "sum"
    plan = Plan.of(problem, loss=case.loss, delta=case.delta, reduction=reduction, epochs=1)
    start = {name: values[None] for name, values in plan.initial(dtype).items()}
    found = Referee(plan, dtype).references(slice(0, 1), start, {})

    def only(reference: Reference) -> Reference:
        """Of the only step of the only run."""
        return Reference(reference.value[0, 0], reference.bound[0, 0], reference.magnitude[0, 0])

    return only(found["loss"]), only(found["gradient/w"])


def at_truth(problem: Problem) -> Problem:
    """Return the problem with the true parameters as initial values."""
    if problem.true_w is None or problem.true_b is None:
        raise ValueError("the true parameters of this problem are not known")
    return replace(problem, w=problem.true_w, b=problem.true_b)
