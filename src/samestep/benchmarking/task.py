"""What a contender's process is asked to do; what is open there stays open between questions."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass

from samestep.benchmarking.clock import Sample, copy_rate, sample, timed
from samestep.benchmarking.memory import peak_memory, reset_peak_memory
from samestep.benchmarking.peer import Fit, Outcome, Peer
from samestep.benchmarking.timer_check import TimerCheck, check_timer
from samestep.benchmarking.workload import Workload
from samestep.interface import Environment
from samestep.registry import backend

__all__ = ["Introduction", "Opening", "close", "introduce", "measure_copy", "open_fit", "take"]

_OPEN: dict[Workload, Fit] = {}


@dataclass(frozen=True)
class Introduction:
    """What a backend says about itself in its own process.

    Parameters
    ----------
    import_seconds : float
        Until the backend was open.
    modes, compilers : mapping of str to str
        What each mode is in one line, the default first; and the compiler of those that have one.
    environment : Environment
    timer : TimerCheck
    """

    import_seconds: float
    modes: Mapping[str, str]
    compilers: Mapping[str, str]
    environment: Environment
    timer: TimerCheck


@dataclass(frozen=True)
class Opening:
    """How a fit began.

    Parameters
    ----------
    ready : float
        Seconds until it could begin; for the first workload of a process, its imports.
    first, second : float
        Seconds of the first two calls; the first holds compilation.
    peak_memory : int or None
        Bytes of the process after the two calls.
    dtype, recording : str
        Of what it returned: its precision, and "every step" or "final".
    """

    ready: float
    first: float
    second: float
    peak_memory: int | None
    dtype: str
    recording: str


def introduce(participant: str, dtype: str) -> Introduction:
    """Open a backend, ask what it is, and test the timer on it."""
    started = time.perf_counter()
    item = backend(participant, dtype=dtype)
    seconds = time.perf_counter() - started
    return Introduction(
        seconds,
        dict(item.modes),
        dict(item.compilers),
        item.environment(),
        check_timer(item),
    )


def open_fit(peer: Peer, workload: Workload) -> tuple[Opening, Outcome]:
    """Make a fit ready and call it twice; it stays open under the workload.

    The outcome is that of the first call.
    """
    workload.plan()  # drawn before any clock is read
    reset_peak_memory()
    ready, fit = timed(lambda: peer.prepare(workload))
    first, answer = timed(fit)
    outcome = answer if isinstance(answer, Outcome) else Outcome.of(answer)
    second, _ = timed(fit)
    # What is there by now, imported modules above all, is not searched for garbage in every turn.
    gc.collect()
    gc.freeze()
    _OPEN[workload] = fit
    peak = peak_memory()
    dtype = str(getattr(outcome.final.get("w"), "dtype", "unknown"))
    recording = "final" if outcome.record is None else "every step"
    return Opening(ready, first, second, peak, dtype, recording), outcome


def take(workload: Workload) -> Sample:
    """Measure the steady state of an open fit once."""
    return sample(_OPEN[workload])


def close(workload: Workload) -> None:
    """Let go of a fit and of what it holds."""
    del _OPEN[workload]
    gc.unfreeze()


def measure_copy() -> float:
    """Bytes per second of a plain copy in this process."""
    return copy_rate()
