r"""What moved labels do to a fit, by the theory of M-estimators.

A loss acts on a fit through its slope ``psi``. With features of mean 0 and variance 1 that are
independent of the labels' errors ``e``, a fit to ``n`` examples settles where the mean of
``psi(b - e)`` is 0, ``b`` being the intercept's error, and its parameters vary with the variance
``q / (n lambda^2)``, where ``q`` is the mean of ``psi^2`` and ``lambda`` the mean of ``psi'``
(Huber, *Robust Statistics*, 1981, section 7.6). The slopes have no bias.

The errors ``e`` are those of a given share of moved labels (all by the same shift, or each up or
down at random) and normal noise in every label.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from samestep.loss import Float64

Signs: TypeAlias = Literal["same", "random"]
"""Whether all labels are moved the same way, or each up or down at random."""


@dataclass(frozen=True)
class Moved:
    """How the labels of a data set are spoilt.

    Parameters
    ----------
    share : float
        Of labels that are moved, from 0 to 1.
    shift : float
        By how much.
    signs : {"same", "random"}
    """

    share: float
    shift: float
    signs: Signs = "same"

    def groups(self) -> list[tuple[float, tuple[float, ...]]]:
        """Return the shares of clean and moved labels, each with its equally likely shifts."""
        shifts = (self.shift,) if self.signs == "same" else (self.shift, -self.shift)
        return [(1 - self.share, (0.0,)), (self.share, shifts)]


class Moments(NamedTuple):
    """Means over normal noise of the slope of a loss, of its square, and of its derivative."""

    slope: float
    square: float
    curvature: float


def moments(loss: str, delta: float, centre: float, noise: float) -> Moments:
    """Return the means at the residual ``centre + noise Z``, Z standard normal.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber"}
    delta : float
        Of Huber's loss.
    centre, noise : float
    """
    from scipy import special  # not at the top: listing the exercises imports this module

    if loss == "squared_error":
        return Moments(2 * centre, 4 * (centre**2 + noise**2), 2.0)
    if loss == "absolute_error":
        z = centre / noise
        return Moments(2 * float(special.ndtr(z)) - 1, 1.0, 2 * _density(z) / noise)
    if loss != "huber":
        raise ValueError(f"no theory for {loss}")
    low, high = (-delta - centre) / noise, (delta - centre) / noise
    below, above = special.ndtr(low), special.ndtr(-high)
    inside = 1 - below - above
    # Of centre + noise Z, cut off at low and high: integrals of 1, z and z^2 under the density.
    first = _density(low) - _density(high)
    second = inside + low * _density(low) - high * _density(high)
    return Moments(
        float(delta * (above - below) + centre * inside + noise * first),
        float(
            delta**2 * (above + below)
            + centre**2 * inside
            + 2 * centre * noise * first
            + noise**2 * second
        ),
        float(inside),
    )


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


class Settled(NamedTuple):
    """Where a fit settles: bias of the intercept, standard deviations over data sets."""

    bias: float
    intercept: float
    slopes: float


@functools.lru_cache(maxsize=1024)
def settled(
    loss: str, delta: float, moved: Moved, *, noise: float, examples: int, features: int = 2
) -> Settled:
    """Predict bias and spread of a fit to moved labels.

    Notes
    -----
    Exactly ``share * examples`` labels are moved, so how many they are adds nothing to the spread
    of the intercept. What does, at second order, is that the slopes' errors meet features whose
    mean over the examples is not quite 0.
    """
    from scipy import optimize

    groups = moved.groups()

    def mean_slope(b: float) -> float:
        return sum(
            share * float(np.mean([moments(loss, delta, b - s, noise).slope for s in shifts]))
            for share, shifts in groups
        )

    ends = [s for _, shifts in groups for s in shifts]
    bias = float(
        optimize.brentq(mean_slope, min(ends) - noise, max(ends) + noise, xtol=1e-13, rtol=1e-12)
    )
    square = curvature = within = 0.0
    for share, shifts in groups:
        of_shifts = np.array([moments(loss, delta, bias - s, noise) for s in shifts])
        slope, q, slant = of_shifts.mean(axis=0)
        square += share * q
        curvature += share * slant
        within += share * (q - slope**2)
    slopes = square / (curvature**2 * examples)
    intercept = within / (curvature**2 * examples) + features / examples * slopes
    return Settled(bias, math.sqrt(intercept), math.sqrt(slopes))


def quantiles_of_size(bias: float, spread: float, q: tuple[float, ...]) -> Float64:
    """Quantiles of the absolute value of a normal number with this mean and deviation."""
    from scipy import stats

    return np.asarray(stats.foldnorm.ppf(q, abs(bias) / spread, scale=spread))
