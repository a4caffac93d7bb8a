"""Claims: checked statements that answer an exercise, with evidence per participant.

A statistical claim is decided by a confidence interval, never by a threshold on a point estimate:
it holds if the whole interval lies where the claim says, fails if the whole interval lies
elsewhere, and is *undecided* if there are too few seeds to tell. Either decision is wrong with
probability at most :data:`ERROR_RATE`, whatever the number of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "ERROR_RATE",
    "Claim",
    "Evidence",
    "Interval",
    "all_hold",
    "decide",
    "mean_interval",
    "proportion_interval",
    "quantile_interval",
]


def all_hold(verdicts: Iterable[bool | None]) -> bool | None:
    """Combine verdicts: False if any is False, else None if any is undecided, else True."""
    found = set(verdicts)
    return False if False in found else None if None in found else True


ERROR_RATE = 1e-4
"""Probability that a statistical claim is decided wrongly, at most."""


@dataclass(frozen=True)
class Evidence:
    """What one participant contributes to a claim.

    Parameters
    ----------
    holds : bool or None
        None means undecided (too few seeds) or, with ``applies=False``, not applicable.
    text : str
        The measured evidence in one line, or the reason why it does not apply.
    values : mapping
        The measured numbers by name.
    applies : bool
    """

    holds: bool | None
    text: str
    values: Mapping[str, float] = field(default_factory=dict)
    applies: bool = True

    def __post_init__(self) -> None:
        # NumPy's booleans are welcome, but only Python's can be told apart by ``is``.
        if self.holds is not None:
            object.__setattr__(self, "holds", bool(self.holds))

    @classmethod
    def decided(
        cls, interval: Interval, text: str, *, above: float = -math.inf, below: float = math.inf
    ) -> Evidence:
        """Let an interval decide whether a quantity lies in ``(above, below)``.

        Parameters
        ----------
        interval : Interval
        text : str
            What the quantity is, such as ``"median ratio"``.
        above, below : float
        """
        return cls(
            holds=decide(interval, above=above, below=below),
            text=f"{text}: {interval}",
            values=interval._asdict(),
        )

    @classmethod
    def not_applicable(cls, reason: str) -> Evidence:
        """State that a claim is about something this participant does not have."""
        return cls(None, f"not applicable: {reason}", applies=False)


@dataclass(frozen=True)
class Claim:
    """A checked statement.

    Parameters
    ----------
    id : str
        Unique within its exercise.
    statement : str
        One sentence that can be true or false.
    evidence : mapping of str to Evidence
        By participant label.
    """

    id: str
    statement: str
    evidence: Mapping[str, Evidence]

    @property
    def holds(self) -> bool | None:
        """False if any participant contradicts it, None if one is undecided or none applies."""
        verdicts = [e.holds for e in self.evidence.values() if e.applies]
        return all_hold(verdicts) if verdicts else None


class Interval(NamedTuple):
    """A confidence interval at level ``1 - ERROR_RATE``, and the point estimate."""

    low: float
    high: float
    estimate: float

    def __str__(self) -> str:
        """Estimate and interval, to four digits."""
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


def decide(interval: Interval, *, above: float = -math.inf, below: float = math.inf) -> bool | None:
    """Decide whether a quantity lies in ``(above, below)``: True, False or None (undecided)."""
    # An end that the claim leaves open need not be known.
    if (interval.low > above or above == -math.inf) and (
        interval.high < below or below == math.inf
    ):
        return True
    if interval.high <= above or interval.low >= below:
        return False
    return None


def proportion_interval(successes: int, trials: int) -> Interval:
    """Clopper and Pearson's exact interval of a probability."""
    from scipy import special  # not at the top: listing the exercises imports this module

    half = ERROR_RATE / 2
    failures = trials - successes
    low = special.betaincinv(successes, failures + 1, half) if successes else 0.0
    high = special.betainccinv(successes + 1, failures, half) if failures else 1.0
    return Interval(float(low), float(high), successes / trials if trials else math.nan)


def quantile_interval(samples: npt.ArrayLike, q: float = 0.5) -> Interval:
    """Distribution-free interval of a quantile, from order statistics.

    The number of samples below the ``q`` quantile is binomial, so two order statistics enclose
    the quantile with known probability. Too few samples give an infinite end.
    """
    from scipy import special

    x = np.sort(np.asarray(samples, dtype=np.float64).ravel())
    x = np.where(np.isnan(x), np.inf, x)
    n = len(x)
    count = np.arange(n + 1)
    lower = int((special.bdtr(count, n, q) < ERROR_RATE / 2).sum()) - 1
    upper = int((special.bdtrc(count, n, q) > ERROR_RATE / 2).sum())
    # Between two infinities there is nothing to interpolate.
    method: Literal["linear", "higher"] = "linear" if np.isfinite(x).all() else "higher"
    return Interval(
        float(x[lower]) if lower >= 0 else -math.inf,
        float(x[upper]) if upper < n else math.inf,
        float(np.quantile(x, q, method=method)) if n else math.nan,
    )


def mean_interval(samples: npt.ArrayLike) -> Interval:
    """Student's t interval of a mean; one sample gives an infinite one."""
    from scipy import special

    x = np.asarray(samples, dtype=np.float64).ravel()
    mean = float(x.mean())
    if len(x) < 2:
        return Interval(-math.inf, math.inf, mean)
    half = -special.stdtrit(len(x) - 1, ERROR_RATE / 2) * x.std(ddof=1) / math.sqrt(len(x))
    return Interval(mean - float(half), mean + float(half), mean)
