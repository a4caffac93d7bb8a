"""The part of the cluster that runs in a Dask worker: one backend per process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from samestep.errors import SamestepError
from samestep.interface import Backend
from samestep.registry import parse_participant
from samestep.workers.surroundings import prepare
from samestep.workers.tasks import on_backend

__all__ = ["on_cluster"]

_T = TypeVar("_T")

_works_for: list[str] = []
"""The backend that this process has worked for, once it has."""


def on_cluster(work: Callable[[Backend], _T], participant: str, dtype: str) -> _T:
    """Call ``work`` with a backend of this process, which is the only one that it ever loads.

    Two frameworks in one process compete for threads and for a GPU's memory, and each needs its
    environment set before it is imported.
    """
    name, _ = parse_participant(participant)
    if not _works_for:
        prepare(name)
        _works_for.append(name)
    if _works_for != [name]:
        raise SamestepError(
            f"A Dask worker that has worked for {_works_for[0]} was asked to work for {name}.",
            "Start one worker process for each backend, with the resource of that backend alone.",
        )
    return on_backend(work, participant, dtype)
