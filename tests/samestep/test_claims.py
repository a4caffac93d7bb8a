"""Claims: intervals cover as often as they say, and few seeds leave a claim undecided."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from samestep import claims
from samestep.claims import (
    Claim,
    Evidence,
    Interval,
    decide,
    mean_interval,
    proportion_interval,
    quantile_interval,
)

INF, NAN = math.inf, math.nan


@pytest.fixture
def error_rate(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the error rate: at 1e-4 a coverage could not be measured."""
    return lambda rate: monkeypatch.setattr(claims, "ERROR_RATE", rate)


# --- intervals -------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("trials", [5, 40, 300])
def test_the_interval_of_a_proportion_covers_it(
    rate: float, trials: int, error_rate: Callable[[float], None]
) -> None:
    error_rate(rate)
    intervals = [proportion_interval(k, trials) for k in range(trials + 1)]
    for p in (0.001, 0.02, 0.3, 0.5, 0.87, 0.999):
        weights = stats.binom.pmf(np.arange(trials + 1), trials, p)
        below = sum(w for w, i in zip(weights, intervals, strict=True) if p < i.low)
        above = sum(w for w, i in zip(weights, intervals, strict=True) if p > i.high)
        assert max(below, above) <= rate / 2 * (1 + 1e-9)  # each side, exactly


def test_the_interval_of_a_proportion_is_no_wider_than_needed() -> None:
    assert proportion_interval(0, 10).low == 0
    assert proportion_interval(10, 10).high == 1
    assert proportion_interval(0, 0)[:2] == (0, 1)
    low, high, estimate = proportion_interval(500, 1000)
    normal = -stats.norm.ppf(claims.ERROR_RATE / 2) * 0.5 / math.sqrt(1000)
    assert estimate == 0.5
    assert high - 0.5 == pytest.approx(normal, rel=0.03)
    assert 0.5 - low == pytest.approx(normal, rel=0.03)


@pytest.mark.parametrize("rate", [1e-4, 0.1])
@pytest.mark.parametrize("q", [0.5, 0.1, 0.95])
@pytest.mark.parametrize("n", [1, 8, 14, 15, 16, 200])
def test_the_interval_of_a_quantile_covers_it_and_is_the_shortest_that_does(
    rate: float, q: float, n: int, error_rate: Callable[[float], None]
) -> None:
    error_rate(rate)
    low, high, _ = quantile_interval(np.arange(n), q)
    # The number of samples below the quantile is binomial, whatever the distribution.
    below = stats.binom(n, q)
    if low >= 0:
        assert below.cdf(low) < rate / 2
    assert not below.cdf(max(low, -1) + 1) < rate / 2
    if high < n:
        assert below.sf(high) <= rate / 2
        assert not below.sf(high - 1) <= rate / 2
    else:
        assert not below.sf(n - 1) <= rate / 2


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_a_mirrored_sample_has_the_mirrored_interval(sample: list[float]) -> None:
    low, high, estimate = quantile_interval(sample)
    assert quantile_interval([-x for x in sample]) == pytest.approx((-high, -low, -estimate))


def test_fifteen_seeds_decide_a_median() -> None:
    assert quantile_interval(np.arange(14))[:2] == (-INF, INF)
    assert quantile_interval(np.arange(15))[:2] == (0, 14)


@pytest.mark.parametrize("measure", ["median", "mean"])
def test_intervals_cover_in_simulation(measure: str, error_rate: Callable[[float], None]) -> None:
    rate, repeats = 0.1, 2000
    error_rate(rate)
    rng = np.random.default_rng(0)
    if measure == "median":
        samples = rng.standard_cauchy((repeats, 25)) + 1.0
        intervals = [quantile_interval(x) for x in samples]
    else:
        samples = 1.0 + rng.standard_normal((repeats, 25))
        intervals = [mean_interval(x) for x in samples]
    covered = np.mean([i.low <= 1.0 <= i.high for i in intervals])
    spread = math.sqrt(rate * (1 - rate) / repeats)
    assert covered >= 1 - rate - 4 * spread
    assert covered <= 0.97  # neither is an interval that covers always


