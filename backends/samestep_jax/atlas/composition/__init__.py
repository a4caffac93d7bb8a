"""JAX's side of the category "composition"."""

from samestep.probes import Natives
from samestep_jax.atlas.composition import higher, loops, modes, rules

native = Natives(higher.native, modes.native, rules.native, loops.native)
