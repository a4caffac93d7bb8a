"""The tape's gradients are right, and rounding in the working precision stays within its bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from samestep.interface import DTYPES
from samestep.ledger import formula
from samestep.ledger.adjoint import Adjoint
from samestep.ledger.tape import Tape, Term

Host = npt.NDArray[np.float64]

X = np.array([[0.5, -1.25, 2.0], [3.0, 0.75, -0.125]])
POSITIVE = np.abs(X) + 0.5
MASK = X > 0


def differentiate(f: Callable[[Term], Term], x: Host, dtype: str = "float64") -> Adjoint:
    tape = Tape(dtype)
    variable = tape.constant(x)
    return tape.gradient(f(variable), {"x": variable})["x"]


FORMULAS: dict[str, tuple[Callable[[Term], Term], Host]] = {
    "sum and product": (lambda x: (2 * x + x * x - 1) * x, X),
    "quotient": (lambda x: (x - 3) / (x * x + 1), X),
    "reversed operators": (lambda x: 3 - 1 / (2 - x * 0.25), X),
    "powers": (lambda x: x**3 + x**1.5, POSITIVE),
    "exp and log": (lambda x: formula.exp(-x) * formula.log(x), POSITIVE),
    "sqrt and sigmoid": (lambda x: formula.sqrt(x) * formula.sigmoid(x), POSITIVE),
    "softplus": (formula.softplus, X),
    "absolute and relu": (lambda x: formula.absolute(x) * formula.relu(x - 0.25), X),
    "maximum": (lambda x: formula.maximum(x, x * x - 0.5), X),
    "where": (lambda x: formula.where(MASK, x * x, -x), X),
    "broadcasting": (lambda x: x * x.sum(0) + x[:, :1], X),
    "means": (lambda x: x.sum(-1, keepdims=True) / 3 * x, X),
    "log_softmax": (lambda x: formula.log_softmax(x, 0) * X, X),
    "softmax": (lambda x: formula.softmax(x) * X, X),
    "logsumexp": (lambda x: formula.logsumexp(x * x), X),
    "maximum along an axis": (lambda x: x.max(1) * x[:, 0], X),
    "repeated indices": (lambda x: x[np.array([0, 0, 1]), np.array([1, 1, 2])] ** 2, X),
    "stack and reshape": (lambda x: formula.stack([x, x * x]).reshape(4, 3)[1:3] ** 2, X),
    "reduction": (lambda x: formula.reduce(x * x, "mean") * formula.reduce(x, "sum"), X),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_gradient_is_the_limit_of_difference_quotients(name: str) -> None:
    f, x = FORMULAS[name]
    found = differentiate(f, x).value
    for index in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[index] = 1e-6
        tape = Tape("float64")
        ends = [f(tape.constant(x + s * h)).value.sum() for s in (1, -1)]
        assert found[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-8, abs=1e-8)


def test_a_variable_that_is_not_used_has_gradient_zero() -> None:
    tape = Tape("float64")
    x, y = tape.constant(X), tape.constant(X)
    assert not tape.gradient(x.sum(), {"y": y})["y"].value.any()


# What each formula may meet, as a framework would compute it: in the working precision throughout.
IN_PRECISION: dict[str, tuple[Callable[[Term], Term], Callable[..., Host]]] = {
    "polynomial": (lambda x: (x * x - 1) * (x + 3), lambda x: (x * x - x.dtype.type(1)) * (x + 3)),
    "softmax": (
        formula.softmax,
        lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
    ),
    "logsumexp": (
        formula.logsumexp,
        lambda x: np.log(np.exp(x - x.max()).sum()) + x.max(),
    ),
    "softplus": (formula.softplus, lambda x: np.log(1 + np.exp(x))),
    "cancelling sum": (lambda x: ((x + 100) - 100).sum(), lambda x: ((x + 100) - 100).sum()),
    "norm": (
        lambda x: formula.sqrt((x * x).sum(-1)),
        lambda x: np.sqrt((x * x).sum(-1)),
    ),
}


@pytest.mark.parametrize("name", IN_PRECISION)
@settings(max_examples=60)
@for_all(
    x=arrays.arrays(np.float32, 5, elements=st.floats(-30, 30, width=32, allow_subnormal=False))
)
def test_rounding_in_the_working_precision_stays_within_the_bound(
    name: str, x: npt.NDArray[np.float32]
) -> None:
    exact, computed = IN_PRECISION[name]
    size = max(1.0, float(np.abs(x).max()))
    for dtype in DTYPES:
        term = exact(Tape(dtype).constant(x.astype(np.float64)))
        error = np.abs(np.asarray(computed(x.astype(dtype)), np.float64) - term.value)
        assert (error <= term.error).all()
        # A bound that is no use would hold as well.
        roundings = term.error / float(np.finfo(dtype).eps) / (4000 * size**3)
        assert (roundings < 1).all()


def test_the_bound_is_that_of_the_working_precision() -> None:
    errors = [float(formula.exp(Tape(dtype).constant(1.0)).error) for dtype in DTYPES]
    assert 1e8 < errors[0] / errors[1] < 1e9


def test_a_constant_that_the_precision_lacks_is_off_by_its_rounding() -> None:
    assert Tape("float32").constant(0.5).error == 0
    assert Tape("float32").constant(0.1).error == pytest.approx(
        abs(0.1 - float(np.float32(0.1))), abs=0
    )
    assert Tape("float64").constant(0.1).error == 0


def test_at_a_kink_either_slope_is_allowed_for() -> None:
    at_zero = differentiate(formula.absolute, np.array([0.0, -0.0, 1.0, -1e-20]))
    assert at_zero.value.tolist() == [0, 0, 1, -1]
    assert at_zero.jump.tolist() == [1, 1, 0, 0]
    hinge = differentiate(lambda x: 2 * formula.relu(1 - x), np.array([1.0, 0.0]))
    assert hinge.value.tolist() == [-1, -2]
    np.testing.assert_allclose(hinge.jump, [1, 0], atol=1e-15)


def test_near_a_kink_rounding_decides() -> None:
    x = np.array([1 + 2.0**-23])  # 0.1 x 10 - x may come out on either side of zero
    jump = differentiate(lambda x: formula.relu(x * 0.1 * 10 - 1), x, "float32").jump
    assert jump[0] > 0.5
    assert differentiate(lambda x: formula.relu(x * 0.1 * 10 - 1), x, "float64").jump[0] == 0


def test_equal_maxima_share_the_slope() -> None:
    tied = differentiate(lambda x: x.max(0), np.array([2.0, 2.0, 1.0]))
    assert tied.value.tolist() == [0.5, 0.5, 0]
    assert tied.jump.tolist() == [1, 1, 0]


def test_a_mask_stops_infinite_slopes() -> None:
    x = np.array([0.0, 4.0])
    masked = differentiate(lambda x: formula.where(x.value > 0, formula.sqrt(x), 0.0), x)
    assert masked.value.tolist() == [0, 0.25]
    assert np.isinf(differentiate(formula.sqrt, x).value[0])


def test_beyond_the_range_there_is_no_bound() -> None:
    with np.errstate(over="ignore"):
        square = Tape("float32").constant(np.array([1e20, 1.0])) ** 2
    assert np.isinf(square.error[0])
    assert square.error[1] < 1e-6
    assert np.isfinite((Tape("float64").constant(np.array([1e20])) ** 2).error[0])


def test_an_infinite_input_is_exact() -> None:
    row = Tape("float32").constant(np.array([-np.inf, 0.0]))
    log_p = formula.log_softmax(row)
    assert log_p.value.tolist() == [-np.inf, 0]
    assert np.isfinite(log_p.error).all()
