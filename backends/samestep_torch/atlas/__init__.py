"""PyTorch's side of the autodiff atlas: short functions, as a user of PyTorch would write them."""

from samestep.probes import Natives
from samestep_torch.atlas import around, composition, gradients, kinks, numbers, tracing
from samestep_torch.atlas.modes import MODES

NATIVE = Natives(
    kinks.native,
    gradients.native,
    composition.native,
    tracing.native,
    numbers.native,
    around.native,
    modes=MODES,
)
