"""The losses of the ledger, as users of JAX and optax write them.

Each takes what the entry of that name in the catalogue takes, or what its conversion makes of that.
Losses of optax return a number for each element or row; weights and the reduction are the caller's.
"""

from samestep.ledger.native import Native
from samestep_jax.ledger.losses.classification import CLASSIFICATION
from samestep_jax.ledger.losses.elementwise import ELEMENTWISE
from samestep_jax.ledger.losses.margin import MARGIN
from samestep_jax.ledger.losses.structured import STRUCTURED

__all__ = ["LOSSES"]

LOSSES: dict[str, Native] = {**ELEMENTWISE, **CLASSIFICATION, **MARGIN, **STRUCTURED}
