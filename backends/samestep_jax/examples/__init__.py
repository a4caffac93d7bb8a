"""Ports of models to JAX: faithful ones, and the same with a known bug.

Each is a side of a port, by its name on ``Backend.native``; the originals of the same names are in
the other backend. A port is faithful unless it is called with the name of a bug.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samestep.errors import MissingParticipantError
from samestep_jax.examples.mlp import mlp
from samestep_jax.examples.transformer import transformer

__all__ = ["PORTS"]


def cnn(bug: str | None = None) -> Any:
    """Return the port in Flax; :func:`samestep_jax.examples.cnn.cnn` says more."""
    try:
        from samestep_jax.examples.cnn import cnn as port  # noqa: PLC0415  # Flax is optional
    except ModuleNotFoundError as error:
        raise MissingParticipantError(
            f"The port of the CNN needs {error.name}, which is not installed.",
            "Install it: pip install flax",
        ) from error
    return port(bug)


PORTS: dict[str, Callable[..., Any]] = {
    "port/mlp": mlp,
    "port/cnn": cnn,
    "port/transformer": transformer,
}
