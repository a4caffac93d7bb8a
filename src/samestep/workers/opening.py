"""Worker processes: opened where work is asked for, ended with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

from samestep.registry import parse_participant
from samestep.workers.executor import WorkerExecutor
from samestep.workers.here import InProcessExecutor

__all__ = ["open_worker", "open_workers"]


@contextlib.contextmanager
def open_worker(
    *backends: str,
    in_process: bool = False,
    python: str | None = None,
    timeout: float | None = None,
) -> Iterator[Executor]:
    """Open one worker; on an exception, its work in progress is dropped.

    Parameters
    ----------
    *backends : str
        What it is for; it may import several frameworks side by side.
    in_process : bool
        Do the work in this process instead; the parameters below are for a worker alone.
    python : str, optional
        Interpreter of another virtual environment.
    timeout : float, optional
        Seconds after which a task counts as hung.
    """
    if in_process:
        yield InProcessExecutor()
        return
    worker = WorkerExecutor(*backends, python=python, timeout=timeout)
    try:
        yield worker
    except BaseException:
        worker.kill()
        raise
    worker.shutdown(cancel_futures=True)


@contextlib.contextmanager
def open_workers(
    participants: Sequence[str],
    *,
    python: Mapping[str, str],
    timeout: float | None = None,
) -> Iterator[dict[str, Executor]]:
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
    with contextlib.ExitStack() as opened:
        for participant in participants:
            name, _ = parse_participant(participant)
            worker = open_worker(name, python=python.get(name), timeout=timeout)
            executors[participant] = opened.enter_context(worker)
        yield executors
