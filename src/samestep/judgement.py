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

__all__ = ["Finding", "Judgement", "Verdict", "judge"]

_BLOCK = 2_000_000
"""Row-features that are recomputed at a time; bounds the memory of a cross-check."""


@dataclass(frozen=True)
class Finding:
    """One number that was compared, and where it stands in the trace.

    Parameters
    ----------
    step, run : int
    element : str
        Such as ``"w[1]"`` or ``"row 3"``.
    observed, expected : float
        The participant's value and the oracle's.
    error, bound : float
        Absolute difference, and the largest one that rounding explains.
    magnitude : float
        Magnitude of the largest term; ``ulps`` counts the error in units of its last place.
    ulps : float
    key : str
        Name of the recorded array, for :meth:`Trace.observed`.
    index : tuple of int
        Where the number stands in a step of a run.
    """

    step: int
    run: int
    element: str
    observed: float
    expected: float
    error: float
    bound: float
    magnitude: float
    ulps: float
    key: str = ""
    index: tuple[int, ...] = ()

    @property
    def ratio(self) -> float:
        """Error over bound: above 1 rounding does not explain it."""
        return self.error / self.bound if self.bound else (np.inf if self.error else 0.0)


@dataclass(frozen=True)
class Verdict:
    """The judgement on one quantity of one participant, over all its steps.

    Parameters
    ----------
    quantity : str
        ``prediction``, ``loss``, ``gradient`` or ``update``.
    holds : bool
    worst : Finding or None
        Where error over bound is largest; None if no step could be judged.
    first : Finding or None
        The first step beyond the bound.
    judged : int
        How many numbers were compared.
    ratios : dict of int to float
        Largest error over bound, in any run, of each step that was judged, in order.
    """

    quantity: str
    holds: bool
    worst: Finding | None
    first: Finding | None
    judged: int
    ratios: dict[int, float]

    @property
    def median_ratio(self) -> float:
        """Median over steps of the largest error over bound in a step: how loose the bound is."""
        return float(np.median(list(self.ratios.values()))) if self.ratios else 0.0

    @property
    def steps_beyond(self) -> tuple[int, ...]:
        """All steps beyond the bound, in any run."""
        return tuple(step for step, ratio in self.ratios.items() if ratio > 1)


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
    collectors = {q: _Collector(q, trace.dtype) for q in quantities}
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


def order_of_ratio(ratio: float) -> float:
    return np.inf if np.isnan(ratio) else ratio


def recorded_keys(trace: Trace, quantity: str) -> list[str]:
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


class _Collector:
    """Keeps the worst and the first finding of a quantity while blocks of steps go by."""

    def __init__(self, quantity: str, dtype: str) -> None:
        self._quantity = quantity
        self._dtype = np.dtype(dtype)
        self._worst: Finding | None = None
        self._first: Finding | None = None
        self._judged = 0
        self._step_ratios: dict[int, float] = {}

    def add(
        self,
        key: str,
        start: int,
        observed: npt.NDArray[np.floating],
        reference: Reference,
        judged: npt.NDArray[np.bool_],
        plan: Plan,
    ) -> None:
        shape = judged.shape + (1,) * (observed.ndim - 2)
        counted = np.broadcast_to(judged.reshape(shape), observed.shape)
        if key == "prediction":
            width = observed.shape[-1]
            rows = plan.rows[start : start + len(observed)]
            counted = counted & (np.arange(width) < rows[..., None])
        if not counted.any():
            return
        with np.errstate(all="ignore"):
            error = np.abs(observed.astype(np.float64) - reference.value)
            ratio = np.where(error <= reference.bound, error / reference.bound, np.inf)
            ratio = np.where((error > 0) & np.isinf(ratio), error / reference.bound, ratio)
        ratio = np.where(np.isnan(error) | np.isnan(ratio), np.inf, ratio)
        ratio = np.where(error == 0, 0.0, ratio)
        # Where the oracle's own numbers overflow nothing can be said of a number near the end of
        # the range; one that is far from it is wrong.
        beyond_range = ~np.isfinite(reference.bound) & np.isfinite(observed)
        far = beyond_range & ~np.isfinite(reference.value)
        far &= np.abs(observed) < 1e-3 * Tolerance(self._dtype.name).largest
        ratio = np.where(far, np.inf, ratio)
        counted = counted & (~beyond_range | far)
        ratio = np.where(counted, ratio, -1.0)
        if not counted.any():
            return
        self._judged += int(counted.sum())
        per_step = ratio.reshape(len(ratio), -1).max(1)
        for i in np.flatnonzero(per_step >= 0):
            step = start + int(i)
            self._step_ratios[step] = max(self._step_ratios.get(step, 0.0), float(per_step[i]))

        def finding(index: tuple[int, ...]) -> Finding:
            magnitude = float(np.broadcast_to(reference.magnitude, observed.shape)[index])
            name = key.rsplit("/", maxsplit=1)[-1]
            inner = f"[{index[2]}]" if len(index) > 2 else ""
            with np.errstate(over="ignore"):  # the largest term may be beyond the precision
                spacing = float(np.spacing(self._dtype.type(magnitude)))
            return Finding(
                step=start + index[0],
                run=index[1],
                element=f"row {index[2]}" if key == "prediction" else name + inner,
                observed=float(observed[index]),
                expected=float(reference.value[index]),
                error=float(error[index]),
                bound=float(reference.bound[index]),
                magnitude=magnitude,
                ulps=float(error[index]) / spacing,
                key=key,
                index=index[2:],
            )

        index = tuple(int(i) for i in np.unravel_index(int(ratio.argmax()), ratio.shape))
        if self._worst is None or ratio[index] > order_of_ratio(self._worst.ratio):
            self._worst = finding(index)
        beyond = np.argwhere(ratio > 1)
        if len(beyond):
            candidate = finding(tuple(int(i) for i in beyond[0]))
            if self._first is None or candidate.step < self._first.step:
                self._first = candidate

    def verdict(self) -> Verdict:
        return Verdict(
            quantity=self._quantity,
            holds=self._first is None,
            worst=self._worst,
            first=self._first,
            judged=self._judged,
            ratios=dict(sorted(self._step_ratios.items())),
        )
