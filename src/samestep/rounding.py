r"""One step of SGD in float64, and how far rounding can move it in the working precision.

The referee starts from the *recorded* state before a step (parameters, velocities) and computes
prediction, loss, gradient and update anew. Beside each number stands a bound on the difference
between it and what any correct implementation may get in the working precision: a running error
analysis, with the actual magnitudes of all terms.

Notation: ``u`` is the unit roundoff, ``gamma(n) = n u / (1 - n u)`` (Higham, *Accuracy and
Stability of Numerical Algorithms*, 2nd ed., section 3.1). A sum of ``n`` products, in any order,
with or without fused multiply-add, is off by at most ``gamma(n)`` times the sum of the absolute
values of its terms (section 3.1, eq. 3.5). Each constant below counts the roundings that one term
can meet.
The referee's own float64 roundings are added: ``c(n) = gamma(n; u) + gamma(n; 2^-53)``.

Underflow: a framework may flush subnormal numbers to zero, inputs as well as results; each
operation can then be off by the smallest normal number ``tiny``, times the factors that follow.

Prediction, with d features:
    |dp| <= c(d + 1) (sum |x_j w_j| + |b|)
Residual:
    |dr| <= |dp| + c(1) (|r| + |dp|)
Elementwise loss f and slope f': their variation over [r - dr, r + dr] (looked at on both sides of
    every kink inside, so near a kink either answer is within the bound), plus c(6) times the
    sum of the absolute values of their terms.
Loss over B rows:
    |dL| <= (sum m |df| + c(B + 4) sum m (|f| + |df|)) / M,     M = sum m for a mean, 1 for a sum
Gradient:
    |ds| <= m |df'| / M + c(6) m (|f'| + |df'|) / M             (slope of one row)
    |dg| <= sum |x| |ds| + c(B + 2) sum |x| (|s| + |ds|)
    In a mean of reweighted rows M is itself a rounded sum: B more in c(B + 4) and in c(6).
    For a loss that was registered as a formula alone, df and df' are estimated from samples in the
    working precision (samestep.estimate); all else is derived, as above.
Update, with learning rate h, momentum mu and weight decay k (all rounded to the working precision):
    each operation adds c(1) of the magnitudes of its terms to the error it inherits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.estimate import enclose_by_samples
from samestep.loss import Float64, Loss

__all__ = ["Tolerance", "enclose"]


class Tolerance:
    """Rounding constants of a working precision.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    """

    def __init__(self, dtype: str) -> None:
        info = np.finfo(dtype)
        self.dtype = dtype
        self.unit_roundoff = float(info.eps) / 2
        self.tiny = float(info.tiny)
        self.largest = float(info.max)

    def c(self, n: int) -> float:
        """``gamma(n)`` of the working precision plus that of the float64 referee."""
        return _gamma(n, self.unit_roundoff) + _gamma(n, 2.0**-53)


def _gamma(n: int, u: float) -> float:
    return n * u / (1 - n * u)


def enclose(
    loss: Loss, r: Float64, d_r: Float64, delta: float, tolerance: Tolerance
) -> tuple[Float64, Float64, Float64, Float64, Float64]:
    """Evaluate a loss and its slope, and bound what rounding does to either.

    Parameters
    ----------
    loss : Loss
    r, d_r : arrays of one shape, float64
        Residuals, and how far the working precision may be from each of them.
    delta : float
        Rounded to the working precision already.
    tolerance : Tolerance

    Returns
    -------
    value, value_bound, slope, slope_bound, magnitude : arrays
        At a kink the bounds let either one-sided answer pass. The magnitude is that of the terms
        of the loss.

    Notes
    -----
    Between two kinks value and slope are monotone or convex, so their variation over the interval
    is largest at its ends, or at a kink inside, approached from either side.
    """
    if not loss.analysed:
        return enclose_by_samples(loss, r, d_r, delta, tolerance)

    def value(at: Float64) -> Float64:
        return np.asarray(loss.value(_NUMPY, at, delta), dtype=np.float64)

    f, slope = value(r), loss.derivative(r, delta)
    d_f, d_slope = np.zeros_like(r), np.zeros_like(r)
    points = [r - d_r, r + d_r]
    for kink in loss.kinks(delta):
        inside = np.abs(r - kink) <= d_r
        if inside.any():
            sides = (np.nextafter(kink, -np.inf), np.nextafter(kink, np.inf))
            points.extend(np.where(inside, side, r) for side in sides)
    for point in points:
        np.maximum(d_f, np.abs(value(point) - f), out=d_f)
        np.maximum(d_slope, np.abs(loss.derivative(point, delta) - slope), out=d_slope)
    size = loss.magnitude(np.abs(r) + d_r, delta)
    c, tiny = tolerance.c(6), tolerance.tiny
    d_f += c * size + tiny * (1 + np.abs(r) + 1 / delta)
    d_slope += c * np.abs(slope) + tiny * (1 + 1 / delta)
    return f, d_f, slope, d_slope, size


_NUMPY: Any = np
