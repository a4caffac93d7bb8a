"""The losses that frameworks ship, and those written by hand, are the formulas they stand for."""

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
BY_HAND = {
    "torch": {"half_squared_error"},
    "jax": {"absolute_error", "smooth_l1"},
    "numpy": set[str](),
}
EVERY_LOSS = [
    (name, f"{kind}/{loss}")
    for kind, table in (("loss", SHIPPED), ("loss-by-hand", BY_HAND))
    for name, losses in table.items()
    for loss in sorted(losses)
]

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


def expected(key: str, delta: float) -> tuple[Host, Host]:
    pairs = [FORMULAS[key.partition("/")[2]](float(r), delta) for r in RESIDUAL]
    value, slope = np.array(pairs).T
    return value, slope


@pytest.mark.parametrize("name", SHIPPED)
def test_exactly_these_are_shipped_and_the_others_are_written_by_hand(name: str) -> None:
    native = samestep.backend(name, dtype="float64").native
    assert {key for key in native if key.startswith("loss")} == {
        key for framework, key in EVERY_LOSS if framework == name
    }
    if native:
        assert SHIPPED[name] | BY_HAND[name] == set(FORMULAS)
        assert not SHIPPED[name] & BY_HAND[name]


def value_and_slope(backend: Backend, key: str, delta: float, reduction: str) -> tuple[Host, Host]:
    loss = backend.native[key]
    differentiate = backend.value_and_grad(
        lambda params, y: loss(params["prediction"], y, delta, reduction)
    )
    value, grads = differentiate({"prediction": backend.asarray(PREDICTION)}, backend.asarray(Y))
    return backend.to_numpy(value), backend.to_numpy(grads["prediction"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "key"), EVERY_LOSS)
def test_value_and_gradient_are_those_of_the_formula(name: str, key: str, dtype: str) -> None:
    backend = samestep.backend(name, dtype=dtype)
    rounding = Tolerance(dtype).c(len(Y) + 6)
    for delta in DELTAS:
        values, slopes = expected(key, delta)
        for reduction, scale in (("sum", 1), ("mean", len(Y))):
            value, slope = value_and_slope(backend, key, delta, reduction)
            assert value.dtype == slope.dtype == np.dtype(dtype)
            assert value == pytest.approx(values.sum() / scale, rel=rounding, abs=0)
            np.testing.assert_allclose(slope, slopes / scale, rtol=rounding, atol=0)
        arrays = backend.asarray(PREDICTION), backend.asarray(Y)
        with backend.scope():
            elementwise = backend.native[key](*arrays, delta, "none")
        np.testing.assert_allclose(backend.to_numpy(elementwise), values, rtol=rounding, atol=0)


@pytest.mark.parametrize(("name", "key"), EVERY_LOSS)
def test_delta_matters_to_those_that_have_one(name: str, key: str) -> None:
    backend = samestep.backend(name, dtype="float64")
    first, second = (value_and_slope(backend, key, delta, "sum")[0] for delta in DELTAS)
    assert (first != second) == key.endswith(("huber", "smooth_l1"))


@pytest.mark.parametrize(("name", "key"), EVERY_LOSS)
def test_unknown_reductions_are_refused(name: str, key: str) -> None:
    backend = samestep.backend(name, dtype="float64")
    with pytest.raises((KeyError, ValueError)):
        value_and_slope(backend, key, 1.0, "median")
