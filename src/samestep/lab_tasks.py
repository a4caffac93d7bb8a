"""What the laboratory asks of a participant: functions that are sent to where its framework is."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.errors import SamestepError, one_line
from samestep.interface import Backend
from samestep.judgement import Judgement, judge
from samestep.plan import Plan
from samestep.sampling import evenly_spaced
from samestep.trace import Trace
from samestep.training import train, validation_loss

__all__ = [
    "Failure",
    "Variant",
    "attempt",
    "fit_and_validate",
    "judge_sample",
    "sample_chunk",
    "train_and_judge",
]


@dataclass(frozen=True)
class Failure:
    """What a participant that raised has instead of a result."""

    reason: str
    details: str = ""


def attempt(work: Callable[[Backend], Any], backend: Backend) -> Any:
    """Return what the work returns, or a :class:`Failure` if the framework raises."""
    try:
        return work(backend)
    except SamestepError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a framework may raise
        return Failure(one_line(error), traceback.format_exc())


class Variant:
    """A variant of a plan, made where it is needed: what all variants share travels once."""

    def __init__(self, base: Plan, change: Callable[[Plan], Plan]) -> None:
        self._parts = (base, change)

    @functools.cached_property
    def plan(self) -> Plan:
        """Made once in each process."""
        base, change = self._parts
        return change(base)

    def __reduce__(self) -> tuple[Any, ...]:
        return Variant, self._parts


def sample_chunk(
    backend: Backend, chunk: Variant, measure: Callable[[Trace], np.ndarray], check: int
) -> tuple[np.ndarray, Judgement]:
    """Train a chunk, judge some of its runs, and keep of the others what is measured."""
    trace, judgement = train_and_judge(backend, chunk.plan, check)
    return measure(trace), judgement


def fit_and_validate(backend: Backend, plan: Plan) -> tuple[Trace, Judgement, np.ndarray]:
    """Train and judge one run, and follow its validation loss."""
    trace, judgement = train_and_judge(backend, plan, None)
    return trace, judgement, validation_loss(backend, trace)


def train_and_judge(backend: Backend, plan: Plan, check: int | None) -> tuple[Trace, Judgement]:
    """Train a plan and judge all runs, or so many of them."""
    trace = train(backend, plan)
    return trace, judge_sample(trace, check)


def judge_sample(trace: Trace, check: int | None) -> Judgement:
    """Judge all runs, or some that are evenly spaced."""
    runs = trace.plan.runs
    if check is not None and runs > check:
        trace = trace.select(evenly_spaced(runs, check))
    return judge(trace)
