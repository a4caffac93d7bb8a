"""Native code of the ledger of optimizers."""

from __future__ import annotations

from samestep.ledger.optimizer_entry import OptimizerNative
from samestep_jax.ledger.optimizers.adam import ADAMS
from samestep_jax.ledger.optimizers.rmsprop import RMSPROPS
from samestep_jax.ledger.optimizers.schedules import SCHEDULES
from samestep_jax.ledger.optimizers.sgd import SGDS

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: dict[str, OptimizerNative] = {**SGDS, **SCHEDULES, **ADAMS, **RMSPROPS}
