"""PyTorch's side of the ledger."""

from __future__ import annotations

from torch import nn

from samestep.ledger.native import Native
from samestep_torch.ledger.losses import LOSSES
from samestep_torch.ledger.optimizers import OPTIMIZERS

__all__ = ["NATIVE", "public_losses"]

NATIVE: dict[str, Native] = {**LOSSES, **OPTIMIZERS}


def public_losses() -> tuple[str, ...]:
    """Return every loss that the installed PyTorch ships: the classes of torch.nn ending in Loss.

    Functions of torch.nn.functional are what the classes call; a test holds that each is called by
    one of them.
    """
    names = [name for name in dir(nn) if name.endswith("Loss")]
    return tuple(f"torch.nn.{name}" for name in names if isinstance(getattr(nn, name), type))
