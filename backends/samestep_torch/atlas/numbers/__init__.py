"""PyTorch's side of the category "numbers"."""

from samestep.probes import Natives
from samestep_torch.atlas.numbers import dtypes, edges, rounding

native = Natives(dtypes.native, rounding.native, edges.native)
