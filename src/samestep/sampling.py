"""Problems by seed, drawn once: drawing one costs as much as training on it."""

from __future__ import annotations

import functools

from samestep.plan import Plan, stack
from samestep.problem import Problem, SyntheticRegression

__all__ = ["CHUNK", "baseline_chunk", "drawn"]

_DRAWN: dict[tuple[SyntheticRegression, int], Problem] = {}
_KEPT = 12_000

CHUNK = 1000
"""Runs that are stacked when outcomes are sampled over seeds."""


def drawn(spec: SyntheticRegression, seed: int) -> Problem:
    """Draw once per seed: drawing a problem costs as much as training on it."""
    key = (spec, seed)
    if key not in _DRAWN:
        if len(_DRAWN) >= _KEPT:
            _DRAWN.clear()
        _DRAWN[key] = spec.draw(seed)
    return _DRAWN[key]


@functools.lru_cache(maxsize=32)
def baseline_chunk(spec: SyntheticRegression, start: int, stop: int) -> Plan:
    """Plan the baseline for a range of seeds; exercises that share a spec share it."""
    return stack([Plan.of(drawn(spec, seed)) for seed in range(start, stop)])
