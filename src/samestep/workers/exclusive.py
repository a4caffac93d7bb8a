"""Timings have the machine to themselves: whoever times waits for whoever is timing."""

from __future__ import annotations

import contextlib
import getpass
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["exclusive_use"]

_POLL_SECONDS = 0.5
"""Seldom, because a process that waits must not disturb the one that times."""


@contextlib.contextmanager
def exclusive_use(tell: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Hold the lock of all timings of this user on this machine.

    It keeps two timings apart and nothing else: other programs, and runs that are not timed, are
    not held up. The system gives the lock back when a process ends, however that ends. It may be
    asked for again inside itself.

    Parameters
    ----------
    tell : callable
        Called with a sentence if another process is timing, before the wait.
    """
    # Another user's file in the same folder could not be opened.
    path = Path(tempfile.gettempdir()) / f"samestep-timing-{getpass.getuser()}.lock"
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"Another process is timing; waiting until it has finished ({path}).")
        lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
