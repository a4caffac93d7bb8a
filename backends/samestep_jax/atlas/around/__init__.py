"""JAX's side of the category "around"."""

from samestep.probes import Natives
from samestep_jax.atlas.around import (
    initial,
    layers,
    losses,
    optimizers,
    stopping,
    streams,
)

native = Natives(
    stopping.native,
    streams.native,
    initial.native,
    layers.native,
    losses.native,
    optimizers.native,
)
