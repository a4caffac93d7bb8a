"""JAX's side of the category "numbers"."""

from samestep.probes import Natives
from samestep_jax.atlas.numbers import dtypes, edges, rounding

native = Natives(dtypes.native, rounding.native, edges.native)
