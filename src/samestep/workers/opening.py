"""Worker processes for participants: opened together, ended together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from samestep.registry import parse_participant
from samestep.workers.executor import WorkerExecutor

__all__ = ["open_workers"]


@contextlib.contextmanager
def open_workers(
    participants: Sequence[str],
    *,
    python: Mapping[str, str],
    timeout: float | None = None,
) -> Iterator[dict[str, WorkerExecutor]]:
    """Open a worker for each participant; on an exception, all work in progress is dropped.

    Parameters
    ----------
    participants : sequence of str
        ``NAME`` or ``NAME@DEVICE``.
    python : mapping of str to str
        Interpreters of other virtual environments by backend.
    timeout : float, optional
        Seconds after which a task counts as hung.

    Notes
    -----
    No worker is bound to a core. Measured on two cores, with a worker each, that took as much
    processor time and gave the same numbers; and a worker that is bound waits for whatever else
    runs on its core while the other one is free.
    """
    executors = {}
    for participant in participants:
        name, _ = parse_participant(participant)
        executors[participant] = WorkerExecutor(name, python=python.get(name), timeout=timeout)
    try:
        yield executors
    except BaseException:
        for executor in executors.values():
            executor.kill()
        raise
    for executor in executors.values():
        executor.shutdown(cancel_futures=True)
