"""What a gradient is: slots, unused parameters, graphs, leaves, views, complex conventions."""

from samestep_experiments.atlas.gradients import (
    arguments,
    complex_numbers,
    graph,
    mutation,
    slots,
    unused,
)

PROBES = (
    *slots.PROBES,
    *unused.PROBES,
    *graph.PROBES,
    *mutation.PROBES,
    *arguments.PROBES,
    *complex_numbers.PROBES,
)
