"""An estimate of rounding errors, for where nobody has analysed them.

A bound is derived from the terms that a formula adds; of a loss that somebody registers as a
formula alone these are unknown. Then the formula is evaluated in the working precision at arguments
near the one that counts, and each result is compared with one of higher precision at the same
argument. What is seen there, times :data:`FACTOR`, stands for the bound.
It is an estimate: it can miss an error that strikes rarely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from samestep.dual import Dual, Real, differentiate
from samestep.errors import UsageError

if TYPE_CHECKING:
    from samestep.loss import Float64, Loss
    from samestep.rounding import Tolerance

__all__ = ["FACTOR", "enclose_by_samples", "estimated_bound"]

FACTOR = 4.0
"""How many times the largest sampled error an error may be.

Of 17 samples that are distributed as the error itself, all are below a quarter of the largest one
that is possible with a probability of 4^-17 if it is uniform, and seldom if it is not.
"""

_SHIFTS = np.arange(-8, 9)
_SCALES = np.linspace(0.8, 1.25, 18)
"""Arguments that are sampled: units in the last place away, and up to a quarter away, because a
small argument may be absorbed by a large constant, so that its last places change nothing."""


def estimated_bound(
    exact: npt.NDArray[Any], samples: npt.NDArray[Any], floor: npt.NDArray[Any] | float = 0.0
) -> Float64:
    """Estimate how far a computed number may be from the exact one.

    Parameters
    ----------
    exact : array
        Of higher precision, broadcastable to the samples.
    samples : array of shape (samples, ...)
        The same number under variations that a sound implementation may make.
    floor : array or float
        The least it can be, such as one rounding of the number itself.

    Returns
    -------
    array of shape (...), float64
        :data:`FACTOR` times the largest deviation, elementwise; infinite where a sample is not
        finite although the exact number is.
    """
    with np.errstate(all="ignore"):
        deviation = np.abs(samples.astype(exact.dtype) - exact)
    deviation = np.where(np.isfinite(exact) & ~np.isfinite(samples), np.inf, deviation)
    return np.asarray(FACTOR * deviation.max(0) + floor, dtype=np.float64)


def enclose_by_samples(
    loss: Loss, r: Float64, d_r: Float64, delta: float, tolerance: Tolerance
) -> tuple[Float64, Float64, Float64, Float64, Float64]:
    """Evaluate a loss without analysis and its slope, and estimate what rounding does to either.

    Parameters and returns are those of :func:`samestep.rounding.enclose`. To the sampled rounding
    errors the variation over ``[r - d_r, r + d_r]`` is added, looked at in nine places; a kink
    inside is straddled by them.
    """
    wide = _wider(tolerance.dtype)

    def evaluate(at: Real) -> Dual:
        return differentiate(lambda xp, x: loss.value(xp, x, delta), at)

    exact = evaluate(r.astype(wide))
    spread = [evaluate((r + share * d_r).astype(wide)) for share in np.linspace(-1, 1, 9)]

    with np.errstate(all="ignore"):
        centre = r.astype(tolerance.dtype)
        shifts, scales = (x.reshape(-1, *(1,) * r.ndim) for x in (_SHIFTS, _SCALES))
        near = np.concatenate([centre + shifts * np.spacing(centre), centre * scales])
        near = near.astype(tolerance.dtype)
        computed, true = evaluate(near), evaluate(near.astype(wide))
        floor = tolerance.tiny * (1 + np.abs(r) + 1 / delta)
        c = tolerance.c(6)
        d_f = estimated_bound(true.value, computed.value, c * np.abs(exact.value) + floor)
        d_slope = estimated_bound(true.slope, computed.slope, c * np.abs(exact.slope) + floor)
        d_f += np.max([np.abs(at.value - exact.value) for at in spread], axis=0)
        d_slope += np.max([np.abs(at.slope - exact.slope) for at in spread], axis=0)
    f, slope = (x.astype(np.float64) for x in (exact.value, exact.slope))
    return f, d_f, slope, d_slope, np.abs(f)


def _wider(dtype: str) -> type[np.floating[Any]]:
    """A precision that is higher than the working one, so that its own errors do not count."""
    if dtype == "float32":
        return np.float64
    if np.finfo(np.longdouble).eps >= np.finfo(dtype).eps:
        raise UsageError(
            f"A loss without analysis cannot be judged in {dtype} on this machine, whose long "
            "double is no wider.",
            "Judge it in float32, or register the loss with its analysis: samestep.Loss(...).",
        )
    return np.longdouble
