"""Working precisions on float64 arrays: rounding, units in the last place, nudges."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.port.precision import PRECISIONS, precision

NUMPY = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


def numbers(name: str) -> np.ndarray:
    """Numbers of all sizes that the format holds without overflow, subnormal ones included."""
    rng = np.random.default_rng(0)
    low, high = {"float16": (-26, 14)}.get(name, (-30, 30))
    return rng.normal(size=4000) * 2.0 ** rng.uniform(low, high, 4000)


@pytest.mark.parametrize("name", PRECISIONS)
def test_rounding_is_that_of_the_format(name: str) -> None:
    x = numbers(name)
    expected = x.astype(NUMPY[name]).astype(np.float64)
    assert np.array_equal(precision(name).round(x), expected)


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_unit_in_the_last_place_leads_to_the_next_number(name: str) -> None:
    x = np.abs(precision(name).round(numbers(name)))
    x = x[x > 2.0 ** precision(name).smallest]
    above = (x + precision(name).ulp(x)).astype(NUMPY[name]).astype(np.float64)
    assert np.array_equal(above, x + precision(name).ulp(x))
    halfway = precision(name).round(x + 0.49 * precision(name).ulp(x))
    assert np.array_equal(halfway, x) or name == "float64"


def test_the_distance_from_one_to_its_neighbour_is_eps() -> None:
    for name in ("float16", "float32", "float64"):
        assert precision(name).ulp(1.0) == np.finfo(name).eps


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_nudge_moves_every_number_but_zero_and_stays_in_the_format(name: str) -> None:
    x = np.append(precision(name).round(numbers(name)), 0.0)
    nudged = precision(name).nudge(x, np.random.default_rng(0))
    assert ((nudged != x) == (x != 0)).all()
    assert np.array_equal(nudged, precision(name).round(nudged))
    assert (np.abs(nudged - x) <= precision(name).ulp(x)).all()
    assert 0.4 < (nudged > x).mean() < 0.6


def test_what_is_not_finite_stays() -> None:
    x = np.array([np.inf, -np.inf, np.nan])
    assert np.array_equal(precision("bfloat16").round(x), x, equal_nan=True)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UsageError, match="Unknown dtype 'float8'"):
        precision("float8")
