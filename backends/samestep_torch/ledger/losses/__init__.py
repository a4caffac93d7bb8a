"""The losses of the ledger, as users of PyTorch write them.

Each takes what the entry of that name in the catalogue takes, or what its conversion makes of that.
"""

from samestep.ledger.native import Native
from samestep_torch.ledger.losses.classification import CLASSIFICATION
from samestep_torch.ledger.losses.elementwise import ELEMENTWISE
from samestep_torch.ledger.losses.margin import MARGIN
from samestep_torch.ledger.losses.structured import STRUCTURED

__all__ = ["LOSSES"]

LOSSES: dict[str, Native] = {**ELEMENTWISE, **CLASSIFICATION, **MARGIN, **STRUCTURED}
