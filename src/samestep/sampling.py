"""Which seeds and runs are drawn, stacked and looked at."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression

__all__ = ["CHUNK", "baseline_chunk", "drawn", "evenly_spaced", "fitting_runs"]

_DRAWN: dict[tuple[SyntheticRegression, int], Problem] = {}
_KEPT = 12_000

CHUNK = 1000
"""Runs that are stacked when outcomes are sampled over seeds."""

_LARGEST_CHUNK = 256
_CHUNK_BYTES = 128 * 2**20
_COPIES = 3
"""A chunk's rows are held by NumPy, by the framework and, as predictions, by the record."""


def drawn(spec: SyntheticRegression, seed: int) -> Problem:
    """Draw once per seed: drawing a problem costs as much as training on it."""
    key = (spec, seed)
    if key not in _DRAWN:
        if len(_DRAWN) >= _KEPT:
            _DRAWN.clear()
        _DRAWN[key] = spec.draw(seed)
    return _DRAWN[key]


@functools.lru_cache(maxsize=12)
def baseline_chunk(spec: SyntheticRegression, start: int, stop: int) -> Plan:
    """Plan the baseline for a range of seeds; exercises that share a spec share it.

    Nobody looks at the validation data of so many problems: they have none.
    """
    spec = replace(spec, num_val=0)
    return Plan.of(*(drawn(spec, seed) for seed in range(start, stop)))


def fitting_runs(*, steps: int, width: int, features: int, memory: int = _CHUNK_BYTES) -> int:
    """Return how many runs of a shape can be stacked in a bounded memory.

    Parameters
    ----------
    steps : int
    width : int
        Rows of a batch.
    features : int
    memory : int
        In bytes.
    """
    row_bytes = 8 * (features + 3) + 4  # X, y, mask, prediction in float64; index in int32
    fitting = memory // (_COPIES * steps * width * row_bytes)
    return min(_LARGEST_CHUNK, max(1, fitting))


def evenly_spaced(runs: int, count: int) -> npt.NDArray[np.intp]:
    """Return some of the runs 0, 1, ..., runs - 1: at most so many, the first and the last."""
    return np.unique(np.linspace(0, runs - 1, count).astype(np.intp))
