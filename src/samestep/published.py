"""Are published numbers, from an unknown seed, an ordinary draw from our distribution?

"Reproduced" means: each published number lies inside the central 99 % of our distribution over
seeds, corrected for the number of numbers that are looked at (Bonferroni). A check that cannot
fail proves nothing, so its power stands beside it: how often it would have rejected a draw from a
wrong setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CENTRAL", "SEEDS_TO_DECIDE", "Power", "PublishedCheck", "power", "published_checks"]

CENTRAL = 0.99
"""The central share of the distribution that counts as ordinary, over all numbers together."""

SEEDS_TO_DECIDE = 10_000
"""Below this many seeds the tails are not known well enough, and the verdict is undecided."""

DRAWS_TO_EXCLUDE = 200
"""Below this many draws an ordinary number leaves their range too often, 2 times in draws + 1."""

NUMBERS = 15
"""How many published numbers there are in all exercises; each tail is corrected for them."""


@dataclass(frozen=True)
class PublishedCheck:
    """A published number as a position in the distribution of one participant over seeds.

    Parameters
    ----------
    id : str
    participant : str
    value : float
    percentile : float
        Share of seeds below the value, in percent.
    low, high : float
        The interval that counts as ordinary.
    seeds : int
    holds : bool or None
        None with fewer than :data:`SEEDS_TO_DECIDE` seeds.
    """

    id: str
    participant: str
    value: float
    percentile: float
    low: float
    high: float
    seeds: int
    holds: bool | None


@dataclass(frozen=True)
class Power:
    """How often draws from a wrong setting would have been rejected.

    Parameters
    ----------
    wrong_setting : str
    rejected : float
        Share of the draws that the check rejects, at least one number outside its interval.
    draws : int
    excluded : bool or None
        The other way round: whether a published number lies outside the range of all the draws,
        so that the published run can hardly have used that setting. None with fewer than
        :data:`DRAWS_TO_EXCLUDE` draws.
    """

    wrong_setting: str
    rejected: float
    draws: int
    excluded: bool | None


def ordinary_interval(samples: npt.ArrayLike) -> tuple[float, float]:
    """Central interval of a sample, at the corrected level."""
    tail = (1 - CENTRAL) / NUMBERS / 2
    low, high = np.quantile(np.asarray(samples, np.float64), [tail, 1 - tail])
    return float(low), float(high)


def published_checks(
    participant: str, published: Mapping[str, float], samples: npt.ArrayLike
) -> list[PublishedCheck]:
    """Place published numbers in the distribution of a participant.

    Parameters
    ----------
    participant : str
    published : mapping
        Number by id, in the order of the columns of ``samples``.
    samples : array of shape (seeds, numbers)
    """
    x = np.asarray(samples, np.float64)
    checks = []
    for column, (name, value) in enumerate(published.items()):
        draws = x[:, column]
        low, high = ordinary_interval(draws)
        # Half of the ties count as below; a published number has four decimals.
        below = np.mean(draws < value) + 0.5 * np.mean(draws == value)
        holds = bool(low <= value <= high) if len(draws) >= SEEDS_TO_DECIDE else None
        checks.append(
            PublishedCheck(
                name, participant, value, 100 * float(below), low, high, len(draws), holds
            )
        )
    return checks


def power(checks: Sequence[PublishedCheck], wrong: Mapping[str, npt.ArrayLike]) -> list[Power]:
    """Estimate how often each wrong setting would be rejected by the intervals of the checks.

    Parameters
    ----------
    checks : sequence of PublishedCheck
        Of one participant.
    wrong : mapping of str to array of shape (draws, numbers)
        Draws from wrong settings, columns in the order of the checks.
    """
    low = np.array([check.low for check in checks])
    high = np.array([check.high for check in checks])
    published = np.array([check.value for check in checks])
    result = []
    for name, samples in wrong.items():
        x = np.asarray(samples, np.float64)
        rejected = ~((x >= low) & (x <= high)).all(axis=1)
        inside = (x <= published).any(axis=0) & (x >= published).any(axis=0)
        excluded = not inside.all() if len(x) >= DRAWS_TO_EXCLUDE else None
        result.append(Power(name, float(rejected.mean()), len(x), excluded))
    return result
