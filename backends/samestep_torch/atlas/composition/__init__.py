"""PyTorch's side of the category "composition"."""

from samestep.probes import Natives
from samestep_torch.atlas.composition import higher, loops, modes, rules

native = Natives(higher.native, modes.native, rules.native, loops.native)
