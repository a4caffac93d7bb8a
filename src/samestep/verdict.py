"""Verdicts: the judgement on one quantity, collected block of steps by block of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.plan import Plan
from samestep.referee import Reference
from samestep.rounding import Tolerance

__all__ = ["Collector", "Finding", "Verdict", "order_of_ratio"]


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


def order_of_ratio(ratio: float) -> float:
    """Return what a ratio is sorted by: NaN is the worst of all."""
    return np.inf if np.isnan(ratio) else ratio


class Collector:
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
        """Compare a block of steps that begins with ``start``, in one recorded array."""
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
        """Return the verdict on all that was added."""
        return Verdict(
            quantity=self._quantity,
            holds=self._first is None,
            worst=self._worst,
            first=self._first,
            judged=self._judged,
            ratios=dict(sorted(self._step_ratios.items())),
        )
