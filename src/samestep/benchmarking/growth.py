"""How time grows with one parameter, all others held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.benchmarking.catalogue import Session
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.spread import Interval, growth_exponent

__all__ = ["Growth", "find_growth"]


@dataclass(frozen=True)
class Growth:
    """Time of a mode at several sizes.

    Parameters
    ----------
    name : str
        The contender.
    parameter : str
    sizes : tuple of int
    seconds : tuple of float
        Median of a whole call, all runs, at each size.
    exponent : Interval
        Slope of log time over log size in the upper half of the sizes: below it costs that do not
        grow hide it. The interval says how much it varies from round to round.
    fitted : tuple of int
        The sizes of that upper half.
    """

    name: str
    parameter: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: Interval
    fitted: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "contender": self.name,
            "parameter": self.parameter,
            "sizes": list(self.sizes),
            "seconds": list(self.seconds),
            "exponent": self.exponent.to_dict(),
            "fitted_sizes": list(self.fitted),
        }


def find_growth(measurements: Sequence[Measurement], planned: Sequence[Session]) -> list[Growth]:
    """Fit every series of which a mode, proved to do the work, has two sizes or more."""
    grown = {s.workload: (s.series, s.grown) for s in planned if s.series}
    groups: dict[tuple[str, str], list[tuple[int, Measurement]]] = {}
    for measurement in measurements:
        if measurement.done and measurement.proved and measurement.workload in grown:
            parameter, size = grown[measurement.workload]
            groups.setdefault((parameter, measurement.name), []).append((size, measurement))
    found = []
    for (parameter, name), points in groups.items():
        if len(points) < 2:
            continue
        sizes = tuple(size for size, _ in points)
        calls = [[sample.seconds for sample in m.samples] for _, m in points]
        rounds = min(map(len, calls))
        upper = slice(-max(2, -(-len(sizes) // 2)), None)
        exponent = growth_exponent(sizes[upper], [call[:rounds] for call in calls[upper]])
        medians = tuple(float(np.median(call)) for call in calls)
        found.append(Growth(name, parameter, sizes, medians, exponent, sizes[upper]))
    return found
