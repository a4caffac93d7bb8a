"""Timing: a call ends when its results are NumPy arrays, so there is nothing left to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

__all__ = ["LEAST_SECONDS", "SETTLED_SECONDS", "Sample", "copy_rate", "sample", "timed"]

_T = TypeVar("_T")

LEAST_SECONDS = 0.02
"""What is quicker than this is repeated until it takes so long."""

SETTLED_SECONDS = 0.05
"""A call that takes so long need not be preceded by another one."""

_COPIED = 2**24
"""Numbers that are copied to time a copy: 64 MiB, more than caches hold."""


class Sample(NamedTuple):
    """One measurement of the steady state.

    Parameters
    ----------
    seconds : float
        Wall time of one call.
    load : float
        CPU seconds of all threads of the process over wall seconds: how many were at work.
    """

    seconds: float
    load: float


def timed(call: Callable[[], _T]) -> tuple[float, _T]:
    """Return the wall seconds of one call, and its result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def sample(call: Callable[[], object]) -> Sample:
    """Repeat a call for at least :data:`LEAST_SECONDS`, after one that is not counted.

    Another process had the core before, so that the first call finds nothing of its own in the
    caches: a state that is not steady, and by which long programs lose more than short ones. A call
    that takes :data:`SETTLED_SECONDS` does not notice, and is not made twice.
    """
    busy, started = time.process_time(), time.perf_counter()
    call()
    elapsed = time.perf_counter() - started
    if elapsed >= SETTLED_SECONDS:
        return Sample(elapsed, (time.process_time() - busy) / elapsed)
    calls, busy, started = 0, time.process_time(), time.perf_counter()
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - started
        if elapsed >= LEAST_SECONDS:
            return Sample(elapsed / calls, (time.process_time() - busy) / elapsed)


def copy_rate() -> float:
    """Bytes per second of a plain copy of a large array by NumPy, the best of three."""
    source = np.ones(_COPIED, np.float32)
    target = np.zeros_like(source)  # its pages are there before the clock is read
    seconds = min(timed(lambda: np.copyto(target, source))[0] for _ in range(3))
    return source.nbytes / seconds
