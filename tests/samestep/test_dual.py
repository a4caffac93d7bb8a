"""Dual numbers differentiate what shared losses may be made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samestep.dual import differentiate
from samestep.errors import UsageError
from samestep.loss import LOSSES, Loss

# On dual numbers and on mpmath's: the same formula, written for either.
FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "quotient": (lambda xp, x: (1 - x) / (2 + x * x), lambda x: (1 - x) / (2 + x * x)),
    "reciprocal": (lambda xp, x: 3 / (1 + xp.square(x)), lambda x: 3 / (1 + x * x)),
    "log-cosh": (
        lambda xp, x: xp.log(0.5 * (xp.exp(x) + xp.exp(-x))),
        lambda x: mpmath.log(mpmath.cosh(x)),
    ),
    "charbonnier": (lambda xp, x: xp.sqrt(1 + x**2) - 1, lambda x: mpmath.sqrt(1 + x**2) - 1),
    "tanh": (lambda xp, x: x * xp.tanh(x), lambda x: x * mpmath.tanh(x)),
    "clipped": (
        lambda xp, x: xp.minimum(xp.maximum(x, -1.0), 1.0) * x,
        lambda x: min(max(x, -1), 1) * x,
    ),
    "pinball": (
        lambda xp, x: xp.where(x >= 0.0, 0.9 * x, -0.1 * x),
        lambda x: (mpmath.mpf(0.9) if x >= 0 else -mpmath.mpf(0.1)) * x,
    ),
    "power": (lambda xp, x: xp.abs(x) ** 1.5, lambda x: abs(x) ** mpmath.mpf(1.5)),
}


@pytest.mark.parametrize("name", FORMULAS)
@given(x=st.floats(-20, 20).filter(lambda x: abs(abs(x) - 1) > 1e-6 and abs(x) > 1e-6))
def test_value_and_slope_are_those_of_arbitrary_precision(name: str, x: float) -> None:
    ours, exact = FORMULAS[name]
    found = differentiate(ours, np.array([x]))
    with mpmath.workdps(50):
        value, slope = exact(mpmath.mpf(x)), mpmath.diff(exact, mpmath.mpf(x), h="1e-20")
    size = float(found.largest[0])
    assert abs(found.value[0] - float(value)) <= 2e-15 * (size + 1)
    assert abs(found.slope[0] - float(slope)) <= 2e-14 * (size + 1)


@pytest.mark.parametrize("name", ["squared_error", "half_squared_error", "huber", "smooth_l1"])
def test_they_agree_with_the_closed_forms(name: str) -> None:
    loss, r = LOSSES[name], np.linspace(-3, 3, 97)
    found = differentiate(lambda xp, x: loss.value(xp, x, 0.7), r)
    np.testing.assert_allclose(found.slope, loss.derivative(r, 0.7), rtol=1e-15)
    np.testing.assert_array_equal(found.value, loss.value(np, r, 0.7))  # type: ignore[arg-type]


def test_at_a_kink_the_slope_lies_between_its_limits() -> None:
    zero = np.zeros(1)
    assert differentiate(lambda xp, x: xp.abs(x), zero).slope == 0
    assert differentiate(lambda xp, x: xp.maximum(x, 0.0), zero).slope == 0.5
    assert differentiate(lambda xp, x: xp.minimum(0.0, x), zero).slope == 0.5


def test_the_largest_number_on_the_way_is_kept() -> None:
    x = np.array([80.0])
    found = differentiate(lambda xp, x: xp.log(xp.exp(x)), x)
    assert found.largest == np.exp(80.0)
    assert found.value == pytest.approx(80)


@pytest.mark.parametrize("precision", [np.float32, np.longdouble])
def test_the_arithmetic_is_done_in_the_precision_of_the_argument(precision: Any) -> None:
    found = differentiate(lambda xp, x: 0.1 * xp.square(x) / 3.0, np.array([1.7], precision))
    assert found.value.dtype == found.slope.dtype == precision


def test_a_constant_has_slope_zero() -> None:
    found = differentiate(lambda xp, x: xp.ones_like(x), np.array([2.0, 3.0]))
    assert found.value.tolist() == [1, 1]
    assert found.slope.tolist() == [0, 0]


def test_what_is_not_elementwise_is_refused_by_name() -> None:
    loss = Loss.from_formula("summed", "sum r", lambda xp, r, delta: xp.sum(r))
    with pytest.raises(UsageError, match=r"xp\.sum is not elementwise"):
        loss.derivative(np.zeros(2), 1.0)
