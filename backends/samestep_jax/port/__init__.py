"""The JAX side of a port, and taps that name its intermediate values."""

from samestep_jax.port.side import Side
from samestep_jax.port.taps import tap

__all__ = ["Side", "tap"]
