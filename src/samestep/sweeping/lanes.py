"""Where the chunks of each participant are worked on: here, in worker processes, or on Dask."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, TypeVar

from samestep.errors import UsageError
from samestep.interface import Backend
from samestep.workers.here import InProcessExecutor
from samestep.workers.opening import open_workers
from samestep.workers.tasks import on_backend

__all__ = ["Lane", "open_lanes"]

_T = TypeVar("_T")

_IN_FLIGHT = 2
"""Tasks that are given to a worker: the next one waits there while a result is written here."""


@dataclass(frozen=True)
class Lane:
    """What works for one participant.

    Parameters
    ----------
    executor : Executor
    participant : str
    depth : int
        Tasks to keep in flight; it bounds the memory that waiting results take.
    call : callable
        Opens the backend where the work is done: :func:`samestep.workers.tasks.on_backend`, or
        one like it.
    """

    executor: Executor
    participant: str
    depth: int
    call: Callable[..., Any] = on_backend

    def submit(self, work: Callable[[Backend], _T], dtype: str) -> Future[_T]:
        """Have ``work`` called with the participant's backend."""
        return self.executor.submit(self.call, work, self.participant, dtype)


@contextlib.contextmanager
def open_lanes(
    engine: str,
    participants: Sequence[str],
    *,
    python: Mapping[str, str],
    timeout: float | None,
) -> Iterator[dict[str, Lane]]:
    """Open a lane for each participant; on an exception, all work in progress is dropped.

    Parameters
    ----------
    engine : str
        ``"in-process"``, ``"workers"``, ``"local"`` for a Dask cluster on this machine, or the
        address of a Dask scheduler.
    participants : sequence of str
    python : mapping of str to str
        Interpreters of other virtual environments by backend, for workers.
    timeout : float or None
        Seconds that a worker may take for a task.
    """
    if (python or timeout) and engine != "workers":
        raise UsageError(
            f"An interpreter or a time limit was given for engine {engine!r}.",
            "Only worker processes have them: leave --in-process and --cluster out.",
        )
    if engine == "in-process":
        yield {name: Lane(InProcessExecutor(), name, depth=1) for name in participants}
    elif engine == "workers":
        with open_workers(participants, python=python, timeout=timeout) as executors:
            yield {name: Lane(item, name, _IN_FLIGHT) for name, item in executors.items()}
    elif engine == "local" or "://" in engine:
        from samestep.cluster.lanes import open_cluster

        with open_cluster(engine, participants) as lanes:
            yield lanes
    else:
        raise UsageError(
            f"Unknown engine {engine!r}.",
            "Expected 'in-process', 'workers', 'local', or an address such as tcp://HOST:PORT.",
        )
