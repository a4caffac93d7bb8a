"""What the axes of the parameters of PyTorch's layers mean."""

from __future__ import annotations

from torch import nn

__all__ = ["axes_of"]

_CONVOLUTIONS = {nn.Conv1d: "out in w", nn.Conv2d: "out in h w", nn.Conv3d: "out in d h w"}
_NORMS = (
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
)


def axes_of(layer: nn.Module, name: str) -> str:
    """Name the axes of a parameter of a layer; empty for a layer that is not PyTorch's own."""
    if isinstance(layer, nn.Linear):
        return "out in" if name == "weight" else "out"
    for kind, axes in _CONVOLUTIONS.items():
        if isinstance(layer, kind):
            return axes if name == "weight" else "out"
    if isinstance(layer, nn.Embedding):
        return "vocab features"
    if isinstance(layer, _NORMS):
        return "features"
    if isinstance(layer, nn.MultiheadAttention):
        return {"in_proj_weight": "(part out) in", "in_proj_bias": "(part out)"}.get(name, "")
    return ""
