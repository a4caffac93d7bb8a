"""A Dask cluster on this machine, in a process that goes when this one does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from samestep.workers.executor import WorkerExecutor

if TYPE_CHECKING:
    from distributed import SpecCluster

__all__ = ["local_cluster"]

_running: list[SpecCluster] = []
"""The cluster, in the process that holds it."""


@contextlib.contextmanager
def local_cluster(resources: Sequence[str], each: int) -> Iterator[str]:
    """Start a scheduler and some workers for each resource, and yield the scheduler's address.

    They live in a worker process, and so in a process group of their own: Ctrl-C does not reach
    them, and they end at once when this process does, however that ends.

    Parameters
    ----------
    resources : sequence of str
    each : int
        Workers for each.
    """
    host = WorkerExecutor()
    try:
        yield host.submit(_start, list(resources), each).result()
        host.submit(_stop).result()
    finally:
        host.kill()


def _start(resources: Sequence[str], each: int) -> str:
    from distributed import Nanny, Scheduler, SpecCluster

    cluster = SpecCluster(  # type: ignore[no-untyped-call]
        scheduler={"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard": False}},
        workers={
            f"{resource}-{i}": {
                "cls": Nanny,
                "options": {
                    "host": "127.0.0.1",
                    "nthreads": 1,
                    "resources": {resource: 1},
                    "dashboard": False,
                    "silence_logs": logging.ERROR,
                },
            }
            for resource in resources
            for i in range(each)
        },
        silence_logs=logging.ERROR,
    )
    _running.append(cluster)
    return str(cluster.scheduler_address)


def _stop() -> None:
    _running.pop().close()
