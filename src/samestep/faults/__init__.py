"""Known faults: what a step looks like when something is wrong in a known way.

Each fault recomputes steps as a faulty implementation would have done them. A fault *fits* a step
if every recorded quantity is within the rounding bound of that recomputation. Each module holds
faults of one kind; what a fault needs to know (a factor, a momentum) is estimated from the step.
"""

from __future__ import annotations

from collections.abc import Iterator

from samestep.faults.case import Case, Fault
from samestep.faults.factors import factor_faults
from samestep.faults.gradients import gradient_faults
from samestep.faults.precision import precision_faults, round_to_bits
from samestep.faults.rows import row_faults
from samestep.faults.settings import setting_faults
from samestep.faults.updates import update_faults

__all__ = ["Case", "Fault", "known_faults", "round_to_bits"]


def known_faults(case: Case) -> Iterator[Fault]:
    """Yield the faults to try on a case, those that are most specific first."""
    yield from factor_faults(case)
    yield from setting_faults(case)
    yield from row_faults(case)
    yield from gradient_faults(case)
    yield from update_faults(case)
    yield from precision_faults(case)