def test_the_interval_of_a_mean_is_students() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    expected = stats.t.interval(
        1 - claims.ERROR_RATE, 3, loc=x.mean(), scale=x.std(ddof=1) / math.sqrt(4)
    )
    assert mean_interval(x)[:2] == pytest.approx(expected, rel=1e-6)
    assert mean_interval([3.0]) == (-INF, INF, 3.0)


@pytest.mark.filterwarnings("error")
def test_runs_that_diverged_are_the_largest() -> None:
    sample = [1.0] * 8 + [INF, NAN] * 16
    low, high, estimate = quantile_interval(sample)
    assert (low, high, estimate) == (1.0, INF, INF)
    assert quantile_interval([NAN]) == (-INF, INF, INF)
    assert quantile_interval([1.0, INF]).estimate == INF
    assert quantile_interval([]) == pytest.approx((-INF, INF, NAN), nan_ok=True)


def test_an_interval_prints_its_estimate() -> None:
    assert str(Interval(0.5, 1.5, 1.23456)) == "1.235 [0.5, 1.5]"


# --- decisions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "limits", "expected"),
    [
        ((2, 3), {"above": 1}, True),
        ((2, 3), {"above": 2.5}, None),
        ((2, 3), {"above": 3}, False),
        ((2, 3), {"above": 4}, False),
        ((2, 3), {"below": 4}, True),
        ((2, 3), {"below": 3}, None),
        ((2, 3), {"below": 2}, False),
        ((2, 3), {"above": 1, "below": 4}, True),
        ((2, 3), {"above": 2.5, "below": 4}, None),
        ((2, 3), {"above": 3.5, "below": 4}, False),
        ((-INF, INF), {"above": 0}, None),
        ((NAN, NAN), {"above": 0, "below": 1}, None),
    ],
)
def test_a_decision_is_yes_no_or_undecided(
    interval: tuple[float, float], limits: dict[str, float], expected: bool | None
) -> None:
    low, high = interval
    assert decide(Interval(low, high, NAN), **limits) is expected


def test_a_true_claim_is_rarely_decided_wrongly(error_rate: Callable[[float], None]) -> None:
    error_rate(0.05)
    rng = np.random.default_rng(1)
    decisions = [
        decide(quantile_interval(x), above=0.0) for x in 0.3 + rng.standard_normal((1000, 40))
    ]
    assert decisions.count(False) <= 0.025 * 1000
    assert decisions.count(True) > 100
    assert decisions.count(None) > 100


# --- claims ----------------------------------------------------------------------------------


def evidence(holds: Any) -> Evidence:
    return Evidence.not_applicable("no such thing") if holds == "n/a" else Evidence(holds, "")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([True], True),
        ([True, True], True),
        ([True, None], None),
        ([True, False], False),
        ([None, False], False),
        (["n/a", True], True),
        (["n/a", False], False),
        (["n/a", None], None),
        (["n/a", "n/a"], None),
        ([], None),
    ],
)
def test_a_claim_holds_if_nobody_it_applies_to_contradicts(
    verdicts: list[Any], expected: bool | None
) -> None:
    parts = {f"participant {i}": evidence(holds) for i, holds in enumerate(verdicts)}
    assert Claim("id", "a statement", parts).holds is expected


def test_numpys_booleans_count_as_pythons() -> None:
    for verdict in (True, False):
        found = Evidence(np.bool_(verdict), "")  # type: ignore[arg-type]
        assert found.holds is verdict
        assert Claim("id", "a statement", {"participant": found}).holds is verdict


def test_what_does_not_apply_says_why() -> None:
    found = Evidence.not_applicable("it keeps no gradient")
    assert (found.holds, found.applies) == (None, False)
    assert found.text == "not applicable: it keeps no gradient"
