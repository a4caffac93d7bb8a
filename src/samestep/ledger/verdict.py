"""The verdict on an entry, computed from what its proof has found."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Side", "Verdict", "decide"]


class Verdict(enum.StrEnum):
    """What an entry comes to."""

    SAME = "same"
    CONVERTED = "same after conversion"
    NO_COUNTERPART = "no counterpart"
    DIFFERENT = "same name, different function"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Side:
    """What the proof found about one side.

    Parameters
    ----------
    shipped : bool
        Whether the framework ships it; otherwise its code is an expression.
    converted : bool
        Whether the conversion was applied.
    agrees : bool
        Whether it is what the reference is.
    lookalike_differs : bool, optional
        Whether what the framework ships under that name differs from the reference; None if there
        is no such thing.
    """

    shipped: bool
    converted: bool
    agrees: bool
    lookalike_differs: bool | None = None


def decide(sides: Sequence[Side], *, conversion_needed: bool) -> Verdict:
    """Return the verdict.

    Parameters
    ----------
    sides : sequence of Side
    conversion_needed : bool
        Whether leaving out any one step of the conversion breaks the agreement; true if there is
        no conversion.

    Returns
    -------
    Verdict
        ``NOT_PROVEN`` if anything is not as the entry claims: a side that is not the reference,
        a step of the conversion that changes nothing, a lookalike that is the same after all.
    """
    if not all(side.agrees for side in sides) or not conversion_needed:
        return Verdict.NOT_PROVEN
    if any(side.lookalike_differs is False for side in sides):
        return Verdict.NOT_PROVEN
    if any(side.lookalike_differs for side in sides):
        return Verdict.DIFFERENT
    if not all(side.shipped for side in sides):
        return Verdict.NO_COUNTERPART
    return Verdict.CONVERTED if any(side.converted for side in sides) else Verdict.SAME
