"""PyTorch behind the backend interface; the only package that imports torch."""

from samestep_torch.backend import TorchBackend

__all__ = ["TorchBackend"]
