"""One CPU thread, so that the machine does not decide the last bits of a sum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

__all__ = ["THREADS", "one_thread"]

THREADS = 1
"""Threads that a run uses on a CPU."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Work on one CPU thread, and restore the number that was set.

    The number of threads changes the last bits of a sum; and for small arrays more threads are
    slower, on busy cores by far.
    """
    before = torch.get_num_threads()
    if before == THREADS:
        yield
        return
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
