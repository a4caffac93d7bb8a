"""Autograd: values and gradients, one run and stacked, and what must stay as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import array_api_compat.numpy as array_namespace
import numpy as np

from samestep.interface import Array, Backend, Params, TensorOps
from samestep.loss import Objective, closed_form, get_loss
from samestep.testing.expectations import require, require_close, require_equal
from samestep.testing.scalars import ORDER, SCALARS, B, W, X, Y, bind

__all__ = ["CHECKS"]

# Four runs of a linear model. Small integers: every result is exact, bits can be compared.
_RNG = np.random.default_rng(0)
_X = _RNG.integers(-3, 4, (4, 8, 2)).astype(np.float64)
_Y = _RNG.integers(-5, 6, (4, 8)).astype(np.float64)
_MASK = np.ones((4, 8))
_W = _RNG.integers(-2, 3, (4, 2)).astype(np.float64)
_B = _RNG.integers(-2, 3, 4).astype(np.float64)


def gradients_are_the_closed_forms(backend: Backend) -> None:
    """Values and gradients of six functions are those of their closed forms."""
    for scalar in SCALARS:
        params, rest = _arguments(backend)
        value_and_grad = backend.compile(backend.value_and_grad(bind(backend, scalar)))
        value, grads = value_and_grad(params, *rest)
        require(set(grads) == {"w", "b"}, f"{scalar.name}: gradients of {sorted(grads)}")
        # A few roundings of terms below 32 in size.
        tolerance = 4 * 32 * np.finfo(backend.dtype).eps
        exact = scalar.value(cast(TensorOps, array_namespace), {"w": W, "b": B}, X, Y, ORDER)
        require_close(backend.to_numpy(value), exact, tolerance, f"{scalar.name}: value")
        for name, expected in zip("wb", scalar.gradient(W, B, X, Y, ORDER), strict=True):
            found = backend.to_numpy(grads[name])
            require(
                found.dtype == backend.numpy_dtype,
                f"{scalar.name}: the gradient of {name} is {found.dtype}",
            )
            require_close(found, expected, tolerance, f"{scalar.name}: gradient of {name}")


def gradients_are_finite_differences(backend: Backend) -> None:
    """Gradients are the slopes of the values that the backend itself computes."""
    eps = float(np.finfo(backend.dtype).eps)
    # Central differences of fourth order: at this h, what is cut off is far below rounding.
    h = 2.0 ** round(np.log2(eps) / 5 - 1)
    for scalar in SCALARS:
        params, rest = _arguments(backend)
        loss = bind(backend, scalar)
        _, grads = backend.compile(backend.value_and_grad(loss))(params, *rest)
        value = backend.compile(loss)
        slopes = np.array([_slope(backend, value, rest, i, h) for i in range(4)])
        found = np.append(backend.to_numpy(grads["w"]), backend.to_numpy(grads["b"]))
        # 1.5 / h times the error of a value, here of one rounding of 32.
        tolerance = 1.5 / h * 32 * eps
        require_close(found, slopes, tolerance, f"{scalar.name}: gradient beside differences")


def _slope(
    backend: Backend, value: Callable[..., Array], rest: list[Array], index: int, h: float
) -> float:
    """Slope along one parameter, of which the last is ``b``, from four values."""

    def at(shift: float) -> float:
        moved = np.append(W, B)
        moved[index] += shift
        params = {"w": backend.asarray(moved[:3]), "b": backend.asarray(moved[3])}
        return float(backend.to_numpy(value(params, *rest)))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def inputs_stay_as_they_were(backend: Backend) -> None:
    """Differentiation changes none of its arguments, and a second time gives the same."""
    params, batch = _run(backend, 0)
    value_and_grad = backend.value_and_grad(_objective(backend), has_aux=True)
    (_, first), (_, second) = (value_and_grad(params, *batch) for _ in range(2))
    for what, array, source in (
        ("w", params["w"], _W[0]),
        ("b", params["b"], _B[0]),
        ("X", batch[0], _X[0]),
        ("y", batch[1], _Y[0]),
        ("the mask", batch[2], _MASK[0]),
    ):
        require_equal(backend.to_numpy(array), source, f"{what} after differentiation")
    for name in params:
        require_equal(
            backend.to_numpy(second[name]),
            backend.to_numpy(first[name]),
            f"gradient of {name}, the second time",
        )


def results_are_plain_arrays(backend: Backend) -> None:
    """Value, prediction and gradients can be used like any array, and differentiated anew."""
    params, batch = _run(backend, 0)
    objective = backend.value_and_grad(_objective(backend), has_aux=True)
    (value, prediction), grads = objective(params, *batch)
    with backend.scope():
        total = backend.to_numpy(value + backend.xp.sum(prediction))
    require(np.isfinite(total), f"value plus predictions is {total}")
    # The gradients, as parameters: an array that drags its history along fails here, or lies.
    (again, _), _ = objective(grads, *batch)
    expected = np.mean((_X[0] @ _closed(0)[2] + _closed(0)[3] - _Y[0]) ** 2)
    require_close(
        backend.to_numpy(again), expected, 64 * np.finfo(backend.dtype).eps * expected, "the loss"
    )


def the_auxiliary_output_is_passed_through(backend: Backend) -> None:
    """With `has_aux` the very prediction that was differentiated comes back."""
    params, batch = _run(backend, 0)
    objective = backend.value_and_grad(_objective(backend), has_aux=True)
    (value, prediction), grads = objective(params, *batch)
    for what, array, expected in zip(
        ("value", "prediction", "gradient of w", "gradient of b"),
        (value, prediction, grads["w"], grads["b"]),
        _closed(0),
        strict=True,
    ):
        require_equal(backend.to_numpy(array), expected, what)


def stacked_runs_are_the_runs_one_by_one(backend: Backend) -> None:
    """With `runs=True` there is one value and one gradient per run, that of the run alone."""
    params, batch = _run(backend, slice(None))
    stacked = backend.value_and_grad(_objective(backend), runs=True, has_aux=True)
    (values, predictions), grads = stacked(params, *batch)
    one = backend.value_and_grad(_objective(backend), has_aux=True)
    for run in range(len(_X)):
        params, batch = _run(backend, run)
        (value, prediction), gradient = one(params, *batch)
        for what, ours, theirs in (
            ("value", values, value),
            ("prediction", predictions, prediction),
            ("gradient of w", grads["w"], gradient["w"]),
            ("gradient of b", grads["b"], gradient["b"]),
        ):
            require_equal(
                backend.to_numpy(ours)[run],
                backend.to_numpy(theirs),
                f"{what} of stacked run {run}",
            )


def an_unused_parameter_has_gradient_zero(backend: Backend) -> None:
    """A parameter that the loss does not use has gradient zero, of its own shape."""
    for lead in ((), (2,)):
        xp = backend.xp

        def loss(params: Params, xp: Any = xp) -> Array:
            return xp.sum(params["used"] * params["used"])

        @closed_form(loss)
        def form(params: Params) -> tuple[Array, Params]:
            used, unused = params["used"], params["unused"]
            return (used * used).sum(-1), {"used": 2 * used, "unused": np.zeros_like(unused)}

        params = {
            "used": backend.asarray(np.full((*lead, 3), 1.5)),
            "unused": backend.asarray(np.full((*lead, 2), 7.0)),
        }
        value, grads = backend.value_and_grad(loss, runs=bool(lead))(params)
        require_equal(backend.to_numpy(value), np.full(lead, 6.75), "value")
        require_equal(backend.to_numpy(grads["used"]), np.full((*lead, 3), 3.0), "gradient")
        unused = backend.to_numpy(grads["unused"])
        require_equal(unused, np.zeros((*lead, 2)), "gradient of an unused parameter")
        require(unused.dtype == backend.numpy_dtype, f"that gradient is {unused.dtype}")


def _arguments(backend: Backend) -> tuple[Params, list[Array]]:
    params = {"w": backend.asarray(W), "b": backend.asarray(B)}
    return params, [backend.asarray(array) for array in (X, Y, ORDER)]


def _run(backend: Backend, run: int | slice) -> tuple[Params, list[Array]]:
    params = {"w": backend.asarray(_W[run]), "b": backend.asarray(_B[run])}
    return params, [backend.asarray(array[run]) for array in (_X, _Y, _MASK)]


def _objective(backend: Backend) -> Objective:
    return Objective(backend.xp, get_loss("squared_error"), "mean")


def _closed(run: int) -> tuple[Any, Any, Any, Any]:
    prediction = _X[run] @ _W[run] + _B[run]
    residual = prediction - _Y[run]
    return np.mean(residual**2), prediction, _X[run].T @ residual / 4, residual.sum() / 4


CHECKS = (
    gradients_are_the_closed_forms,
    gradients_are_finite_differences,
    inputs_stay_as_they_were,
    results_are_plain_arrays,
    the_auxiliary_output_is_passed_through,
    stacked_runs_are_the_runs_one_by_one,
    an_unused_parameter_has_gradient_zero,
)
