"""Initial values of parameters: defaults, and conventions that share a name."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

FLAX_LINEAR = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/linear.html"
LECUN = (
    "https://flax.readthedocs.io/en/v0.6.10/api_reference/_autosummary/"
    "flax.linen.initializers.lecun_normal.html"
)
SQRT_5 = "https://github.com/pytorch/pytorch/issues/15314"

PROBES = (
    Probe(
        id="linear-initial-spread",
        title="the spread of a linear layer's weights",
        question="Which standard deviation, in units of 1 / sqrt(inputs), have the weights of a "
        "linear layer by default, to two digits?",
        truth=Convention(
            "1 would keep the variance of the input",
            unmeasured="which variance to start with is a choice",
        ),
        why="PyTorch's kaiming_uniform_ with a = sqrt(5) is the uniform distribution on "
        "+-1 / sqrt(inputs), whose standard deviation is 1 / sqrt(3) of that. Flax's default is "
        "lecun_normal, with 1. The same network starts with signals that shrink in one of them.",
        portable="Name the initial distribution; or copy the values.",
        references=(SQRT_5, "https://github.com/pytorch/pytorch/issues/57109", LECUN, FLAX_LINEAR),
    ),
    Probe(
        id="embedding-initial-spread",
        title="the spread of an embedding",
        question="Which standard deviation has an embedding of 64 features by default, to two "
        "digits?",
        truth=Convention(
            "1, or 1 / sqrt(64)",
            unmeasured="which variance to start with is a choice",
        ),
        why="PyTorch draws from N(0, 1), Flax from a normal distribution of variance "
        "1 / features. With weights that are tied to the output layer PyTorch's logits start "
        "8 times as large.",
        portable="Name the initial distribution; or copy the values.",
        references=("https://github.com/pytorch/translate/pull/220", FLAX_LINEAR),
    ),
    Probe(
        id="fan-in-axis",
        title="He's initialisation of a matrix",
        question="Which standard deviation has a matrix of shape (800, 8) with He's uniform "
        "initialisation, to two digits?",
        truth=Convention(
            "sqrt(2 / inputs)",
            unmeasured="which axis is the input is a convention: (out, in) or (in, out)",
        ),
        why="PyTorch keeps weights as (outputs, inputs) and takes the second axis for the inputs; "
        "JAX keeps (inputs, outputs) and takes the last but one. The name and the shape are the "
        "same, the result differs by 10.",
        portable="Transpose: give each framework its own shape, or name the axis (in_axis).",
        references=(
            "https://flax.readthedocs.io/en/stable/migrating/convert_pytorch_to_flax.html",
            LECUN,
        ),
    ),
    Probe(
        id="truncated-normal",
        title="the truncated normal distribution",
        question="How many standard deviations from 0 is the farthest of 10000 numbers of a "
        "truncated normal distribution with standard deviation 0.02, to one digit?",
        truth=Convention(
            "2, if it is truncated at two standard deviations",
            unmeasured="where to truncate is a convention",
        ),
        why="PyTorch's bounds, -2 and 2, are values: at 0.02 they are 100 standard deviations "
        "away, and nothing is truncated. JAX's are in units of the standard deviation.",
        portable="In PyTorch pass a=-2 * std, b=2 * std.",
        references=(
            "https://github.com/huggingface/pytorch-image-models/issues/1286",
            "https://github.com/pytorch/pytorch/issues/155588",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.initializers.truncated_normal.html",
        ),
    ),
    Probe(
        id="lazy-layer",
        title="a lazily built layer and its initial values",
        question="An initialisation with ones is applied to every linear layer before the first "
        "forward pass; which weights does a lazily built layer have after it?",
        truth=Value([[1.0, 1.0, 1.0]], lambda mp: mp.ones(1, 3)),
        why="Until it has seen an input, PyTorch's lazy layer is no torch.nn.Linear but a "
        "LazyLinear, so code that tests the type passes it by in silence; with isinstance it "
        "raises, for there is no weight yet. The first pass draws the default values. In Flax "
        "all layers are built by an input, and know their initialiser from the start.",
        portable="Run a first forward pass, then initialise.",
        references=(
            "https://github.com/d2l-ai/d2l-en/pull/2225",
            "https://github.com/pytorch/pytorch/issues/125861",
        ),
    ),
)
