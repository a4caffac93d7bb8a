"""Durations, sizes and ratios as a person reads them."""

from __future__ import annotations

import numpy as np

from samestep.benchmarking.spread import Interval

__all__ = ["duration", "duration_interval", "megabytes", "ratio", "tick"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds: float) -> str:
    """Such as ``12.3 ms``: three figures."""
    scale, unit = _unit(seconds)
    return f"{_figures(seconds / scale)} {unit}"


def duration_interval(interval: Interval) -> str:
    """Such as ``12.3 ms [12.1, 12.6]``: all in one unit."""
    if np.isnan(interval.low):
        return duration(interval.value)
    scale, _ = _unit(interval.value)
    ends = ", ".join(_figures(end / scale) for end in (interval.low, interval.high))
    return f"{duration(interval.value)} [{ends}]"


def ratio(interval: Interval) -> str:
    """Such as ``1.04 [1.02, 1.07]``."""
    if np.isnan(interval.low):
        return _figures(interval.value)
    return f"{_figures(interval.value)} [{_figures(interval.low)}, {_figures(interval.high)}]"


def tick(seconds: float) -> str:
    """Such as ``10 ms``, for the axis of a figure."""
    scale, unit = _unit(1.001 * seconds)  # a power of ten may be a little less than that
    return f"{seconds / scale:g} {unit}"


def megabytes(size: float) -> str:
    """Such as ``312 MB``."""
    return f"{size / 1e6:.0f} MB"


def _unit(seconds: float) -> tuple[float, str]:
    return next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])


def _figures(value: float) -> str:
    """Three figures, without an exponent."""
    decimals = max(0, 2 - int(np.floor(np.log10(value)))) if value > 0 else 2
    return f"{value:,.{min(decimals, 4)}f}"
