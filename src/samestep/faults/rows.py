"""Faults of data: another batch, rows that do not belong together, a row left out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.faults.case import Case, Fault
from samestep.loss import Float64
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.problem_set import ProblemSet
from samestep.referee import Reference, Variation

__all__ = ["row_faults"]


def row_faults(case: Case) -> Iterator[Fault]:
    """Another batch, rows of X and y that do not belong together, a row left out."""
    plan, step = case.plan, case.step
    others = [k for k in range(plan.steps) if k != step and plan.rows[k, 0] == plan.rows[step, 0]]
    per_epoch = int(plan.epoch_ends()[1])
    for other in others:
        shift = other - step
        if case.fits(case.references(_with_batches(plan, {step: other}))):
            if shift % per_epoch == 0:
                cause = f"the batches are those of another epoch ({shift // per_epoch:+d})"
                id_ = "epoch-shift"
            else:
                cause = f"batch {other} was used at step {step}: the batches come in another order"
                id_ = "batch-order"
            yield Fault(id_, cause, _other_batch(shift))
    for shift in (1, -1, 2, -2):
        yield _with_labels(
            "rows-shifted",
            f"y is shifted by {shift:+d} rows against X in the data",
            functools.partial(_shifted_in_data, shift),
        )
        yield _with_labels(
            "rows-shifted",
            f"y is shifted by {shift:+d} rows against X within the batch",
            functools.partial(_shifted_in_batch, shift),
        )
    yield _with_labels(
        "rows-reversed", "y is in reverse order within the batch", lambda y, batch: y[batch][::-1]
    )
    for row in range(int(plan.rows[step, 0])):
        yield _without_row(row, keep_divisor=True)
        yield _without_row(row, keep_divisor=False)


def _shifted_in_data(shift: int, y: Float64, batch: npt.NDArray[Any]) -> Float64:
    return np.asarray(y[(batch + shift) % len(y)])


def _shifted_in_batch(shift: int, y: Float64, batch: npt.NDArray[Any]) -> Float64:
    return np.roll(y[batch], shift)


def _with_batches(plan: Plan, replacement: dict[int, int]) -> Plan:
    batches = plan.batches.copy()
    for step, other in replacement.items():
        batches[step] = plan.batches[other]
    return replace(plan, batches=batches)


def _other_batch(shift: int) -> Callable[[Case, int], dict[str, Reference]]:
    def recompute(case: Case, step: int) -> dict[str, Reference]:
        other = (step + shift) % case.plan.steps
        return case.references(_with_batches(case.plan, {step: other}), step=step)

    return recompute


def _with_labels(
    id_: str, cause: str, labels: Callable[[Float64, npt.NDArray[Any]], Float64]
) -> Fault:
    """Give the rows of the batch other labels, by moving them to the end of the data."""

    def recompute(case: Case, step: int) -> dict[str, Reference]:
        plan, problem = case.plan, case.plan.problems[0]
        rows = int(plan.rows[step, 0])
        batch = plan.batches[step, 0]
        n = problem.num_train
        wrong = labels(problem.y, batch[:rows])
        extended: Problem = replace(
            problem,
            X=np.concatenate([problem.X, problem.X[batch[:rows]]]),
            y=np.concatenate([problem.y, wrong]),
        )
        batches = plan.batches.copy()
        batches[step, 0, :rows] = n + np.arange(rows)
        batches[step, 0, rows:] = n
        return case.references(
            replace(plan, problems=ProblemSet([extended]), batches=batches), step=step
        )

    return Fault(id_, cause, recompute)


def _without_row(row: int, *, keep_divisor: bool) -> Fault:
    def recompute(case: Case, step: int) -> dict[str, Reference]:
        rows = int(case.plan.rows[step, 0])

        def mask(m: Float64) -> Float64:
            m = m.copy()
            m[..., min(row, rows - 1)] = 0.0
            return m if keep_divisor or case.plan.reduction == "sum" else m * rows / (rows - 1)

        if rows == 1:
            return case.references(step=step)
        return case.references(variation=Variation(mask=mask), step=step)

    counted = "but counted in the mean" if keep_divisor else "and not counted"
    return Fault("row-dropped", f"row {row} of the batch is left out {counted}", recompute)
