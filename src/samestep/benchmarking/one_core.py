"""Surroundings of a process that is timed, set before anything is imported in it."""

from __future__ import annotations

import os
import sys

from samestep.workers.surroundings import USER_CACHE, required_environment

__all__ = ["THREAD_VARIABLES", "last_core", "settle"]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""What the libraries under all contenders read when they are imported."""


def last_core() -> int | None:
    """Return the last core that this process may use; None where a system does not say."""
    return max(os.sched_getaffinity(0)) if sys.platform == "linux" else None


def settle(core: int | None, backend: str, cache: str) -> None:
    """Use one thread in every library that is imported from now on, one core, and an empty cache.

    The limit to a core reaches those that keep the number of their threads to themselves. It
    overrides what the user has set: otherwise contenders could not be compared. Programs that
    earlier processes have compiled are not found, so that the first call compiles.

    Parameters
    ----------
    core : int or None
    backend : str
        Whose environment the process has.
    cache : str
        A folder, in place of the user's for what can be made anew.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    for name in required_environment(backend):
        os.environ[name] = os.environ[name].replace(USER_CACHE, cache)
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(0, {core})
