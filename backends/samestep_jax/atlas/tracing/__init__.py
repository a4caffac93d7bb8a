"""JAX's side of the category "tracing"."""

from samestep.probes import Natives
from samestep_jax.atlas.tracing import caches, flow

native = Natives(flow.native, caches.native)
