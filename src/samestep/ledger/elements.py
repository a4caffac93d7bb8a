"""Element by element: does an array lie within the bounds of its reference?"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.ledger.adjoint import Adjoint

__all__ = ["Finding", "Nearness", "look"]


class Nearness(enum.IntEnum):
    """How an element stands to its reference, from best to worst."""

    WITHIN = 0
    KINK = 1
    """Within what the one-sided slopes allow."""
    OUT_OF_RANGE = 2
    """Something on the way there is beyond the precision's range, so there is no bound."""
    NOT_FINITE = 3
    """It is infinite or NaN, and its reference is not, or the other way round."""
    DIFFERS = 4


@dataclass(frozen=True)
class Finding:
    """An array beside its reference.

    Parameters
    ----------
    nearness : int array
        Of each element; an array of the wrong shape or dtype counts as one element that differs.
    ratio : float
        The largest ratio of an error to its rounding bound, where that is kept.
    error, relative : float
        The largest error, and the largest relative error, where the bound is kept.
    problem : str
        What is wrong with the array as a whole.
    """

    nearness: npt.NDArray[np.int8]
    ratio: float = 0.0
    error: float = 0.0
    relative: float = 0.0
    problem: str = ""

    @property
    def worst(self) -> Nearness:
        """The worst of all elements."""
        return Nearness(self.nearness.max(initial=Nearness.WITHIN))


def look(found: npt.NDArray[Any], reference: Adjoint, dtype: str) -> Finding:
    """Compare an array with its reference.

    Parameters
    ----------
    found : array
        What a framework computed.
    reference : Adjoint
        The value, what rounding may amount to, and what a kink may amount to.
    dtype : str
        The working precision, which the array must have.
    """
    exact = reference.value
    if found.shape != exact.shape or found.dtype != np.dtype(dtype):
        return Finding(
            np.array(Nearness.DIFFERS, dtype=np.int8),
            problem=f"{found.dtype}{found.shape} instead of {dtype}{exact.shape}",
        )
    with np.errstate(all="ignore"):
        error = np.abs(found.astype(np.float64) - exact)
        finite = np.isfinite(found) & np.isfinite(exact)
        equal = (found == exact) | (np.isnan(found) & np.isnan(exact))
        bounded = finite & np.isfinite(reference.error + reference.jump)
        bounded &= np.abs(exact) <= float(np.finfo(dtype).max)
        within = equal | (bounded & (error <= reference.error))
        kink = bounded & (error <= reference.error + reference.jump)
        error = np.where(within & bounded, error, 0.0)
        ratio = np.where(error > 0, error / reference.error, 0.0)
        relative = np.where((error > 0) & (exact != 0), error / np.abs(exact), 0.0)
    nearness = np.full(exact.shape, Nearness.DIFFERS, dtype=np.int8)
    nearness[finite & ~bounded] = Nearness.OUT_OF_RANGE
    nearness[~finite] = Nearness.NOT_FINITE
    nearness[kink] = Nearness.KINK
    nearness[within] = Nearness.WITHIN
    return Finding(
        nearness,
        ratio=float(ratio.max(initial=0.0)),
        error=float(error.max(initial=0.0)),
        relative=float(relative.max(initial=0.0)),
    )
