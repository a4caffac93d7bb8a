"""Indices that repeat and indices that lie outside, on reading and on writing."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.probes import Convention, Derivative, Probe, gradient

SHARP_BITS = (
    "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html#out-of-bounds-indexing"
)
AT = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.ndarray.at.html"
SCATTER = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html"


def repeated_index(backend: Backend) -> object:
    indices = backend.asarray(np.array([0, 0, 1]))
    return gradient(backend, lambda xp, x: xp.sum(xp.take(x, indices, axis=0)), [1.0, 2.0])


PROBES = (
    Probe(
        id="index-repeated",
        title="reading with a repeated index",
        question="What is the gradient of the sum of x[[0, 0, 1]]?",
        truth=Derivative(
            lambda m, a, b: 2 * a + b, at=(1.0, 2.0), left=(2.0, 1.0), right=(2.0, 1.0)
        ),
        shared=repeated_index,
        why="Reading twice means two contributions, and both add them up. In PyTorch on a GPU the "
        "order of the additions may change from run to run.",
        portable="Reading with repeated indices is portable.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.index_select.html",
            "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.take.html",
        ),
    ),
    Probe(
        id="index-out-of-range",
        title="reading out of range",
        question="What are value and gradient of x[5] for an array of two numbers, (1, 2)?",
        truth=Convention(
            "there is no such element", unmeasured="A question about the interface, not a function."
        ),
        why="PyTorch raises. JAX cannot raise from compiled code: it moves the index to the last "
        "element, and the gradient follows it there, so that training goes on with the wrong "
        "element.",
        portable='Check indices before; x.at[i].get(mode="fill") returns NaN in JAX.',
        references=(SHARP_BITS, AT),
    ),
    Probe(
        id="take-out-of-range",
        title="take out of range",
        question="What are value and gradient of take(x, 5) for an array of two numbers, (1, 2)?",
        truth=Convention(
            "there is no such element", unmeasured="A question about the interface, not a function."
        ),
        why="Within JAX take is another rule than indexing: it fills with NaN, and the gradient is "
        "0, so that the loss tells and the gradient does not.",
        portable="Check indices before.",
        references=("https://docs.jax.dev/en/latest/_autosummary/jax.numpy.take.html", SHARP_BITS),
    ),
    Probe(
        id="write-out-of-range",
        title="writing out of range",
        question="What happens to v when it is written to index 5 of an array of two numbers?",
        truth=Convention(
            "there is no such element", unmeasured="A question about the interface, not a function."
        ),
        why="PyTorch raises. JAX drops the write, though it clamps a read: the value is lost and "
        "its gradient is 0, both in silence.",
        portable="Check indices before.",
        references=(SHARP_BITS, AT),
    ),
    Probe(
        id="write-repeated",
        title="writing twice to one place",
        question="What is the gradient of x[0] after v[0] and then v[1] was written to it?",
        truth=Derivative(
            lambda m, a, b: b,
            at=(1.0, 2.0),
            left=(0.0, 1.0),
            right=(0.0, 1.0),
            remark="Of two writes the last one counts.",
        ),
        why="The last write wins on both, here; neither promises it. JAX finds out which one won "
        "and gives it the gradient. PyTorch's reverse mode reads the gradient back at the "
        "same indices, so both get it in full; its forward mode writes tangents as it wrote "
        "values, and is right. The documentation of scatter_ warns of it.",
        portable="Keep indices unique, or add instead of writing.",
        references=(
            SCATTER,
            "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html",
            AT,
        ),
    ),
    Probe(
        id="scatter-product-with-zero",
        title="product of a segment with a zero factor",
        question="What is the gradient of a product by scatter at (0, 2)?",
        truth=Derivative(lambda m, a, b: a * b, at=(0.0, 2.0), left=(2.0, 0.0), right=(2.0, 0.0)),
        why="PyTorch's reverse mode treats zeros apart and is right; its forward mode returns 0 "
        "for every product, zero or not, a known error. JAX differentiates scattered products for "
        "indices that are promised unique, and refuses others, after it had got them wrong.",
        portable="Multiply densely with a mask: prod(where(mask, x, 1)).",
        references=(
            "https://github.com/pytorch/pytorch/issues/196702",
            "https://github.com/pytorch/pytorch/pull/76523",
            "https://github.com/jax-ml/jax/issues/9296",
        ),
    ),
    Probe(
        id="embedding-padding",
        title="embedding with a padding row",
        question="What is the gradient of the sum of rows 0, 0 and 1, row 0 being the padding?",
        truth=Derivative(
            lambda m, a, b: 2 * a + b,
            at=(1.0, 2.0),
            left=(2.0, 1.0),
            right=(2.0, 1.0),
            remark="The padding row is read like any other.",
        ),
        why="padding_idx changes the derivative, not the value, so that the row never trains, and "
        "PyTorch documents that it differs from the numerical one. Only reverse mode knows of it: "
        "forward mode differentiates what is computed.",
        portable="Multiply by a mask, and the derivative is that of the value.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html",
        ),
    ),
)
