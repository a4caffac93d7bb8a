"""Agreements on the plans of an exercise, as its result keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from samestep.agreement import Agreement, agree
from samestep.judgement import Judgement, judge
from samestep.plan import Plan
from samestep.registry import oracle
from samestep.training import train

__all__ = ["CheckedAgreement", "checked_agreements"]


@dataclass(frozen=True)
class CheckedAgreement:
    """An agreement and the plan that it is about."""

    participants: tuple[str, ...]
    plan: str
    plan_hash: str
    dtype: str
    quantity: str
    max_error: float
    bound: float
    step: int
    gap: float
    relative_gap: float
    runs_checked: int
    runs: int
    steps: int
    holds: bool
    explanation: str = ""
    estimated: bool = False


def checked_agreements(
    plan: Plan, judgements: Sequence[Judgement], runs: int
) -> list[CheckedAgreement]:
    """Return the agreements of all pairs of a precision; a lone participant meets the oracle.

    Parameters
    ----------
    plan : Plan
    judgements : sequence of Judgement
        Of all runs of the plan or of a sample, the same one for every participant.
    runs : int
        How many runs there were.
    """
    by_dtype: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        by_dtype.setdefault(judgement.trace.dtype, []).append(judgement)
    found = []
    for dtype, group in by_dtype.items():
        if len(group) == 1:
            # In the participant's precision, so that it overflows at the same step.
            reference = train(oracle(dtype), group[0].trace.plan)
            group.append(judge(replace(reference, participant=f"oracle/{dtype}")))
        for i, first in enumerate(group):
            for second in group[i + 1 :]:
                found += [_checked(a, plan, first, second, runs) for a in agree(first, second)]
    return found


def _checked(
    agreement: Agreement, plan: Plan, first: Judgement, second: Judgement, runs: int
) -> CheckedAgreement:
    divergences = [
        f"{j.trace.participant}: {j.first[0]} at step {j.first[1].step}, "
        f"{j.first[1].element}: {j.first[1].observed!r} instead of {j.first[1].expected!r}"
        for j in (first, second)
        if j.first
    ]
    if not agreement.holds and not divergences:
        divergences = ["numbers stop being finite at different steps, or without reason"]
    return CheckedAgreement(
        participants=agreement.participants,
        plan=plan.name,
        plan_hash=plan.hash,
        dtype=agreement.dtype,
        quantity=agreement.quantity,
        max_error=agreement.max_error,
        bound=agreement.bound,
        step=agreement.step,
        gap=agreement.gap,
        relative_gap=agreement.relative_gap,
        runs_checked=first.trace.plan.runs,
        runs=runs,
        steps=plan.steps,
        holds=agreement.holds,
        explanation="; ".join(divergences),
        estimated=agreement.estimated,
    )
