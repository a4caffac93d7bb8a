"""Many runs in a memory that does not grow with them: measured in chunks, a sample of them judged.

A trace of every step of every run is mostly predictions. Where an exercise asks for less, the runs
are trained in chunks; of each chunk only what is measured stays, and everything about some runs.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Backend
from samestep.lab import Lab
from samestep.plan import Plan, stack
from samestep.sampling import evenly_spaced, fitting_runs
from samestep.trace import Trace
from samestep.training import train

__all__ = ["Measure", "measure_runs", "path"]

_STACK_BYTES = 256 * 2**20
"""Bytes of a stack: with half of it a step of the longest fits took PyTorch as long."""

Measure: TypeAlias = Callable[[Trace], npt.NDArray[Any]]
"""Of each run of a trace something: an array of shape (runs, ...)."""


def path(trace: Trace) -> npt.NDArray[Any]:
    """Parameters of each run at every step, shape (runs, steps + 1, features + 1): w1, ..., b.

    In the working precision.
    """
    w, b = trace.params["w"], trace.params["b"]
    return np.concatenate([w, b[..., None]], axis=2).swapaxes(0, 1)


def measure_runs(
    lab: Lab, plans: Sequence[Plan], measure: Measure, *, name: str, check: int = 64
) -> dict[str, npt.NDArray[Any]]:
    """Train runs on every participant, keep what is measured of each, and cross-check a sample.

    Parameters
    ----------
    lab : Lab
        Gets the agreements of the sample.
    plans : sequence of Plan
        Each of one run; they share what :func:`samestep.stack` asks for. Short ones are padded.
    measure : callable
        It is called where the framework is, with the trace of a chunk: everything about every step.
    name : str
    check : int
        How many runs, evenly spaced, are cross-checked at every step.

    Returns
    -------
    dict of str to array of shape (runs, ...)
        By participant; one that failed on the way is left out.
    """
    lengths = {plan.steps for plan in plans}
    # One more than the longest where not all are as long: so some run of every chunk is frozen at
    # some step, and the same compiled program serves all chunks.
    steps = max(lengths) + (len(lengths) > 1)
    width = max(plan.batches.shape[2] for plan in plans)
    fitting = fitting_runs(
        steps=steps, width=width, features=plans[0].features, memory=_STACK_BYTES
    )
    size = min(len(plans), fitting)
    sample = evenly_spaced(len(plans), check)
    starts = range(0, len(plans), size)

    def works() -> Iterator[Callable[[Backend], Any]]:
        for start in starts:
            stop = min(start + size, len(plans))
            lab.progress(name if size == len(plans) else f"{name}, {start} to {stop - 1}")
            # A last chunk with fewer runs is filled up, so that all have one shape.
            members = [plans[min(run, stop - 1)] for run in range(start, start + size)]
            yield functools.partial(
                _train_and_measure,
                plan=stack(members, name, steps=steps, width=width),
                measure=measure,
                sample=sample[(start <= sample) & (sample < stop)] - start,
            )

    measured: dict[str, list[npt.NDArray[Any]]] = defaultdict(list)
    records: dict[str, list[dict[str, npt.NDArray[Any]]]] = defaultdict(list)
    with lab.each_in_turn(works()) as results:
        for start, found in zip(starts, results, strict=True):
            for label, (values, record) in found.items():
                measured[label].append(values[: len(plans) - start])
                records[label].append(record)
    judged = stack([plans[run] for run in sample], name, steps=steps, width=width)
    traces = [
        Trace.of_record(judged, label, participant.dtype, _joined(records[label]))
        for label, participant in lab.participants.items()
    ]
    lab.cross_check(traces, check=None, runs=len(plans))
    return {trace.participant: np.concatenate(measured[trace.participant]) for trace in traces}


def _train_and_measure(
    backend: Backend, plan: Plan, measure: Measure, sample: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]:
    trace = train(backend, plan)
    return measure(trace), trace.record(sample)


def _joined(parts: Sequence[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    return {key: np.concatenate([part[key] for part in parts], axis=1) for key in parts[0]}
