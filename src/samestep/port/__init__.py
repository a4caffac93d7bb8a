"""The port check: an original and a port of it, in two frameworks, step by step.

What a framework must offer is :class:`Side`; the backends have one each.
"""

from samestep.port.check import assert_same_step, port_check
from samestep.port.result import Cause, Divergence, PortResult
from samestep.port.rules import Rule, slot_names
from samestep.port.side import Arrays, Batch, Pass, Side, State, Tensor, Variation, only

__all__ = [
    "Arrays",
    "Batch",
    "Cause",
    "Divergence",
    "Pass",
    "PortResult",
    "Rule",
    "Side",
    "State",
    "Tensor",
    "Variation",
    "assert_same_step",
    "only",
    "port_check",
    "slot_names",
]
