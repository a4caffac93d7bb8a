"""JAX's side of the category "gradients", subject by subject."""

from samestep.probes import Natives
from samestep_jax.atlas.gradients import (
    arguments,
    complex_numbers,
    graph,
    mutation,
    slots,
    unused,
)

native = Natives(
    slots.native,
    unused.native,
    graph.native,
    mutation.native,
    arguments.native,
    complex_numbers.native,
)
