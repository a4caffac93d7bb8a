"""Another way to do a call, as a port with a known fault does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from samestep_torch.port.calls import Call

__all__ = ["Alternative"]


@dataclass(frozen=True)
class Alternative:
    """Another way to do a call.

    Parameters
    ----------
    id : str
        The known fault.
    text : str
        What the port then does; ``{place}`` stands for where.
    advice : str
        What to change in the port.
    do : callable
        Takes the call.
    """

    id: str
    text: str
    advice: str
    do: Callable[[Call], Any]
