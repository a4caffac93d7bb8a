"""JAX's and optax's side of the ledger."""

from __future__ import annotations

import optax

from samestep.ledger.native import Native
from samestep_jax.ledger.losses import LOSSES
from samestep_jax.ledger.optimizers import OPTIMIZERS

__all__ = ["NATIVE", "public_losses"]

NATIVE: dict[str, Native] = {**LOSSES, **OPTIMIZERS}


def public_losses() -> tuple[str, ...]:
    """Return every loss that the installed optax ships: the public functions of optax.losses.

    Among them are smooth_labels, which makes targets, and make_fenchel_young_loss, which makes
    losses.
    """
    module = optax.losses
    names = [name for name in dir(module) if not name.startswith("_")]
    return tuple(f"optax.losses.{name}" for name in names if callable(getattr(module, name)))
