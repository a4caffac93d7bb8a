"""Differences that no comparison may lose."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.port.observation import distance


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([np.nan], [np.nan], 0.0),
        ([np.inf], [np.inf], 0.0),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [1.0], np.inf),
        ([np.inf], [-np.inf], np.inf),
        ([[1.0, 2.0]], [1.0, 2.0], 0.0),
        ([1.0, 2.0], [1.0, 2.0, 3.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_distances(a: list[float], b: list[float], expected: float) -> None:
    assert distance(np.array(a), np.array(b)) == expected
    assert distance(np.array(b), np.array(a)) == expected
