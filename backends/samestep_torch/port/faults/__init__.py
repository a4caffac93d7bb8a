"""What ports do otherwise, call by call: known confusions of conventions, in PyTorch's own words.

Each entry looks at one call and lists alternatives, which are performed on a call of the same kind:
the model then does what a port with that fault does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from samestep_torch.port.calls import Call
from samestep_torch.port.faults import attention, layers, norms
from samestep_torch.port.faults.alternative import Alternative

__all__ = ["ALTERNATIVES", "Alternative"]

ALTERNATIVES: dict[str, Callable[[Call], Iterator[Alternative]]] = {
    "layer_norm": norms.layer_norm,
    "batch_norm": norms.batch_norm,
    **dict.fromkeys(("group_norm", "rms_norm", "instance_norm"), norms.epsilon),
    "gelu": layers.gelu,
    **dict.fromkeys(("relu", "silu", "elu", "leaky_relu", "tanh", "sigmoid"), layers.activation),
    **dict.fromkeys(("softmax", "log_softmax"), attention.softmax),
    **dict.fromkeys(("mul", "div", "__mul__", "__truediv__", "__rmul__"), attention.scale),
    **dict.fromkeys(("masked_fill", "where"), attention.mask),
    **dict.fromkeys(
        ("scaled_dot_product_attention", "multi_head_attention_forward"), attention.attention
    ),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), layers.convolution),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"), layers.pooling),
    **dict.fromkeys(("flatten", "reshape", "view"), layers.flatten),
    **dict.fromkeys(("add", "__add__"), layers.addition),
    **dict.fromkeys(
        ("mse_loss", "cross_entropy", "nll_loss", "l1_loss", "binary_cross_entropy_with_logits"),
        layers.loss,
    ),
}
"""For each function, what its calls could be otherwise."""
