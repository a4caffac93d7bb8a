"""Judging one trace: is each recorded number within the rounding error of one step?

Each step is judged on its own, from the recorded state before it, so no theory of how errors
spread is needed, and the first quantity that is wrong is the one that is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.plan import Plan
from samestep.referee import QUANTITIES, Referee, Reference
from samestep.rounding import Tolerance
from samestep.trace import Trace
from samestep.verdict import Collector, Finding, Verdict

__all__ = ["Judgement", "judge", "recorded_keys"]

_BLOCK = 2_000_000
"""Row-features that are recomputed at a time; bounds the memory of a cross-check."""


@dataclass(frozen=True, repr=False)
class Judgement:
    """All verdicts on one trace.

    Parameters
    ----------
    trace : Trace
    verdicts : dict of str to Verdict
    overflow_step : array of shape (runs,), int
        First step with a number that is not finite; -1 where there is none.
    overflow_explained : bool
        Whether overflow was possible wherever a number is not finite.
    overflow_quantity : array of shape (runs,), str
    own_plan : bool
        Whether the trace was judged by the plan that it followed.
    """

    trace: Trace
    verdicts: dict[str, Verdict]
    overflow_step: npt.NDArray[np.intp]
    overflow_explained: bool
    overflow_quantity: npt.NDArray[np.str_]
    own_plan: bool = True

    @property
    def holds(self) -> bool:
        """Whether every quantity of every step is within its bound.

        Against another plan, something must have been judged: two settings of which nothing can be
        said do not take the same step.
        """
        judged = self.own_plan or any(v.judged for v in self.verdicts.values())
        return judged and self.overflow_explained and all(v.holds for v in self.verdicts.values())

    @property
    def first(self) -> tuple[str, Finding] | None:
        """First divergence: earliest step, then the order in which a step is computed."""
        found = [(v.first.step, i, q) for i, (q, v) in enumerate(self.verdicts.items()) if v.first]
        if not found:
            return None
        quantity = min(found)[2]
        finding = self.verdicts[quantity].first
        return (quantity, finding) if finding else None

    def __repr__(self) -> str:
        if self.first:
            quantity, finding = self.first
            what = f"{quantity} at step {finding.step}, {finding.element}, is wrong"
        else:
            what = "holds" if self.holds else "does not hold"
        return f"<Judgement of {self.trace.participant}: {what}; {self.trace.plan.steps} steps>"


def judge(trace: Trace, plan: Plan | None = None) -> Judgement:
    """Judge every quantity of every recorded step against the float64 oracle.

    Parameters
    ----------
    trace : Trace
        Recorded with ``every_step=True``.
    plan : Plan, optional
        Judge the parameters' path against *this* plan's step instead of the trace's own: this is
        how one says that two settings take the same step. Then only the update is judged, and
        only that of the parameters.

    Raises
    ------
    UsageError
        If the trace lacks its steps or starts elsewhere than its plan, or if the other plan has
        other shapes.
    """
    own = plan is None
    plan = plan or trace.plan
    _require_fit(trace, plan)
    quantities = QUANTITIES if own else ("update",)
    overflow, where = _first_non_finite(trace, plan, quantities)
    collectors = {q: Collector(q, trace.dtype) for q in quantities}
    explained = True
    for steps, references in _blocks(trace, plan):
        number = np.arange(steps.start, steps.stop)[:, None]
        judged = plan.active[steps] & ((overflow < 0) | (number < overflow))
        at_overflow = plan.active[steps] & (overflow >= 0) & (number == overflow)
        for key, reference in references.items():
            quantity = key.split("/", maxsplit=1)[0]
            if quantity not in collectors or (not own and "velocity" in key):
                continue
            observed = trace.observed(key, steps)
            rank = QUANTITIES.index(quantity)
            # In the step that overflows, what was computed before the overflow still counts, and
            # so does a number that is not finite where nothing could overflow.
            counts = judged | (at_overflow & (np.vectorize(_rank)(where) > rank)[None])
            here = at_overflow & (where == key)[None]
            if here.any():
                size = reference.magnitude.reshape(*reference.magnitude.shape[:2], -1).max(-1)
                impossible = here & (size < 0.99 * Tolerance(trace.dtype).largest)
                explained &= not impossible.any()
                counts |= impossible
            collectors[quantity].add(key, steps.start, observed, reference, counts, plan)
    return Judgement(
        trace, {q: c.verdict() for q, c in collectors.items()}, overflow, explained, where, own
    )


def _require_fit(trace: Trace, plan: Plan) -> None:
    """Raise an error for a trace whose steps cannot be judged by the plan."""
    if trace.loss is None:
        raise UsageError(
            f"The trace of {trace.participant} holds no steps.", "Train with every_step=True."
        )
    _require_whole(trace)
    if plan.active.shape != trace.loss.shape or plan.features != trace.plan.features:
        raise UsageError(
            f"The trace has (steps, runs) = {trace.loss.shape} and {trace.plan.features} features, "
            f"the plan {plan.active.shape} and {plan.features}.",
            "Give a plan of the same shape.",
        )
    if plan.options.momentum and not trace.state:
        raise UsageError(
            f"The trace of {trace.participant} has no velocities, but the plan has momentum.",
            "Give a plan without momentum.",
        )
    # Each step is judged from the recorded one before it; that chain needs a true beginning.
    for name, start in trace.plan.initial(trace.dtype).items():
        moving = name in trace.state and trace.state[name][0].any()
        if moving or not np.array_equal(trace.params[name][0], start):
            raise UsageError(
                f"The trace of {trace.participant} does not start where its plan does, in {name}.",
                "Start from Plan.initial, with velocities of zero.",
            )


def _require_whole(trace: Trace) -> None:
    """Raise an error for a trace that lacks arrays, or has some of another shape or dtype."""
    plan, dtype = trace.plan, np.dtype(trace.dtype)
    shapes = {"w": (plan.features,), "b": ()}
    expected: dict[str, tuple[int, ...]] = {
        "loss": (plan.steps, plan.runs),
        "prediction": (plan.steps, plan.runs, plan.batches.shape[2]),
    }
    found: dict[str, npt.NDArray[np.floating] | None] = {
        "loss": trace.loss,
        "prediction": trace.prediction,
    }
    for group, arrays, extra in (
        ("params", trace.params, 1),
        ("gradient", trace.gradient, 0),
        ("state", trace.state, 1),
    ):
        if group == "state" and not (arrays or plan.options.momentum):
            continue
        for name, shape in shapes.items():
            expected[f"{group} {name}"] = (plan.steps + extra, plan.runs, *shape)
            found[f"{group} {name}"] = arrays.get(name)
    for name, shape in expected.items():
        values = found[name]
        given = "nothing" if values is None else f"{values.dtype} of shape {values.shape}"
        if values is None or values.shape != shape or values.dtype != dtype:
            raise UsageError(
                f"The trace of {trace.participant} has {given} as {name}.",
                f"Expected {dtype} of shape {shape}.",
            )


def recorded_keys(trace: Trace, quantity: str) -> list[str]:
    """Return the names of the arrays that belong to a quantity, for :meth:`Trace.observed`."""
    if quantity in ("prediction", "loss"):
        return [quantity]
    if quantity == "gradient":
        return [f"gradient/{name}" for name in trace.gradient]
    velocities = [f"update/velocity {name}" for name in trace.state]
    return velocities + [f"update/{name}" for name in trace.params]


def _rank(key: str) -> int:
    return QUANTITIES.index(key.split("/", maxsplit=1)[0]) if key else len(QUANTITIES)


def _first_non_finite(
    trace: Trace, plan: Plan, quantities: Sequence[str]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.str_]]:
    """First step of each run with a number that is not finite (-1: none), and which number."""
    overflow = np.full(plan.runs, -1, np.intp)
    where = np.full(plan.runs, "", dtype="<U32")
    whole = slice(0, plan.steps)
    for quantity in quantities:
        for key in recorded_keys(trace, quantity):
            values = trace.observed(key, whole)
            bad = ~np.isfinite(values).reshape(*values.shape[:2], -1).all(-1) & plan.active
            step = np.where(bad.any(0), bad.argmax(0), -1)
            earlier = (step >= 0) & ((overflow < 0) | (step < overflow))
            overflow[earlier], where[earlier] = step[earlier], key
    return overflow, where


def _blocks(trace: Trace, plan: Plan) -> Iterator[tuple[slice, dict[str, Reference]]]:
    referee = Referee(plan, trace.dtype)
    per_step = plan.runs * plan.batches.shape[2] * plan.features
    length = max(1, _BLOCK // per_step)
    for start in range(0, plan.steps, length):
        steps = slice(start, min(start + length, plan.steps))
        yield (
            steps,
            referee.references(
                steps,
                {name: values[steps] for name, values in trace.params.items()},
                {name: values[steps] for name, values in trace.state.items()},
            ),
        )
