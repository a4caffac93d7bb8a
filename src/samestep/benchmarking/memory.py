"""The most memory that this process has held."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

__all__ = ["peak_memory", "reset_peak_memory"]

_SELF = Path("/proc/self")


def peak_memory() -> int | None:
    """Return the largest resident size of this process in bytes; None where it is not known.

    On Linux since :func:`reset_peak_memory`, elsewhere since the process began.
    """
    if sys.platform == "linux":
        # Not getrusage: there a process starts at what its parent held when it was started.
        for line in (_SELF / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes there, not KiB
    return None


def reset_peak_memory() -> None:
    """Let the peak be counted from now on, where the system can do so."""
    with contextlib.suppress(OSError):
        (_SELF / "clear_refs").write_text("5")
