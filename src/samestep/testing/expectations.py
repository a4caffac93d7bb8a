"""What a check raises, and the comparisons that checks are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ConformanceError",
    "NotApplicableError",
    "require",
    "require_close",
    "require_equal",
]


class ConformanceError(AssertionError):
    """A backend breaks a promise of the interface."""


class NotApplicableError(Exception):
    """A check asks about something that this backend does not offer, nor has to."""


# Statements, not `assert`: they must hold under `python -O`, in whichever process runs them.
def require(condition: object, message: str) -> None:
    """Raise a :class:`ConformanceError` unless the condition is true."""
    if not condition:
        raise ConformanceError(message)


def require_equal(found: npt.ArrayLike, expected: npt.ArrayLike, what: str) -> None:
    """Require equal shapes and equal numbers, to the bit; dtypes are not compared."""
    require_close(found, expected, 0.0, what)


def require_close(found: npt.ArrayLike, expected: npt.ArrayLike, tolerance: Any, what: str) -> None:
    """Require equal shapes, and numbers within an absolute tolerance.

    Parameters
    ----------
    found, expected : array
        Numbers that are not finite must be the same.
    tolerance : float or array that broadcasts against them
    what : str
        Begins the message.
    """
    a, b = np.asarray(found), np.asarray(expected)
    require(a.shape == b.shape, f"{what}: shape {a.shape}, expected {b.shape}")
    with np.errstate(all="ignore"):
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
        bad = ~((apart <= tolerance) | (a == b) | (np.isnan(a) & np.isnan(b)))
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f" at {list(index)}" if index else ""
        limit = float(np.broadcast_to(tolerance, a.shape)[index])
        raise ConformanceError(
            f"{what}{where}: {a[index]!s}, expected {b[index]!s}; "
            f"apart by {apart[index]:.3g}, allowed {limit:.3g}"
        )
