"""The PyTorch side of a port."""

from samestep_torch.port.side import Side

__all__ = ["Side"]
