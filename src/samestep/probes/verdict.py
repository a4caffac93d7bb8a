"""The verdict on a probe, computed from what was observed and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from samestep.probes.comparison import Relation, relate
from samestep.probes.observation import Absent, Outcome, Raised
from samestep.probes.truth import Truth

__all__ = ["Verdict", "reach_verdict"]


class Verdict(StrEnum):
    """What the observations of a probe amount to."""

    AGREE = "agree"
    VALUES_DIFFER = "values differ"
    SEMANTICS_DIFFER = "semantics differ"
    ONE_RAISES = "one raises"
    BOTH_RAISE = "both raise"
    BOTH_WRONG = "both wrong"
    MISSING = "missing"


_OF_RELATION = {
    Relation.SAME: Verdict.AGREE,
    Relation.OTHER_VALUE: Verdict.VALUES_DIFFER,
    Relation.OTHER_KIND: Verdict.SEMANTICS_DIFFER,
    Relation.ONE_RAISES: Verdict.ONE_RAISES,
}


def reach_verdict(outcomes: Mapping[str, Outcome], truth: Truth, scale: float = 0.0) -> Verdict:
    """Compare what the sides of a probe did, with each other and with the truth.

    Parameters
    ----------
    outcomes : mapping of str to Outcome
        By backend.
    truth : Truth
    scale : float
        See :func:`samestep.probes.comparison.relate`.

    Returns
    -------
    Verdict
        "missing" if a side has no code, or there is only one; "both raise"; "one raises";
        "both wrong" if no side's value is admitted by the truth, be they equal or not; else what
        the most different two amount to: other kinds of things, other values, or agreement.
    """
    found = list(outcomes.values())
    if len(found) < 2 or any(isinstance(outcome, Absent) for outcome in found):
        return Verdict.MISSING
    if all(isinstance(outcome, Raised) for outcome in found):
        return Verdict.BOTH_RAISE
    if any(isinstance(outcome, Raised) for outcome in found):
        return Verdict.ONE_RAISES
    if all(truth.admits(outcome, scale) is False for outcome in found):
        return Verdict.BOTH_WRONG
    first, *others = found
    return _OF_RELATION[max(relate(first, other, scale) for other in others)]
