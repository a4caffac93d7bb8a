"""A divergent step, and what it means that a known fault fits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from samestep.loss import Float64
from samestep.plan import Plan
from samestep.referee import Referee, Reference, Variation
from samestep.trace import Trace

__all__ = ["Case", "Fault"]


@dataclass(frozen=True)
class Case:
    """A single run with its first divergence.

    Parameters
    ----------
    trace : Trace
        Of one run, every step recorded.
    step : int
        The first step beyond the bound.
    quantity : str
        The first quantity beyond the bound in that step.
    """

    trace: Trace
    step: int
    quantity: str

    @property
    def plan(self) -> Plan:
        """The plan that the run should have followed."""
        return self.trace.plan

    def references(
        self, plan: Plan | None = None, variation: Variation = Variation(), step: int | None = None
    ) -> dict[str, Reference]:
        """Recompute one step, by default the divergent one; arrays of shape (1, 1, ...)."""
        k = self.step if step is None else step
        here = slice(k, k + 1)
        return Referee(plan or self.plan, self.trace.dtype, variation).references(
            here,
            {name: values[here] for name, values in self.trace.params.items()},
            {name: values[here] for name, values in self.trace.state.items()},
        )

    def observed(self, key: str, step: int | None = None) -> Float64:
        """What the trace recorded for a key of the references, shape (1, 1, ...)."""
        k = self.step if step is None else step
        return self.trace.observed(key, slice(k, k + 1)).astype(np.float64)

    def fits(self, references: dict[str, Reference], step: int | None = None) -> bool:
        """Whether all that was recorded in a step is within the bounds of a recomputation."""
        k = self.step if step is None else step
        rows = int(self.plan.rows[k, 0])
        for key, reference in references.items():
            observed = self.observed(key, k)
            within = np.abs(observed - reference.value) <= reference.bound
            within |= np.isnan(observed) & np.isnan(reference.value)
            if not (within[..., :rows] if key == "prediction" else within).all():
                return False
        return True


@dataclass(frozen=True)
class Fault:
    """A known fault.

    Parameters
    ----------
    id : str
    cause : str
        One clause that completes "the likely cause is that ...".
    recompute : callable
        ``(case, step) -> references`` of that step with this fault.
    one_off : bool
        Something that happens once, so it is the likelier cause if it fits one step only.
    """

    id: str
    cause: str
    recompute: Callable[[Case, int], dict[str, Reference]]
    one_off: bool = False

    def explains(self, case: Case, step: int | None = None) -> bool:
        """Whether the fault fits a step, by default the divergent one."""
        k = case.step if step is None else step
        return case.fits(self.recompute(case, k), k)


def varied(id_: str, cause: str, variation: Variation) -> Fault:
    """Make a fault that is a variation of what the referee computes, the same at every step."""
    return Fault(id_, cause, lambda case, step: case.references(variation=variation, step=step))
