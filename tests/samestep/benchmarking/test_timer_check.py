"""The self-test of the timer catches a timer, and a backend, that does not wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import samestep
from samestep.benchmarking import clock
from samestep.benchmarking.clock import timed
from samestep.benchmarking.timer_check import check_timer

POOL = ThreadPoolExecutor(1)


def asynchronous(*, waits: bool) -> Any:
    """A backend that hands over what it will have computed some time later."""

    def compile_(f: Callable[..., Any]) -> Callable[..., Future[np.ndarray]]:
        def slow(*args: np.ndarray) -> np.ndarray:
            time.sleep(0.01)
            return np.asarray(f(*args))

        return lambda *args: POOL.submit(slow, *args)

    def to_numpy(pending: Future[np.ndarray]) -> np.ndarray:
        if waits or pending.done():
            return pending.result()
        return np.zeros((256, 256))

    return SimpleNamespace(
        xp=np, compile=compile_, asarray=np.asarray, to_numpy=to_numpy, name="later"
    )


def test_the_timer_waits_for_what_is_done_later() -> None:
    found = check_timer(asynchronous(waits=True))
    assert found.waits
    assert found.dispatched < found.finished <= found.timed


def test_a_backend_that_does_not_wait_is_caught() -> None:
    found = check_timer(asynchronous(waits=False))
    assert not found.right
    assert not found.waits


def test_a_timer_that_reads_its_clock_too_early_is_caught() -> None:
    def hasty(call: Callable[[], object]) -> tuple[float, object]:
        results: list[object] = []
        thread = threading.Thread(target=lambda: results.append(call()))
        seconds, _ = timed(thread.start)
        thread.join()
        return seconds, results[0]

    found = check_timer(asynchronous(waits=True), timer=hasty)
    assert found.right
    assert not found.waits


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_the_timer_waits_for_every_backend(name: str) -> None:
    assert check_timer(samestep.backend(name)).waits


@pytest.mark.parametrize(("seconds", "calls"), [(0.004, 1 + 5), (0.03, 1 + 1), (0.3, 1)])
def test_a_quick_call_is_repeated_after_one_that_does_not_count(
    seconds: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    clocks = SimpleNamespace(perf_counter=lambda: now[0], process_time=lambda: 0.5 * now[0])
    monkeypatch.setattr(clock, "time", clocks)
    called: list[int] = []

    def call() -> None:
        # What was in the caches of another process's is not there at the first.
        now[0] += seconds if called or seconds == 0.3 else 1.5 * seconds
        called.append(1)

    taken = clock.sample(call)
    assert len(called) == calls
    assert (taken.seconds, taken.load) == pytest.approx((seconds, 0.5))
