"""Medians with the uncertainty of finitely many samples, by SciPy's bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.loss import Float64

__all__ = ["Interval", "Spread", "growth_exponent", "ratio_of_medians"]

_RESAMPLES = 2000
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A number and its 95 % bootstrap interval; NaN ends where there are fewer than two samples."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return it as plain data."""
        return asdict(self)

    def __format__(self, form: str) -> str:
        if np.isnan(self.low):
            return f"{self.value:{form}}"
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


@dataclass(frozen=True)
class Spread:
    """Where samples lie.

    Parameters
    ----------
    median : Interval
    quartiles : tuple of float
        The first and the third.
    samples : int
    """

    median: Interval
    quartiles: tuple[float, float]
    samples: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Summarise at least one sample."""
        values = np.asarray(seconds)
        low, high = np.quantile(values, (0.25, 0.75))
        return cls(_interval((values,), np.median), (float(low), float(high)), len(values))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "median": self.median.value,
            "low": self.median.low,
            "high": self.median.high,
            "quartiles": list(self.quartiles),
            "samples": self.samples,
        }


def ratio_of_medians(a: Sequence[float], b: Sequence[float], *, paired: bool) -> Interval:
    """Return the median of ``a`` over that of ``b``.

    Parameters
    ----------
    a, b : sequence of float
    paired : bool
        Whether the i-th samples of both were taken right after each other, so that what slowed
        one slowed the other.
    """

    def ratio(a: Float64, b: Float64, axis: int = -1) -> Any:
        return np.median(a, axis=axis) / np.median(b, axis=axis)

    return _interval((np.asarray(a), np.asarray(b)), ratio, paired=paired)


def growth_exponent(sizes: Sequence[float], seconds: Sequence[Sequence[float]]) -> Interval:
    """Return the slope of the line through log time over log size.

    Parameters
    ----------
    sizes : sequence of float
    seconds : sequence of sequences of float
        Samples of each size, as many of each; those of one round belong together.
    """
    logarithms = np.log(sizes)

    def slope(*samples: npt.NDArray[Any], axis: int = -1) -> Any:
        medians = np.stack([np.log(np.median(values, axis=axis)) for values in samples])
        flat = medians.reshape(len(medians), -1)
        return np.polyfit(logarithms, flat, 1)[0].reshape(medians.shape[1:])

    return _interval([np.asarray(values) for values in seconds], slope, paired=True)


def _interval(
    samples: Sequence[Float64], statistic: Callable[..., Any], *, paired: bool = False
) -> Interval:
    value = float(statistic(*samples))
    if min(len(sample) for sample in samples) < 2:
        return Interval(value, np.nan, np.nan)
    from scipy.stats import bootstrap  # slow to import

    found = bootstrap(
        samples,
        statistic,
        n_resamples=_RESAMPLES,
        confidence_level=_CONFIDENCE,
        vectorized=True,
        paired=paired,
        method="percentile",  # the others divide by a jackknife's spread, which medians lack
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high))
