"""Right digits are marked by what they say, not by how they look."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samestep.cli.digits import SIGNIFICANT_DIGITS, format_number, mark_digits


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        (1.2345678, 1.2345678, ("1.23456780", "", "")),
        (1.2345, 1.2346, ("1.234", "50000", "")),  # half a unit of the 4 is 0.0005
        (1.2345, 1.2354, ("1.23", "450000", "")),
        (-0.0123456, -0.0123556, ("-0.0123", "456000", "")),
        (4.1999998, 4.2, ("4.199999", "80", "")),
        (0.99999994, 1.0, ("0.999999", "940", "")),
        (123456.0, 123465.0, ("1234", "56.000", "")),
        (1e10, 1.1e10, ("1", ".00000000", "e+10")),
        (1e10, 2e10, ("", "1.00000000", "e+10")),
        (1.2345e-7, 1.2346e-7, ("1.234", "50000", "e-07")),
        (9.9999999999, 10.0, ("10.000000", "0", "")),
        (0.0, 1e-9, ("", "0.00000000", "")),
        (0.0, 0.0, ("0.00000000", "", "")),
        (5.0, -5.0, ("", "5.00000000", "")),
        (math.inf, math.inf, ("inf", "", "")),
        (math.inf, 3.0, ("", "inf", "")),
        (math.nan, math.nan, ("nan", "", "")),
        (3.0, math.nan, ("", "3.00000000", "")),
    ],
)
def test_marks(value, reference, expected):
    assert mark_digits(value, reference, 9) == expected


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


@example(value=1e-06, error=0.5, digits=17)
@given(value=NUMBERS, error=st.floats(-1, 1), digits=st.sampled_from([9, 17]))
def test_right_digits_are_right(value, error, digits):
    reference = value * (1 + error)
    number = mark_digits(value, reference, digits)
    assert number.right + number.wrong == format_number(value, digits)[0]
    assert number.exponent == format_number(value, digits)[1]
    if number.right and value != reference:
        # Half a unit of the last right digit, in the decimal number that is shown.
        shown = number.right
        decimals = len(shown.partition(".")[2])
        if "." not in shown:
            decimals = -sum(c.isdigit() for c in number.wrong.partition(".")[0])
        unit = 10.0 ** (int(number.exponent[1:] or 0) - decimals)
        assert abs(value - reference) <= 0.5 * unit * (1 + 1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(bits=st.integers(0, 2**31 - 1))
def test_shown_digits_tell_numbers_apart(dtype, bits):
    value = np.dtype(dtype).type(np.uint32(bits).view(np.float32))
    neighbour = np.nextafter(value, np.dtype(dtype).type(0))
    if np.isfinite(value) and value:
        digits = SIGNIFICANT_DIGITS[dtype]
        assert format_number(float(value), digits) != format_number(float(neighbour), digits)
