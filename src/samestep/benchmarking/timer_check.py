"""A self-test of the timer: does it wait for an operation that is dispatched and done later?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from samestep.benchmarking import clock
from samestep.interface import Array, Backend

__all__ = ["TimerCheck", "check_timer"]

_SIZE, _LENGTH, _TRIES = 256, 48, 3


@dataclass(frozen=True)
class TimerCheck:
    """What the timer said of a long chain of matrix products.

    Parameters
    ----------
    dispatched : float
        Seconds after which the call alone returned, the fewest of several tries: far fewer than
        the others where a backend works asynchronously.
    finished : float
        Seconds until the numbers were on the host, by clock reads inside the operation.
    timed : float
        Seconds of the same operation by the benchmark's timer.
    right : bool
        Whether those numbers were right. Each call gets a matrix that did not exist before, so
        right numbers cannot have been computed outside of the time that was measured.
    """

    dispatched: float
    finished: float
    timed: float
    right: bool

    @property
    def waits(self) -> bool:
        """Whether the timed span holds the whole operation."""
        return self.right and self.timed >= self.finished


def check_timer(
    backend: Backend,
    timer: Callable[[Callable[[], object]], tuple[float, object]] = clock.timed,
) -> TimerCheck:
    """Time a deliberately slow operation, and prove that it was over when the clock was read."""
    rng = np.random.default_rng(0)
    # An orthogonal matrix: a product of many neither grows nor vanishes.
    rotation = np.linalg.qr(rng.standard_normal((_SIZE, _SIZE)))[0]

    def chain(x: Array, factor: Array) -> Array:
        for _ in range(_LENGTH):
            x = backend.xp.matmul(x, factor)
        return x

    compiled, factor = backend.compile(chain), backend.asarray(rotation)
    backend.to_numpy(compiled(backend.asarray(rotation), factor))  # compiled now, not later
    spans: list[tuple[float, float]] = []

    def operation(x: Array) -> np.ndarray:
        started = time.perf_counter()
        pending = compiled(x, factor)
        dispatched = time.perf_counter()
        numbers = backend.to_numpy(pending)
        spans.append((dispatched - started, time.perf_counter() - started))
        return numbers

    timings, right = [], True
    for _ in range(_TRIES):
        start = rng.standard_normal((_SIZE, _SIZE))
        expected = start @ np.linalg.matrix_power(rotation, _LENGTH)
        x = backend.asarray(start)
        seconds, numbers = timer(partial(operation, x))
        timings.append(seconds)
        right &= bool(np.allclose(np.asarray(numbers), expected, atol=1e-2))
    shortest = int(np.argmin([finished for _, finished in spans]))
    return TimerCheck(
        dispatched=min(dispatched for dispatched, _ in spans),
        finished=spans[shortest][1],
        timed=timings[shortest],
        right=right,
    )
