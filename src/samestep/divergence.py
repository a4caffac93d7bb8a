"""Why two participants differ: the first divergence, and the faults that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from samestep.agreement import Comparison, compare
from samestep.faults import Case, Fault, known_faults
from samestep.judgement import Judgement
from samestep.loss import get_loss
from samestep.rounding import Tolerance
from samestep.trace import Trace
from samestep.verdict import Finding

__all__ = ["Cause", "Divergence", "Explanation", "explain"]

_FOLLOWED = 24
"""Steps after the first divergence in which a cause is tried again."""


@dataclass(frozen=True)
class Cause:
    """A known fault that fits the divergent step.

    Parameters
    ----------
    id, text : str
    explained, tried : int
        In how many of the steps from the first divergence on it fits.
    """

    id: str
    text: str
    explained: int
    tried: int

    def __str__(self) -> str:
        """The cause with the evidence for it."""
        if self.tried == 1:
            return f"{self.text} (fits the step)"
        if self.explained == 1:
            return f"{self.text} (fits this step alone, none of the {self.tried - 1} that follow)"
        return f"{self.text} (fits {self.explained} of {self.tried} steps from there on)"


@dataclass(frozen=True)
class Divergence:
    """The first divergence of one participant.

    Parameters
    ----------
    participant : str
    quantity : str
        ``prediction``, ``loss``, ``gradient`` or ``update``.
    finding : Finding
        Step, run, element, the participant's value and the oracle's, error, bound, ULPs.
    others : dict of str to float
        What the other participant recorded for the same element.
    causes : tuple of Cause
        All known faults that fit, the likeliest first.
    """

    participant: str
    quantity: str
    finding: Finding
    others: dict[str, float]
    causes: tuple[Cause, ...]

    def __str__(self) -> str:
        """The divergence in a few lines."""
        f = self.finding
        lines = [
            f"{self.participant}: first divergence at step {f.step}, run {f.run}: "
            f"{self.quantity}, {f.element}",
            f"  {self.participant:24} {f.observed!r}",
            *(f"  {label:24} {value!r}" for label, value in self.others.items()),
            f"  {'oracle (float64)':24} {f.expected!r}",
            f"  error {f.error:.3g}, bound {f.bound:.3g}: {f.ratio:.3g} times what rounding "
            f"explains; {f.ulps:.3g} ULP of the largest term",
        ]
        if self.causes:
            lines.append("  likely cause:")
            lines.extend(f"    - {cause}" for cause in self.causes)
        else:
            lines.append("  no known fault fits this step")
        return "\n".join(lines)


@dataclass(frozen=True)
class Explanation:
    """The answer to "why do these two differ, and from which step on?".

    Parameters
    ----------
    comparison : Comparison
    divergences : tuple of Divergence
        One per participant that left the bound; empty if all took the same step.
    notes : tuple of str
        What else a reader should know: kinks, overflow, gaps between the paths.
    """

    comparison: Comparison
    divergences: tuple[Divergence, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all participants took the same step, every step."""
        return self.comparison.holds

    def __str__(self) -> str:
        """The explanation as text."""
        plan = self.comparison.plan
        head = f"{plan.name}: {plan.runs} run(s), {plan.steps} steps"
        if self.same:
            worst = max(self.comparison.agreements, key=lambda a: a.max_error / (a.bound or 1))
            body = [
                "Same step, every step: each recorded quantity is within the rounding of one step.",
                f"Closest to its bound: {worst.quantity} at step {worst.step}, error "
                f"{worst.max_error:.3g}, bound {worst.bound:.3g}.",
            ]
        else:
            body = [str(d) for d in self.divergences]
        return "\n".join([head, *body, *self.notes])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def explain(*traces: Trace) -> Explanation:
    """Find the first divergence of each participant, and the known faults that fit it.

    Parameters
    ----------
    *traces : Trace
        Two or more traces of one plan, recorded at every step; also stored ones.

    Raises
    ------
    UsageError
        As :func:`samestep.compare`.
    """
    comparison = compare(*traces)
    divergences = []
    for label, judgement in comparison.judgements.items():
        if judgement.first is None:
            continue
        quantity, finding = judgement.first
        here = slice(finding.step, finding.step + 1)
        others = {
            other.participant: float(
                other.observed(finding.key, here)[0, finding.run][finding.index]
            )
            for other in traces
            if other.participant != label
        }
        divergences.append(
            Divergence(label, quantity, finding, others, _causes(judgement, quantity, finding))
        )
    divergences.sort(key=lambda d: d.finding.step)
    return Explanation(comparison, tuple(divergences), tuple(_notes(comparison)))


def _causes(judgement: Judgement, quantity: str, finding: Finding) -> tuple[Cause, ...]:
    """All known faults that fit, those that also fit the following steps first."""
    trace = judgement.trace.select([finding.run])
    case = Case(trace, finding.step, quantity)
    last = min(trace.plan.steps, finding.step + _FOLLOWED)
    causes: dict[str, Cause] = {}
    rank: dict[str, float] = {}
    with np.errstate(all="ignore"):
        for fault in known_faults(case):
            if fault.explains(case):
                cause = _followed(fault, case, range(finding.step, last))
                if fault.id not in causes or cause.explained > causes[fault.id].explained:
                    causes[fault.id] = cause
                    once = cause.explained == 1
                    rank[fault.id] = cause.explained + (0.5 if fault.one_off == once else 0.0)
    return tuple(sorted(causes.values(), key=lambda cause: -rank[cause.id]))


def _followed(fault: Fault, case: Case, steps: range) -> Cause:
    fitting = sum(fault.explains(case, step) for step in steps)
    return Cause(fault.id, fault.cause, fitting, len(steps))


def _notes(comparison: Comparison) -> list[str]:
    notes = []
    judgements = comparison.judgements
    ends = {label: j.overflow_step for label, j in judgements.items()}
    for label, steps in ends.items():
        if (steps >= 0).any():
            first = int(steps[steps >= 0].min())
            reason = "overflow" if judgements[label].overflow_explained else "no overflow there"
            notes.append(f"{label}: numbers stop being finite at step {first} ({reason}).")
    loss = get_loss(comparison.plan.loss)
    if not loss.analysed:
        notes.append(
            f"{loss.name} has no analysis: its rounding was estimated from samples, not bounded."
        )
    if loss.kinks(comparison.plan.delta):
        near = {label: _near_kinks(j) for label, j in judgements.items()}
        for label, count in near.items():
            if count:
                notes.append(
                    f"{label}: {count} residual(s) within rounding of a kink of "
                    f"{comparison.plan.loss}; either one-sided answer was accepted there."
                )
    gaps = [a for a in comparison.agreements if a.quantity == "update"]
    notes.extend(
        f"Gap between the paths of {' and '.join(a.participants)}: {a.gap:.3g} "
        "(reported, not judged)."
        for a in gaps
    )
    return notes


def _near_kinks(judgement: Judgement) -> int:
    """How many residuals lie so near a kink that rounding decides on which side."""
    trace = judgement.trace
    plan = trace.plan
    if trace.prediction is None:
        return 0
    y = plan.data(trace.dtype)[1][plan.batches].astype(np.float64)
    residual = trace.prediction.astype(np.float64) - y
    real = np.arange(plan.batches.shape[2]) < plan.rows[..., None]
    width = plan.features + 2
    near = np.zeros_like(real)
    with np.errstate(all="ignore"):
        radius = Tolerance(trace.dtype).c(width) * (np.abs(y) + np.abs(residual))
        for kink in get_loss(plan.loss).kinks(plan.delta):
            near |= np.abs(residual - kink) <= radius
    return int((near & real).sum())
