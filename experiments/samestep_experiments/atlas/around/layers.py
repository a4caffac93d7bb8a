"""Functions and layers whose defaults differ behind a common name."""

from __future__ import annotations

from typing import Any

from samestep.interface import Backend
from samestep.probes import Convention, Probe, Value

BATCH_NORM = (
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.batchnorm.BatchNorm1d.html"
)
FLAX_NORM = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/normalization.html"
FLAX_LINEAR = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/linear.html"
CONV1D = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html"


def mean_square_deviation(backend: Backend) -> object:
    x = backend.asarray([0.0, 2.0])
    return backend.xp.mean(backend.xp.square(x - backend.xp.mean(x)))


def product_of_polynomials(mp: Any) -> list[Any]:
    """Coefficients 1 to 3 of 1 times 1 + 2 z + 3 z^2: a convolution is a product."""
    coefficients: list[Any] = mp.taylor(lambda z: 1 + 2 * z + 3 * z**2, 0, 3)
    return coefficients[1:]


PROBES = (
    Probe(
        id="softmax-axis",
        title="softmax without an axis",
        question="What is softmax of the array [[[1, 0]], [[1, 0]]], if no axis is named?",
        truth=Convention(
            "along the last axis (0.731, 0.269); along the first 1/2",
            unmeasured="which axis is meant is a convention",
        ),
        why="For arrays of 0, 1 or 3 dimensions PyTorch takes the first axis, and else the second, "
        "with a warning that this is deprecated. JAX takes the last. For matrices they agree, "
        "until there is a batch axis more.",
        portable="Name the axis.",
        references=(
            "https://github.com/pytorch/pytorch/issues/84524",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.softmax.html",
        ),
    ),
    Probe(
        id="variance-divisor",
        title="the variance of two numbers",
        question="What is var of (0, 2)?",
        truth=Convention(
            "1 with the divisor n, 2 with n - 1",
            unmeasured="both are variances, of the data and an estimate of its source",
        ),
        why="torch.var divides by n - 1 by default, as statisticians do; jax.numpy.var by n, as "
        "NumPy. Both take a correction.",
        portable="Pass correction=0 or 1, which both know.",
        cure=mean_square_deviation,
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.var.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.var.html",
        ),
    ),
    Probe(
        id="convolution-flips",
        title="convolution or correlation",
        question="What is the convolution of (1, 0, 0) with (1, 2, 3), by the function of that "
        "name, where the result has three numbers?",
        truth=Value(
            [2.0, 3.0, 0.0],
            product_of_polynomials,
            remark="The middle of the full product, (1, 2, 3, 0, 0).",
        ),
        why="The convolutions of neural networks do not flip the kernel: torch's conv1d, and "
        "JAX's lax.conv, are correlations. jax.numpy.convolve is NumPy's, which flips.",
        portable="Flip the kernel in PyTorch; do not mix jax.numpy.convolve with learnt kernels.",
        references=(
            CONV1D,
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.convolve.html",
        ),
    ),
    Probe(
        id="same-padding-with-stride",
        title='padding="same" with a stride',
        question='May a convolution have padding="same" and stride 2?',
        truth=Convention(
            "the result has ceil(n / 2) numbers",
            unmeasured="what same means with a stride is a convention",
        ),
        why="PyTorch refuses: the padding would depend on the size of the input. JAX follows "
        "TensorFlow, where SAME means ceil(n / stride) results.",
        portable="Pad explicitly.",
        references=(CONV1D, "https://www.github.com/pytorch/pytorch/issues/67551"),
    ),
    Probe(
        id="strided-padding",
        title="where a strided convolution starts",
        question="A kernel (1, 10, 100) moves over (1, 2, 3, 4) with stride 2, padded so that two "
        "numbers result: which?",
        truth=Convention(
            "(210, 432) with the zero before, (321, 43) with it behind",
            unmeasured="where to put the padding is a convention",
        ),
        why="padding=1, the usual choice in PyTorch, puts a zero on both sides, and the last is "
        "not reached. JAX's SAME needs one zero and puts it behind. Shapes agree, and weights "
        "that are carried over are applied a pixel off.",
        portable="Pad explicitly: padding=[(1, 1)] in JAX is PyTorch's padding=1.",
        references=(
            CONV1D,
            "https://www.github.com/pytorch/pytorch/issues/67551",
            "https://flax.readthedocs.io/en/stable/migrating/convert_pytorch_to_flax.html",
        ),
    ),
    Probe(
        id="convolution-padding",
        title="a convolution's default padding",
        question="How many numbers does a convolution layer with a kernel of 3 make of 5, by "
        "default?",
        truth=Convention("3 without padding, 5 with", unmeasured="padding is a choice"),
        why="PyTorch's layers do not pad unless they are told to; Flax's pad to SAME.",
        portable="Say the padding.",
        references=(CONV1D, FLAX_LINEAR),
    ),
    Probe(
        id="batchnorm-momentum",
        title="BatchNorm's momentum",
        question="What is the running mean after one batch of mean 1, by default?",
        truth=Convention(
            "0.1 with PyTorch's default, 0.01 with Flax's",
            unmeasured="how fast to forget is a choice",
        ),
        why="PyTorch's momentum, 0.1, weighs the new value; Flax's, 0.99, weighs the old one, so "
        "the conventions are m and 1 - m, and the defaults differ by ten besides.",
        portable="Set it: momentum=m in PyTorch is momentum=1 - m in Flax.",
        references=(BATCH_NORM, FLAX_NORM, "https://github.com/scverse/scvi-tools/pull/2309"),
    ),
    Probe(
        id="batchnorm-variance",
        title="BatchNorm's running variance",
        question="What is the running variance after the batch (0, 2), if half is forgotten?",
        truth=Convention(
            "1.5 with the divisor n - 1, 1 with n",
            unmeasured="which estimate to keep is a choice",
        ),
        why="Both normalise with the divisor n. PyTorch stores the unbiased estimate, with n - 1, "
        "and Flax what it normalised with. So evaluation differs with equal weights and momentum.",
        portable="Use large batches, or convert: multiply by n / (n - 1).",
        references=(BATCH_NORM, "https://github.com/pytorch/pytorch/issues/1410", FLAX_NORM),
    ),
    Probe(
        id="layernorm-epsilon",
        title="LayerNorm's epsilon",
        question="What does LayerNorm make of (-0.001, 0.001), by default?",
        truth=Convention(
            "+-1 without epsilon; 0.302 with 1e-5, 0.707 with 1e-6",
            unmeasured="epsilon is a choice",
        ),
        why="Epsilon is added to the variance, here 1e-6: PyTorch's default is 1e-5, Flax's 1e-6. "
        "It shows where activations are small, and in half precision.",
        portable="Pass epsilon.",
        scale=4.0,
        references=(
            "https://flax.readthedocs.io/en/v0.6.10/api_reference/_autosummary/"
            "flax.linen.LayerNorm.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html",
        ),
    ),
    Probe(
        id="dropout-without-a-mode",
        title="dropout, if nobody said that it is training",
        question="Which values does dropout of a half make of a thousand ones?",
        truth=Convention(
            "0 and 2 in training, 1 in evaluation",
            unmeasured="which of the two is meant is a choice",
        ),
        why="Modules of PyTorch are in training mode until eval() is called, also for inference. "
        "Flax's linen wants to be told and raises. Both scale by 1 / (1 - p) in training.",
        portable="Say which; in Flax deterministic=..., in PyTorch train() or eval().",
        references=(
            "https://flax.readthedocs.io/en/v0.6.10/api_reference/_autosummary/"
            "flax.linen.Dropout.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html",
        ),
    ),
)
