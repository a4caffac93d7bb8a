"""Ports of real models with one planted bug each, and what the port check must say about them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAITHFUL", "MODELS", "TRIALS", "PortTrial"]

MODELS = ("mlp", "cnn", "transformer")


@dataclass(frozen=True)
class PortTrial:
    """A model, its port, and what the port check must say.

    Parameters
    ----------
    model : str
        One of :data:`MODELS`.
    bug : str
        As the port calls it; empty for the faithful port.
    description : str
        What the port does.
    place : str
        The layer in which it shows first, in the original's words; or ``loss``, or ``optimizer``.
    causes : tuple of str
        Ids of the known faults that count as the right cause.
    dtype : str
        Working precision.
    leave_out : tuple of str
        Parameters that the port lacks, as its author then says.
    """

    model: str
    bug: str = ""
    description: str = ""
    place: str = ""
    causes: tuple[str, ...] = ()
    dtype: str = "float32"
    leave_out: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Model and bug."""
        return f"{self.model}/{self.bug or 'faithful'}"


FAITHFUL = tuple(
    PortTrial(model, dtype=dtype) for model in MODELS for dtype in ("float32", "float64")
)
"""Ports without a bug, in both precisions: any divergence is a false alarm."""

_ADAM = ("adam-epsilon",)
_DECAY = ("weight-decay-coupling",)

TRIALS = (
    PortTrial("mlp", "epsilon", "layer norm with eps 1e-6 for 1e-5", "norm", ("epsilon",)),
    PortTrial("mlp", "gelu", "GELU by its tanh approximation", "gelu", ("gelu",)),
    PortTrial(
        "mlp",
        "transposed-kernel",
        "square kernel used as (out, in)",
        "fc2",
        ("transposed-kernel",),
    ),
    PortTrial(
        "mlp",
        "missing-bias",
        "last layer without a bias",
        "fc3",
        ("missing-bias",),
        leave_out=("fc3.bias",),
    ),
    PortTrial("mlp", "summed-loss", "sum of the losses, not mean", "loss", ("loss-reduction",)),
    PortTrial("mlp", "decoupled-decay", "AdamW for Adam with L2 decay", "optimizer", _DECAY),
    PortTrial(
        "mlp", "epsilon-below-the-root", "Adam's epsilon given as eps_root", "optimizer", _ADAM
    ),
    PortTrial(
        "mlp",
        "schedule-from-one",
        "schedule counted from 1",
        "optimizer",
        ("schedule-off-by-one",),
    ),
    PortTrial(
        "mlp",
        "resumed-optimizer",
        "optimizer that has taken a step",
        "optimizer",
        ("initial-optimizer-state",),
    ),
    PortTrial(
        "cnn", "same-padding", "'SAME' padding of a strided convolution", "conv2", ("padding",)
    ),
    PortTrial(
        "cnn", "same-padding-of-the-pool", "'SAME' padding of the pooling", "pool", ("padding",)
    ),
    PortTrial(
        "cnn",
        "missing-bias",
        "no bias before a batch norm",
        "conv1",
        ("missing-bias",),
        leave_out=("conv1.bias",),
    ),
    PortTrial(
        "cnn",
        "evaluation-mode",
        "running statistics used in training",
        "bn1",
        ("batchnorm-mode",),
    ),
    PortTrial(
        "cnn",
        "batchnorm-momentum",
        "PyTorch's momentum 0.1 given to Flax",
        "bn1",
        ("batchnorm-momentum",),
    ),
    PortTrial(
        "cnn",
        "biased-variance",
        "running variance kept biased, as Flax does",
        "bn1",
        ("biased-variance",),
    ),
    PortTrial("cnn", "epsilon", "batch norms with eps 1e-3 for 1e-5", "bn1", ("epsilon",)),
    PortTrial("cnn", "flatten-order", "flattened with channels last", "fc", ("flatten-order",)),
    PortTrial("cnn", "no-nesterov", "plain momentum for Nesterov's", "optimizer", ("nesterov",)),
    PortTrial(
        "cnn",
        "decay-after-momentum",
        "weight decay that skips the momentum",
        "optimizer",
        _DECAY,
    ),
    PortTrial(
        "cnn",
        "decay-of-kernels-only",
        "no decay of norms and biases",
        "optimizer",
        ("weight-decay-scope",),
    ),
    PortTrial(
        "transformer",
        "epsilon",
        "layer norms with eps 1e-6 for 1e-5",
        "block.norm1",
        ("epsilon",),
    ),
    PortTrial("transformer", "gelu", "GELU by its tanh approximation", "block.gelu", ("gelu",)),
    PortTrial("transformer", "post-norm", "post-norm for pre-norm", "block.norm1", ("norm-order",)),
    PortTrial(
        "transformer",
        "mask-polarity",
        "true in the mask means masked",
        "block.attention",
        ("mask-polarity",),
    ),
    PortTrial(
        "transformer",
        "softmax-axis",
        "softmax over the queries",
        "block.attention",
        ("softmax-axis",),
    ),
    PortTrial(
        "transformer",
        "attention-scale",
        "scores scaled by the width of all heads",
        "block.attention",
        ("attention-scale",),
    ),
    PortTrial(
        "transformer",
        "exchanged-projections",
        "projections to queries and keys exchanged",
        "block.attention",
        ("swapped-parameters",),
    ),
    PortTrial(
        "transformer",
        "missing-bias",
        "projection to values without a bias",
        "block.attention.v",
        ("missing-bias",),
        leave_out=("block.attention.v.bias",),
    ),
    PortTrial(
        "transformer",
        "missing-residual",
        "no residual around the network",
        "block",
        ("residual",),
    ),
    PortTrial(
        "transformer",
        "padding-in-the-mean",
        "padding counted in the mean of the loss",
        "loss",
        ("loss-reduction",),
    ),
    PortTrial(
        "transformer", "decay-in-the-gradient", "Adam with L2 decay for AdamW", "optimizer", _DECAY
    ),
    PortTrial(
        "transformer",
        "decay-of-all",
        "decay of norms and biases as well",
        "optimizer",
        ("weight-decay-scope",),
    ),
    PortTrial("transformer", "adam-epsilon", "epsilon 1e-8 for 1e-6", "optimizer", _ADAM),
    PortTrial("transformer", "second-beta", "beta2 0.95 for 0.999", "optimizer", ("betas",)),
    PortTrial(
        "transformer",
        "late-warm-up",
        "warm-up one update behind",
        "optimizer",
        ("schedule-off-by-one",),
    ),
)
"""One bug each; the first step in which it can show is among the steps of a trial."""
