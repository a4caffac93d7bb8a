"""The catalogue of optimizers: settings, each with its rule."""

from __future__ import annotations

from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep_experiments.ledger.optimizers.adam import ADAMS
from samestep_experiments.ledger.optimizers.rmsprop import RMSPROPS
from samestep_experiments.ledger.optimizers.schedules import SCHEDULES
from samestep_experiments.ledger.optimizers.sgd import SGDS

__all__ = ["ENTRIES"]

ENTRIES: tuple[OptimizerEntry, ...] = (*SGDS, *SCHEDULES, *ADAMS, *RMSPROPS)
