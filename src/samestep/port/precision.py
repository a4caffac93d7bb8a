"""Working precisions of a port, narrow ones included, on float64 arrays.

Everything that is recorded is kept in float64, which holds each number of a narrower precision
exactly; NumPy has no bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.errors import unknown_name
from samestep.loss import Float64

__all__ = ["PRECISIONS", "Precision", "precision"]


@dataclass(frozen=True)
class Precision:
    """A binary floating-point format.

    Parameters
    ----------
    name : str
    digits : int
        Bits of the significand, the hidden one included.
    smallest : int
        Exponent of the smallest normal number, which is ``2**smallest``.
    """

    name: str
    digits: int
    smallest: int

    def ulp(self, x: npt.ArrayLike) -> Float64:
        """Return the unit in the last place of each number; of 0, that of the smallest normal."""
        _, exponent = np.frexp(np.asarray(x, dtype=np.float64))
        places = np.maximum(exponent - 1, self.smallest) + 1 - self.digits
        return np.asarray(np.ldexp(1.0, places), dtype=np.float64)

    def round(self, x: npt.ArrayLike) -> Float64:
        """Round to the nearest number of the format, ties to even; nothing overflows."""
        values = np.asarray(x, dtype=np.float64)
        if self.digits >= PRECISIONS["float64"].digits:
            return values.copy()
        with np.errstate(invalid="ignore"):
            unit = self.ulp(values)
            return np.where(np.isfinite(values), np.rint(values / unit) * unit, values)

    def nudge(self, x: Float64, rng: np.random.Generator) -> Float64:
        """Move each number by one unit in the last place, up or down at random.

        Zeros stay: they are padding, masks and fresh biases, which no rounding has touched.
        """
        signs = rng.choice((-1.0, 1.0), size=x.shape)
        return np.where(x == 0, x, self.round(x + signs * self.ulp(x)))


PRECISIONS = {
    p.name: p
    for p in (
        Precision("float64", 53, -1022),
        Precision("float32", 24, -126),
        Precision("float16", 11, -14),
        Precision("bfloat16", 8, -126),
    )
}


def precision(name: str) -> Precision:
    """Return a working precision by name, or raise an error that lists the known ones."""
    if name not in PRECISIONS:
        raise unknown_name("dtype", name, PRECISIONS)
    return PRECISIONS[name]
