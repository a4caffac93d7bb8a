"""What a truth says, measures and admits."""

import math

import mpmath
import pytest

from samestep.probes.derivative import Derivative
from samestep.probes.observation import observe
from samestep.probes.truth import Convention, Truth, Value

ABS = Derivative(lambda m, x: abs(x), at=0.0, left=-1.0, right=1.0)
TIE = Derivative(
    lambda m, a, b: max(a, b),
    at=(1.0, 1.0),
    left=(0.0, 0.0),
    right=(1.0, 1.0),
    diagonal=(1.0, 1.0),
)


@pytest.mark.parametrize(
    ("truth", "value", "right"),
    [
        (ABS, 0.0, True),
        (ABS, -1.0, True),
        (ABS, 1.5, False),
        (ABS, math.nan, False),
        (ABS, None, False),
        (ABS, "0", False),
        (ABS, [0.0, 0.0], False),
        (ABS, {"forward": 1.0, "reverse": 0.0}, True),
        (ABS, {"forward": 2.0, "reverse": 0.0}, False),
        (TIE, [0.5, 0.5], True),
        (TIE, [1.0, 0.0], True),
        (TIE, [1.0, 1.0], False),
        (TIE, [0.0, 0.0], False),
        (Derivative(lambda m, x: m.sqrt(x), 0.0, None, math.inf), math.inf, True),
        (Derivative(lambda m, x: m.sqrt(x), 0.0, None, math.inf), 1e30, False),
        (Derivative(lambda m, x: m.log(-1 - abs(x)), 0.0, None, None), 3.0, None),
        (Value(2.0, lambda mp: mp.mpf(2)), 2.0, True),
        (Value(2.0, lambda mp: mp.mpf(2)), 2.001, False),
        (Value(2.0, lambda mp: mp.mpf(2)), {"a": 2.0, "b": 2.0}, True),
        (Value([1, 2], lambda mp: [1, 2]), [1.0, 2.0], False),
        (Convention("anything", "a rule"), 7.0, None),
        (Convention("nothing", "a rule", expected=None), None, True),
        (Convention("nothing", "a rule", expected=None), 0.0, False),
    ],
)
def test_admission(truth: Truth, value: object, right: bool | None) -> None:
    assert truth.admits(observe(value)) is right


def test_rounding_is_admitted_at_the_scale_of_the_terms_only() -> None:
    value = Value(0.0, lambda mp: mp.mpf(0))
    assert value.admits(observe(1e-16)) is False
    assert value.admits(observe(1e-16), scale=1.0) is True
    assert value.admits(observe(1e-13), scale=1.0) is False


@pytest.mark.parametrize(
    ("function", "at", "left", "right"),
    [
        (lambda m, x: abs(x), 0.0, -1, 1),
        (lambda m, x: m.exp(x), 1.0, math.e, math.e),
        (lambda m, x: m.sqrt(x), 0.0, None, math.inf),
        (lambda m, x: m.floor(x), 1.0, math.inf, 0),
        (lambda m, x: x * m.log(x) if x > 0 else 0 * x, 0.0, 0, -math.inf),
    ],
)
def test_slopes_are_measured(function, at, left, right) -> None:
    truth = Derivative(function, at, left, right)
    with mpmath.workdps(60):
        measured = [
            *truth.measured(mpmath.mp, (mpmath.mpf(10) ** -20, mpmath.mpf(10) ** -40))[0],
            *truth.measured()[0],
        ]
    for slope, stated, tolerance in zip(
        measured, (left, right) * 2, (1e-18,) * 2 + (1e-6,) * 2, strict=True
    ):
        assert (slope is None) == (stated is None)
        if stated is not None:
            assert float(slope) == pytest.approx(stated, abs=tolerance * 10, rel=1e-6)


def test_words() -> None:
    assert ABS.brief == "[-1, 1]"
    assert ABS.statement == "no derivative: -1 from the left, 1 from the right."
    assert Derivative(lambda m, x: m.exp(x), 0.0, 1.0, 1.0).brief == "1"
    assert Derivative(lambda m, x: m.sqrt(x), 0.0, None, math.inf).brief == "inf (right)"
    assert TIE.brief == "([0, 1], [0, 1])"
    assert TIE.statement.endswith("for each argument; along (1, ..., 1): the derivative is 1.")
