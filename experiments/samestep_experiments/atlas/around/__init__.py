"""Around it: stopping gradients, random streams, initial values, layers, losses, optimizers."""

from samestep_experiments.atlas.around import (
    initial,
    layers,
    losses,
    optimizers,
    stopping,
    streams,
)

PROBES = (
    *stopping.PROBES,
    *streams.PROBES,
    *initial.PROBES,
    *layers.PROBES,
    *losses.PROBES,
    *optimizers.PROBES,
)
