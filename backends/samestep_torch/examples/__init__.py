"""Models as a PyTorch user writes and trains them: the originals of the port trials.

Each is a side of a port, by its name on ``Backend.native``; the ports of the same names are in the
other backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samestep_torch.examples.cnn import cnn
from samestep_torch.examples.mlp import mlp
from samestep_torch.examples.transformer import transformer

__all__ = ["PORTS"]

PORTS: dict[str, Callable[..., Any]] = {
    "port/mlp": mlp,
    "port/cnn": cnn,
    "port/transformer": transformer,
}
