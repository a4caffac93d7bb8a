"""One chunk on one participant: what a worker is asked for, and what it gives back."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy.typing as npt

from samestep.interface import Backend
from samestep.sweeping.layout import Chunk, chunk_plan
from samestep.sweeping.recording import record
from samestep.training import train

__all__ = ["ChunkResult", "run_chunk"]


@dataclass(frozen=True)
class ChunkResult:
    """What a participant found in a chunk.

    Parameters
    ----------
    arrays : dict of str to array
        By the names of the arrays of the store.
    plan : str
        Hash of the plan that was drawn and run.
    environment : dict
        The participant's label, and the versions, threads and flags under which it was run.
    seconds : float
        Wall time, drawing included.
    """

    arrays: dict[str, npt.NDArray[Any]]
    plan: str
    environment: dict[str, Any]
    seconds: float


def run_chunk(backend: Backend, chunk: Chunk) -> ChunkResult:
    """Draw, train and record a chunk.

    Every step is recorded whatever is kept of it: a program that records less may be compiled to
    other last bits, and the runs that are judged must be those that were run.
    """
    started = time.perf_counter()
    plan = chunk_plan(chunk)
    trace = train(backend, plan)
    return ChunkResult(
        arrays=record(trace, chunk),
        plan=plan.hash,
        environment=_environment(backend),
        seconds=time.perf_counter() - started,
    )


def _environment(backend: Backend) -> dict[str, Any]:
    """What may change last bits."""
    with backend.scope():  # the flags of a run, not those outside of it
        told = backend.environment()
    return {
        "participant": backend.label,
        "versions": {**told.versions, "numpy": version("numpy"), "samestep": version("samestep")},
        "threads": told.threads,
        "flags": dict(told.flags),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
