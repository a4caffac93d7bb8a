"""Verdicts on several traces of one plan: did all participants take the same step?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from samestep.errors import UsageError
from samestep.judgement import Judgement, judge, recorded_keys
from samestep.loss import get_loss
from samestep.plan import Plan
from samestep.referee import QUANTITIES
from samestep.trace import Trace
from samestep.verdict import order_of_ratio

if TYPE_CHECKING:
    from samestep.table import Table

__all__ = ["Agreement", "Comparison", "agree", "compare"]


@dataclass(frozen=True)
class Agreement:
    """Two participants on one quantity: both took the step that the oracle takes, or not.

    Parameters
    ----------
    participants : tuple of str
    quantity : str
    dtype : str
    max_error, bound : float
        The error of the worse participant where it is largest relative to its bound.
    step : int
        The step at which that is.
    gap : float
        Largest difference between the two participants' own records, path included; reported,
        not judged.
    relative_gap : float
        The same as a share of the quantity's largest number in the same step and run.
    holds : bool
    estimated : bool
        Whether the bound rests on samples, because the loss has no analysis.
    """

    participants: tuple[str, ...]
    quantity: str
    dtype: str
    max_error: float
    bound: float
    step: int
    gap: float
    relative_gap: float
    holds: bool
    estimated: bool = False


@dataclass(frozen=True, repr=False)
class Comparison:
    """The result of :func:`compare`.

    Parameters
    ----------
    plan : Plan
    judgements : dict of str to Judgement
        By participant.
    agreements : tuple of Agreement
        Per pair of participants of the same precision, and quantity.
    """

    plan: Plan
    judgements: dict[str, Judgement]
    agreements: tuple[Agreement, ...]

    @property
    def holds(self) -> bool:
        """Whether all participants took the same step, every step."""
        return all(a.holds for a in self.agreements)

    def table(self) -> Table:
        """Return one row per pair of participants and quantity."""
        # Not at the top: every exercise imports this module, and samestep list all exercises.
        from samestep.table import Column, Row, Table

        return Table(
            id="comparison",
            title=f"Same step: {'yes' if self.holds else 'NO'}",
            note="Error and bound where their ratio is largest; the gap between the two paths is "
            "reported, not judged.",
            columns=(
                Column(title="participants"),
                Column(title="quantity"),
                Column(title="error", kind="number"),
                Column(title="bound", kind="number"),
                Column(title="at step", kind="number"),
                Column(title="gap", kind="number"),
                Column(title="verdict", kind="verdict"),
            ),
            rows=tuple(
                Row(
                    cells=(
                        " and ".join(a.participants),
                        a.quantity,
                        a.max_error,
                        a.bound,
                        a.step,
                        a.gap,
                        a.holds,
                    )
                )
                for a in self.agreements
            ),
        )

    def __repr__(self) -> str:
        same = "the same step" if self.holds else "NOT the same step"
        return f"<Comparison of {' and '.join(self.judgements)}: {same}; {self.plan.name}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()


def compare(*traces: Trace) -> Comparison:
    """Cross-check traces of one plan: each against the oracle, and all against each other.

    Parameters
    ----------
    *traces : Trace
        Two or more traces of the same plan, recorded at every step. Those of different precision
        are judged, but pairs are formed within a precision.

    Raises
    ------
    UsageError
        If there are fewer than two, or plans, precisions or participants do not fit.
    """
    if len(traces) < 2:
        raise UsageError(
            f"An agreement needs two participants that ran; {len(traces)} was given.",
            "Give the traces of at least two participants.",
        )
    plan = traces[0].plan
    for trace in traces[1:]:
        if trace.plan.hash != plan.hash:
            raise UsageError(
                f"The traces have different plans: {plan!r} and {trace.plan!r}.",
                _difference(plan, trace.plan),
            )
    labels = [trace.participant for trace in traces]
    if len(set(labels)) < len(labels):
        raise UsageError(
            f"A participant stands twice: {', '.join(labels)}.", "Give each participant once."
        )
    judgements = {trace.participant: judge(trace) for trace in traces}
    agreements: list[Agreement] = []
    for i, first in enumerate(traces):
        for second in traces[i + 1 :]:
            if first.dtype == second.dtype:
                pair = judgements[first.participant], judgements[second.participant]
                agreements.extend(agree(*pair))
    if not agreements:
        raise UsageError(
            "No two traces have the same precision: "
            + ", ".join(f"{t.participant} ({t.dtype})" for t in traces)
            + ".",
            "Compare participants at one dtype.",
        )
    return Comparison(plan, judgements, tuple(agreements))


def agree(first: Judgement, second: Judgement) -> Iterator[Agreement]:
    """Combine two judgements on one plan into an agreement per quantity."""
    same_overflow = (
        np.array_equal(first.overflow_step, second.overflow_step)
        and first.overflow_explained
        and second.overflow_explained
    )
    estimated = not get_loss(first.trace.plan.loss).analysed
    for quantity in QUANTITIES:
        verdicts = first.verdicts[quantity], second.verdicts[quantity]
        found = [v.worst for v in verdicts if v.worst is not None]
        worst = max(found, key=lambda finding: order_of_ratio(finding.ratio), default=None)
        gap, relative_gap = path_gap(first.trace, second.trace, quantity)
        yield Agreement(
            participants=(first.trace.participant, second.trace.participant),
            quantity=quantity,
            dtype=first.trace.dtype,
            max_error=worst.error if worst else 0.0,
            bound=worst.bound if worst else 0.0,
            step=worst.step if worst else -1,
            gap=gap,
            relative_gap=relative_gap,
            holds=same_overflow and all(v.holds for v in verdicts),
            estimated=estimated and quantity != "prediction",
        )


def path_gap(first: Trace, second: Trace, quantity: str = "update") -> tuple[float, float]:
    """Largest difference between two participants' own records of a quantity, where finite.

    Returns
    -------
    absolute, relative : float
        The latter as a share of the quantity's largest number in the same step and run: where a
        run diverges, the difference grows with the numbers.
    """
    active, whole = first.plan.active, slice(0, first.plan.steps)
    gap, size = np.zeros(active.shape), np.zeros(active.shape)
    for key in recorded_keys(first, quantity):
        a, b = (
            t.observed(key, whole).astype(np.float64).reshape(*active.shape, -1)
            for t in (first, second)
        )
        with np.errstate(all="ignore"):
            counted = active[..., None] & np.isfinite(a) & np.isfinite(b)
            largest = np.maximum(np.abs(a), np.abs(b))
            gap = np.maximum(gap, np.where(counted, np.abs(a - b), 0.0).max(-1))
            size = np.maximum(size, np.where(counted, largest, 0.0).max(-1))
    relative = np.divide(gap, size, out=np.zeros_like(gap), where=size > 0)
    return float(gap.max(initial=0.0)), float(relative.max(initial=0.0))


def _difference(first: Plan, second: Plan) -> str:
    ours, theirs = first.settings(), second.settings()
    differing = [f"{k}: {ours[k]!r} and {theirs[k]!r}" for k in ours if ours[k] != theirs[k]]
    if not np.array_equal(first.learning_rate, second.learning_rate):
        differing.append("the learning rates")
    if [p.hash for p in first.problems] != [p.hash for p in second.problems]:
        differing.append("the data, the initial values or the seed of the batch order")
    return "They differ in " + ("; ".join(differing) or "the batch order") + "."
