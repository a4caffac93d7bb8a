"""Medians, ratios and exponents with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from samestep.benchmarking.quantities import duration, duration_interval, megabytes, ratio
from samestep.benchmarking.spread import Interval, Spread, growth_exponent, ratio_of_medians


def test_the_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    spreads = [Spread.of(rng.exponential(size=25)) for _ in range(200)]
    covered = [s.median.low <= math.log(2) <= s.median.high for s in spreads]
    assert 0.85 < np.mean(covered) < 1.0
    first = spreads[0]
    assert first.quartiles[0] < first.median.value < first.quartiles[1]
    assert first.samples == 25


def test_what_slows_both_of_a_pair_does_not_blur_their_ratio() -> None:
    slowed = np.random.default_rng(0).uniform(1, 10, 15)
    paired = ratio_of_medians(2 * slowed, slowed, paired=True)
    assert (paired.value, paired.low, paired.high) == pytest.approx((2, 2, 2))
    apart = ratio_of_medians(2 * slowed, slowed, paired=False)
    assert apart.value == pytest.approx(2)
    assert apart.low < 1.5
    assert apart.high > 2.5


def test_samples_of_different_number_have_a_ratio() -> None:
    found = ratio_of_medians([4.0, 4.1, 4.2], [2.0, 2.05], paired=False)
    assert found.value == pytest.approx(4.1 / 2.025)
    assert found.low < found.value < found.high


def test_one_sample_has_no_interval_and_shows_none() -> None:
    spread = Spread.of([0.5])
    assert spread.median.value == 0.5
    assert math.isnan(spread.median.low)
    assert duration_interval(spread.median) == "500 ms"
    assert ratio(ratio_of_medians([2.0], [1.0], paired=True)) == "2.00"


def test_the_exponent_of_a_power_is_found() -> None:
    sizes = (10.0, 100.0, 1000.0)
    noise = np.random.default_rng(1).uniform(0.98, 1.02, (3, 9))
    found = growth_exponent(sizes, 3e-6 * np.array(sizes)[:, None] ** 1.5 * noise)
    assert found.value == pytest.approx(1.5, abs=0.02)
    assert 1.45 < found.low <= found.value <= found.high < 1.55
    exact = growth_exponent(sizes, [[3e-6 * size**-1.0] * 3 for size in sizes])
    assert (exact.low, exact.high) == pytest.approx((-1, -1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (83.25, "83.2 s"),
        (1.0, "1.00 s"),
        (0.0123, "12.3 ms"),
        (4.5e-5, "45.0 µs"),
        (2e-8, "0.0200 µs"),
        (0.0, "0.00 µs"),
        (4321.0, "4,321 s"),
    ],
)
def test_durations_have_three_figures_and_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_intervals_have_one_unit() -> None:
    assert duration_interval(Interval(9.9e-4, 9.5e-4, 1.2e-3)) == "990 µs [950, 1,200]"
    assert ratio(Interval(1.04, 0.99, 1.1)) == "1.04 [0.990, 1.10]"
    assert megabytes(312_400_000) == "312 MB"
