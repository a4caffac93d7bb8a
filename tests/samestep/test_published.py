"""Published numbers: positions in a distribution, and a check that can fail."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from samestep.published import (
    CENTRAL,
    DRAWS_TO_EXCLUDE,
    NUMBERS,
    SEEDS_TO_DECIDE,
    PublishedCheck,
    ordinary_interval,
    power,
    published_checks,
)


def draws(count: int = SEEDS_TO_DECIDE, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Two numbers, as two final parameters would be: N(2, 1) and N(-3, 0.1^2)."""
    z = np.random.default_rng(seed).standard_normal((count, 2))
    return np.array([2.0, -3.0]) + np.array([1.0, 0.1]) * (z + shift)


def checks_of(w: float, b: float, samples: np.ndarray) -> list[PublishedCheck]:
    return published_checks("torch/cpu/float32", {"w": w, "b": b}, samples)


def test_a_percentile_is_the_share_of_seeds_below() -> None:
    samples = np.arange(100.0)[:, None]
    (check,) = published_checks("p", {"w": 24.5}, samples)
    assert check.percentile == 25.0
    (tied,) = published_checks("p", {"w": 24.0}, samples)
    assert tied.percentile == 24.5  # half of the ties are below
    assert [
        published_checks("p", {"w": value}, samples)[0].percentile for value in (-1.0, 99.5)
    ] == [0.0, 100.0]


def test_ordinary_means_the_central_part_corrected_for_all_numbers() -> None:
    low, high = ordinary_interval(np.linspace(0, 1, 1_000_001))
    tail = (1 - CENTRAL) / NUMBERS / 2
    assert (low, high) == pytest.approx((tail, 1 - tail), rel=1e-6)


def test_an_ordinary_number_holds_and_a_shifted_one_fails() -> None:
    w, b = checks_of(2.3, -2.95, draws())
    assert (w.holds, b.holds) == (True, True)
    assert (w.id, w.participant, w.value, w.seeds) == ("w", "torch/cpu/float32", 2.3, 10_000)
    assert w.low < 2.3 < w.high
    assert w.percentile == pytest.approx(100 * stats.norm.cdf(0.3), abs=2)
    # Each column is judged by its own distribution.
    w, b = checks_of(2.3, -2.3, draws())
    assert (w.holds, b.holds) == (True, False)
    assert b.percentile == 100
    w, b = checks_of(-5.0, -3.0, draws())
    assert (w.holds, b.holds) == (False, True)


def test_a_number_that_is_nan_never_holds() -> None:
    assert [c.holds for c in checks_of(float("nan"), -3.0, draws())] == [False, True]


def test_with_few_seeds_nothing_is_decided() -> None:
    assert [c.holds for c in checks_of(-5.0, -3.0, draws(SEEDS_TO_DECIDE - 1))] == [None, None]
    assert [c.holds for c in checks_of(-5.0, -3.0, draws(1))] == [None, None]


def test_the_power_is_near_one_far_away_and_near_the_nominal_rate_at_home() -> None:
    checks = checks_of(2.3, -2.95, draws())
    far, right, near = power(
        checks,
        {
            "far": draws(2000, shift=10.0, seed=1),
            "right": draws(50_000, seed=2),
            "near": draws(2000, shift=1.0, seed=3),
        },
    )
    assert (far.wrong_setting, far.rejected, far.draws) == ("far", 1.0, 2000)
    # Two numbers of fifteen: the nominal rate is 2/15 of 1 %. The tails are known from 10,000
    # seeds, which leaves a factor of two.
    nominal = (1 - CENTRAL) * 2 / NUMBERS
    assert nominal / 2.5 < right.rejected < nominal * 2.5
    assert 2 * nominal < near.rejected < 0.5


def test_a_setting_is_excluded_if_no_draw_of_it_reaches_a_published_number() -> None:
    checks = checks_of(2.0, -3.0, draws())
    few = DRAWS_TO_EXCLUDE - 1
    far, right, too_few = power(
        checks,
        {
            "far": draws(DRAWS_TO_EXCLUDE, shift=10.0),
            "right": draws(DRAWS_TO_EXCLUDE),
            "too few": draws(few, shift=10.0),
        },
    )
    assert (far.excluded, right.excluded, too_few.excluded) == (True, False, None)
