"""The losses that frameworks ship are the formulas that they are taken for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import samestep
from samestep.interface import DTYPES, Backend
from samestep.rounding import Tolerance

Host = npt.NDArray[np.float64]

SHIPPED = {
    "torch": {"squared_error", "absolute_error", "huber", "smooth_l1"},
    "jax": {"squared_error", "half_squared_error", "huber"},
    "numpy": set[str](),
}
EVERY_LOSS = [(name, loss) for name, losses in SHIPPED.items() for loss in sorted(losses)]

# Value and slope, written with cases instead of the shared code's `where`.
FORMULAS: dict[str, Callable[[float, float], tuple[float, float]]] = {
    "squared_error": lambda r, d: (r**2, 2 * r),
    "half_squared_error": lambda r, d: (r**2 / 2, r),
    "absolute_error": lambda r, d: (abs(r), float(np.sign(r))),
    "huber": lambda r, d: (
        (r**2 / 2, r) if abs(r) <= d else (d * (abs(r) - d / 2), d * float(np.sign(r)))
    ),
    "smooth_l1": lambda r, d: (
        (r**2 / (2 * d), r / d) if abs(r) <= d else (abs(r) - d / 2, float(np.sign(r)))
    ),
}

# Sixteenths, so that prediction - y is exact; at, inside and beyond both deltas.
PREDICTION = np.array([0.5, -3.25, 2.0, 2.5, -1.0, 7.0])
Y = np.array([0.25, -1.25, 2.5, 1.0, 2.0, -4.0])
RESIDUAL = PREDICTION - Y
DELTAS = (1.0, 1.5)


def expected(loss: str, delta: float) -> tuple[Host, Host]:
    pairs = [FORMULAS[loss](float(r), delta) for r in RESIDUAL]
    value, slope = np.array(pairs).T
    return value, slope


@pytest.mark.parametrize("name", SHIPPED)
def test_exactly_these_are_shipped(name: str) -> None:
    native = samestep.backend(name, dtype="float64").native
    assert {key for key in native if key.startswith("loss/")} == {
        f"loss/{loss}" for loss in SHIPPED[name]
    }


def value_and_slope(backend: Backend, loss: str, delta: float, reduction: str) -> tuple[Host, Host]:
    shipped = backend.native[f"loss/{loss}"]
    differentiate = backend.value_and_grad(
        lambda params, y: shipped(params["prediction"], y, delta, reduction)
    )
    value, grads = differentiate({"prediction": backend.asarray(PREDICTION)}, backend.asarray(Y))
    return backend.to_numpy(value), backend.to_numpy(grads["prediction"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "loss"), EVERY_LOSS)
def test_value_and_gradient_are_those_of_the_formula(name: str, loss: str, dtype: str) -> None:
    backend = samestep.backend(name, dtype=dtype)
    rounding = Tolerance(dtype).c(len(Y) + 6)
    for delta in DELTAS:
        values, slopes = expected(loss, delta)
        for reduction, scale in (("sum", 1), ("mean", len(Y))):
            value, slope = value_and_slope(backend, loss, delta, reduction)
            assert value.dtype == slope.dtype == np.dtype(dtype)
            assert value == pytest.approx(values.sum() / scale, rel=rounding, abs=0)
            np.testing.assert_allclose(slope, slopes / scale, rtol=rounding, atol=0)
        shipped = backend.native[f"loss/{loss}"]
        with backend.scope():
            elementwise = shipped(backend.asarray(PREDICTION), backend.asarray(Y), delta, "none")
        np.testing.assert_allclose(backend.to_numpy(elementwise), values, rtol=rounding, atol=0)


@pytest.mark.parametrize(("name", "loss"), EVERY_LOSS)
def test_delta_matters_to_those_that_have_one(name: str, loss: str) -> None:
    backend = samestep.backend(name, dtype="float64")
    first, second = (value_and_slope(backend, loss, delta, "sum")[0] for delta in DELTAS)
    assert (first != second) == (loss in ("huber", "smooth_l1"))


@pytest.mark.parametrize(("name", "loss"), EVERY_LOSS)
def test_unknown_reductions_are_refused(name: str, loss: str) -> None:
    backend = samestep.backend(name, dtype="float64")
    with pytest.raises((KeyError, ValueError)):
        value_and_slope(backend, loss, 1.0, "median")
