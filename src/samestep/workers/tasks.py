"""What is asked of a worker: a function of a backend, which is opened where the work is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from samestep.interface import Backend
from samestep.registry import backend

__all__ = ["on_backend"]

_T = TypeVar("_T")


def on_backend(work: Callable[[Backend], _T], participant: str, dtype: str) -> _T:
    """Call ``work`` with a backend of this process.

    Parameters
    ----------
    work : callable
        What it returns must be free of the framework: NumPy arrays and plain data.
    participant : str
        ``NAME`` or ``NAME@DEVICE``. A device that is not there is an error, whatever the framework
        would fall back to.
    dtype : {"float32", "float64"}
    """
    return work(backend(participant, dtype=dtype))
