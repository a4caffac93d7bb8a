"""One CPU thread, so that the machine does not decide the last bits of a sum."""

from __future__ import annotations

import contextlib

import torch

__all__ = ["THREADS", "one_thread"]

THREADS = 1
"""Threads that a run uses on a CPU."""


class one_thread(contextlib.ContextDecorator):  # noqa: N801  # quicker than a generator
    """Work on one CPU thread, and restore the number that was set.

    The number of threads changes the last bits of a sum; and for small arrays more threads are
    slower, on busy cores by far.
    """

    def _recreate_cm(self) -> one_thread:
        return one_thread()  # a decorated function may call itself

    def __enter__(self) -> None:
        """Set the number, if it is another one: every operation of a step comes by here."""
        self._before = torch.get_num_threads()
        if self._before != THREADS:
            torch.set_num_threads(THREADS)

    def __exit__(self, *exception: object) -> None:
        """Restore it."""
        if self._before != THREADS:
            torch.set_num_threads(self._before)
