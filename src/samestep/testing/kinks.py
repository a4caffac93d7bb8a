"""Kinks: at one, any number between the one-sided derivatives; beside one, the derivative there."""

from __future__ import annotations

import numpy as np

from samestep.interface import Array, Backend, Params
from samestep.loss import LOSSES, Loss, Objective, closed_form
from samestep.testing.expectations import require, require_close

__all__ = ["CHECKS"]

_DELTA = 1.0


def derivatives_at_kinks_lie_between_both_sides(backend: Backend) -> None:
    """At a kink of a loss the gradient lies between the one-sided derivatives."""
    for loss in _with_kinks():
        for kink in loss.kinks(_DELTA):
            found = _slope(backend, loss, kink)
            sides = [loss.derivative(np.nextafter(kink, s), _DELTA) for s in (-np.inf, np.inf)]
            low, high = (float(x) for x in sorted(sides))
            eps = float(np.finfo(backend.dtype).eps)
            require(
                low - eps <= found <= high + eps,
                f"{loss.name} at r = {kink:g}: derivative {found}, expected {low:g} to {high:g}",
            )


def derivatives_beside_kinks_are_those_of_their_side(backend: Backend) -> None:
    """One unit in the last place beside a kink the derivative is the closed form's."""
    one = backend.numpy_dtype.type
    for loss in _with_kinks():
        for kink in loss.kinks(_DELTA):
            for side in (-np.inf, np.inf):
                r = float(np.nextafter(one(kink), one(side)) if kink else np.copysign(2**-40, side))
                require_close(
                    np.array(_slope(backend, loss, r)),
                    loss.derivative(np.array(r), _DELTA),
                    4 * np.finfo(backend.dtype).eps,
                    f"derivative of {loss.name} at r = {r!r}",
                )


def derivatives_at_ties_are_finite(backend: Backend) -> None:
    """`abs` at 0 and `maximum`, `minimum` at a tie have derivatives from their own range."""
    xp = backend.xp

    def loss(params: Params) -> Array:
        a = params["a"]
        zero = xp.zeros_like(a)
        return xp.abs(a[0]) + xp.maximum(a, zero)[1] + xp.minimum(a, zero)[2]

    @closed_form(loss)
    def form(params: Params) -> tuple[Array, Params]:
        return loss(params), {"a": np.array([0, 0.5, 0.5], params["a"].dtype)}

    _, grads = backend.value_and_grad(loss)({"a": backend.asarray(np.zeros(3))})
    found = backend.to_numpy(grads["a"])
    for name, low, g in zip(("abs", "maximum", "minimum"), (-1, 0, 0), found, strict=True):
        require(low <= g <= 1, f"{name} at a tie: derivative {g}, expected {low} to 1")


def _with_kinks() -> list[Loss]:
    return [loss for loss in LOSSES.values() if loss.kinks(_DELTA)]


def _slope(backend: Backend, loss: Loss, residual: float) -> float:
    """Derivative by the prediction at one residual, which is exact: the prediction is 0."""
    objective = Objective(backend.xp, loss, "sum", _DELTA)
    params = {"w": backend.asarray(np.zeros(1)), "b": backend.asarray(np.array(0.0))}
    batch = [backend.asarray(np.array(x)) for x in ([[1.0]], [-residual], [1.0])]
    _, grads = backend.value_and_grad(objective, has_aux=True)(params, *batch)
    return float(backend.to_numpy(grads["b"]))


CHECKS = (
    derivatives_at_kinks_lie_between_both_sides,
    derivatives_beside_kinks_are_those_of_their_side,
    derivatives_at_ties_are_finite,
)
