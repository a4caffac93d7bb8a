"""What is large and is given to several workers."""

from __future__ import annotations

__all__ = ["Shared"]


class Shared:
    """Base class of what travels to workers as an address: all of them map one copy of it.

    It must not be changed once it was sent. A worker's copy is the same object in its tasks, its
    arrays are read-only, and where a task returns it, the parent gets its own again. See
    :mod:`samestep.workers.sharing`.
    """

    @property
    def nbytes(self) -> int:
        """Size of its arrays, in bytes; what is small travels with the message."""
        raise NotImplementedError
