"""Do two observations say the same? Equal up to rounding, other values, or another kind of thing.

Numbers are equal if they differ by at most :data:`ULPS` spacings of the coarser of the two
dtypes, at the magnitude of the largest term that was rounded on the way: the result itself,
unless the probe names a larger ``scale``. NaN equals NaN, integers have no rounding.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from samestep.probes.observation import Flag, Items, Nothing, Numbers, Outcome, Parts, Raised, Text

__all__ = ["ULPS", "Relation", "relate"]

ULPS = 8
"""Roundings that a few elementary operations can make; a longer sum states its own scale."""

_SPACING_AT_ONE = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "complex64": 2.0**-23,
    "float64": 2.0**-52,
    "complex128": 2.0**-52,
    "float": 2.0**-52,
    "complex": 2.0**-52,
}


class Relation(IntEnum):
    """How two observations are related, from the same to the most different."""

    SAME = 0
    OTHER_VALUE = 1
    OTHER_KIND = 2
    ONE_RAISES = 3


def relate(a: Outcome, b: Outcome, scale: float = 0.0) -> Relation:
    """Compare two observations.

    Parameters
    ----------
    a, b : Outcome
        Two exceptions are the same, whatever their classes: frameworks name theirs differently.
    scale : float
        Magnitude of the largest rounded term, where it is larger than the result.

    Returns
    -------
    Relation
        Of labelled or listed observations the most different.
    """
    match a, b:
        case (Raised(), Raised()) | (Nothing(), Nothing()):
            return Relation.SAME
        case (Raised(), _) | (_, Raised()):
            return Relation.ONE_RAISES
        case Numbers(), Numbers():
            return _relate_numbers(a, b, scale)
        case (Text(), Text()) | (Flag(), Flag()):
            return Relation.SAME if a == b else Relation.OTHER_KIND
        case Items(), Items() if len(a.items) == len(b.items):
            pairs = list(zip(a.items, b.items, strict=True))
        case Parts(), Parts() if set(a.parts) == set(b.parts):
            pairs = [(part, b.parts[label]) for label, part in a.parts.items()]
        case _:
            return Relation.OTHER_KIND
    return max((relate(x, y, scale) for x, y in pairs), default=Relation.SAME)


def spacing(dtype: str) -> float:
    """Distance from 1 to the next number of a dtype; 0 for integers and truth values."""
    return _SPACING_AT_ONE.get(dtype, 0.0)


def _relate_numbers(a: Numbers, b: Numbers, scale: float) -> Relation:
    if a.shape != b.shape:
        return Relation.OTHER_KIND
    x, y = a.array(), b.array()
    with np.errstate(invalid="ignore", over="ignore"):
        magnitude = np.maximum(np.maximum(abs(x), abs(y)), scale)
        tolerance = ULPS * max(spacing(a.dtype), spacing(b.dtype)) * magnitude
        near = np.isfinite(magnitude) & (abs(x - y) <= tolerance)
    same = near | (x == y) | (np.isnan(x) & np.isnan(y))
    return Relation.SAME if bool(same.all()) else Relation.OTHER_VALUE
