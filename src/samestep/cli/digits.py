"""Numbers with their right digits marked."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["SIGNIFICANT_DIGITS", "MarkedNumber", "format_number", "mark_digits"]

SIGNIFICANT_DIGITS = {"float32": 9, "float64": 17}
"""Decimal digits that tell any two numbers of a precision apart."""


class MarkedNumber(NamedTuple):
    """A number in three parts: right digits, the other digits, a power of ten."""

    right: str
    wrong: str
    exponent: str


def format_number(value: float, digits: int) -> tuple[str, str]:
    """Mantissa and power of ten of a number, with so many significant digits."""
    if not math.isfinite(value):
        return str(value), ""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if value and not 1e-4 <= abs(value) < 1e6:
        return mantissa, f"e{exponent}"
    return f"{value:.{max(digits - 1 - int(exponent), 0)}f}", ""


def mark_digits(value: float, reference: float, digits: int) -> MarkedNumber:
    """Split a number where its digits stop being right.

    The first d significant digits are right if the number is off by at most half a unit of the
    d-th; an equal number is right in all of them.

    Parameters
    ----------
    value, reference : float
    digits : int
        Significant digits to show.
    """
    mantissa, exponent = format_number(value, digits)
    if value == reference or (math.isnan(value) and math.isnan(reference)):
        return MarkedNumber(mantissa, "", exponent)
    error = abs(value - reference)
    if not (math.isfinite(error) and value):
        return MarkedNumber("", mantissa, exponent)
    # From the digits that are shown: 1e-06 with 17 digits is 9.9999999999999995e-07.
    leading = int(f"{value:.{digits - 1}e}".partition("e")[2])
    right = math.floor(leading + 1 - math.log10(2) - math.log10(error))
    cut = _position(mantissa, min(max(right, 0), digits - 1))
    return MarkedNumber(mantissa[:cut], mantissa[cut:], exponent)


def _position(mantissa: str, count: int) -> int:
    """Where so many significant digits of a mantissa have been passed."""
    seen = 0
    if not count:
        return 0
    for i, sign in enumerate(mantissa):
        seen += sign.isdigit() and (sign != "0" or seen > 0)
        if seen == count:
            return i + 1
    return len(mantissa)
