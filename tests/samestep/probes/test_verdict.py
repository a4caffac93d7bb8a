"""The verdict follows from the observations and the truth, on made-up observations."""

import math

import numpy as np
import pytest

from samestep.probes.derivative import Derivative
from samestep.probes.observation import Absent, Outcome, observe, raised
from samestep.probes.truth import Convention, Truth
from samestep.probes.verdict import reach_verdict

ABS = Derivative(lambda m, x: abs(x), at=0.0, left=-1.0, right=1.0)
FREE = Convention("anything goes", "made up")
ERROR = raised(ValueError("no\nreally"))
ONE = np.float32(1)
NEXT = np.nextafter(ONE, np.float32(2))


def outcome(value: object) -> Outcome:
    return value if isinstance(value, Absent) else observe(value)


@pytest.mark.parametrize(
    ("a", "b", "truth", "verdict"),
    [
        (0.0, 0.0, ABS, "agree"),
        (0.0, 1.0, ABS, "values differ"),
        (2.0, 1.0, ABS, "values differ"),
        (2.0, 3.0, ABS, "both wrong"),
        (2.0, 2.0, ABS, "both wrong"),
        (math.nan, math.nan, FREE, "agree"),
        (math.nan, 0.0, FREE, "values differ"),
        (math.inf, -math.inf, FREE, "values differ"),
        (math.inf, math.inf, FREE, "agree"),
        (ONE, NEXT, FREE, "agree"),
        (ONE, 1 + 1e-4, FREE, "values differ"),
        (1.0, 1 + 1e-7, FREE, "values differ"),
        (1, 2, FREE, "values differ"),
        (2**53, 2**53 + 1, FREE, "values differ"),
        (1j, -1j, FREE, "values differ"),
        (None, 0.0, FREE, "semantics differ"),
        (None, None, FREE, "agree"),
        (np.zeros(2), np.zeros((2, 1)), FREE, "semantics differ"),
        ("float32", "float64", FREE, "semantics differ"),
        (True, False, FREE, "semantics differ"),
        (np.bool_(True), np.array(True), FREE, "agree"),
        ([1.0, None], [1.0, 0.0], FREE, "semantics differ"),
        ([1.0], [1.0, 2.0], FREE, "semantics differ"),
        ({"x": 1.0}, {"y": 1.0}, FREE, "semantics differ"),
        ({"x": 1.0, "y": 2.0}, {"y": 2.0, "x": 1.0}, FREE, "agree"),
        ({"x": 1.0, "y": None}, {"x": 2.0, "y": 0.0}, FREE, "semantics differ"),
        ({"x": ERROR}, {"x": 0.0}, FREE, "one raises"),
        (ERROR, 0.0, ABS, "one raises"),
        (ERROR, raised(TypeError("no")), ABS, "both raise"),
        (Absent(reason="no such thing"), 0.0, ABS, "missing"),
    ],
)
def test_verdict_of_two(a: object, b: object, truth: Truth, verdict: str) -> None:
    assert reach_verdict({"a": outcome(a), "b": outcome(b)}, truth) == verdict
    assert reach_verdict({"a": outcome(b), "b": outcome(a)}, truth) == verdict


def test_one_side_alone_has_no_verdict_and_three_are_compared_with_each_other() -> None:
    assert reach_verdict({"a": observe(0.0)}, ABS) == "missing"
    three = {"a": observe(0.0), "b": observe(0.0), "c": observe(1.0)}
    assert reach_verdict(three, ABS) == "values differ"


def test_scale_widens_the_tolerance() -> None:
    pair = {"a": observe(0.0), "b": observe(1e-16)}
    assert reach_verdict(pair, FREE) == "values differ"
    assert reach_verdict(pair, FREE, scale=1.0) == "agree"
