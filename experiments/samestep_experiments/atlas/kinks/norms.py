"""Norms and distances at their kinks, and divisions by them."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, gradient
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS, FORMULAS

VECTOR_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html"
MATRIX_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html"
JAX_NORM = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.linalg.norm.html"
SVD = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.svd.html"
"""PyTorch: the gradients of singular values, unlike those of vectors, are always stable."""


def sqrt_of_square(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.sqrt(x * x), 0.0)


def sqrt_with_eps(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.sqrt(x * x + 1e-6), 0.0)


def normalize_cured(backend: Backend) -> object:
    def first(xp: TensorOps, x: Array, y: Array) -> Array:
        return x / xp.sqrt(x * x + y * y + 1e-6)

    return gradient(backend, first, 0.0, 0.0)


def euclidean(m: Any, a: Any, b: Any) -> Any:
    return m.sqrt(a * a + b * b)


def nuclear(m: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Sum of the singular values of ((a, b), (c, d))."""
    return m.sqrt(a * a + b * b + c * c + d * d + 2 * abs(a * d - b * c))


def largest_column_sum(m: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """1-norm of the matrix ((a, b), (c, d))."""
    return max(abs(a) + abs(c), abs(b) + abs(d))


PROBES = (
    Probe(
        id="hypot-at-0",
        title="hypot at the origin",
        question="What is the gradient of hypot(a, b) at (0, 0)?",
        truth=Derivative(
            euclidean,
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-math.sqrt(2), math.sqrt(2)),
            remark="The subdifferential is the unit disc.",
        ),
        why="The same function as the Euclidean norm, with the parts exchanged: see norm-at-0. "
        "PyTorch divides by the result, 0 / 0, unmasked. JAX scales by the larger argument behind "
        "a where, and the tie of maximum(|a|, |b|) leaves (1/2, 1/2), a subgradient by chance.",
        portable="sqrt(a^2 + b^2), made safe with where, as in norm-at-0.",
        references=(FORMULAS, "https://github.com/jax-ml/jax/pull/4893"),
    ),
    Probe(
        id="sqrt-of-square",
        title="the root of a square",
        question="What is the derivative of sqrt(x^2) at 0?",
        truth=Derivative(lambda m, x: m.sqrt(x * x), at=0.0, left=-1.0, right=1.0),
        shared=sqrt_of_square,
        cure=sqrt_with_eps,
        why="It is |x|, and abs and the shipped norm of PyTorch are finite there; written out, the "
        "chain rule multiplies the infinite slope of the root by the slope 0 of the square.",
        portable="sqrt(x^2 + eps), which is smooth, with the derivative 0.",
        references=(
            CONVENTIONS,
            "https://github.com/pytorch/pytorch/issues/2421",
            "https://github.com/jax-ml/jax/issues/3058",
        ),
    ),
    Probe(
        id="norm-1-at-0",
        title="1-norm of the zero vector",
        question="What is the gradient of the 1-norm at (0, 0)?",
        truth=Derivative(
            lambda m, a, b: abs(a) + abs(b),
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-2.0, 2.0),
            remark="The subdifferential is the square [-1, 1] x [-1, 1].",
        ),
        why="A sum of absolute values, so each entry does as in abs-at-0. L1 regularisation leaves "
        "a weight that is exactly 0 alone in PyTorch, and pushes it in JAX.",
        portable="Choose the subgradient with where.",
        references=(CONVENTIONS, "https://github.com/jax-ml/jax/issues/37820"),
    ),
    Probe(
        id="norm-inf-at-0",
        title="maximum norm of the zero vector",
        question="What is the gradient of the maximum norm at (0, 0)?",
        truth=Derivative(
            lambda m, a, b: max(abs(a), abs(b)),
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-1.0, 1.0),
            remark="The subdifferential is the disc of the 1-norm, |g1| + |g2| <= 1.",
        ),
        why="PyTorch multiplies by sign(0) = 0. JAX takes the maximum with an initial value of 0, "
        "which ties too: half of the gradient goes to that, and of the other half each entry "
        "gets one half, times abs'(0) = 1.",
        portable="Do not rely on it; both are subgradients.",
        references=(CONVENTIONS, VECTOR_NORM, JAX_NORM),
    ),
    Probe(
        id="norm-3-at-0",
        title="3-norm of the zero vector",
        question="What is the gradient of the 3-norm at (0, 0)?",
        truth=Derivative(
            lambda m, a, b: m.cbrt(abs(a) ** 3 + abs(b) ** 3),
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-math.cbrt(2), math.cbrt(2)),
        ),
        why="As for the Euclidean norm: PyTorch masks the point in the derivative of every p-norm; "
        "JAX writes sum(|x|^p)^(1/p), whose outer power has an infinite slope at 0.",
        portable="Make the sum safe with where before the power, as in norm-at-0.",
        references=(FORMULAS, "https://github.com/jax-ml/jax/issues/21723"),
    ),
    Probe(
        id="nuclear-norm-rank-1",
        title="nuclear norm of a matrix of rank 1",
        question="What is the gradient of the nuclear norm at diag(1, 0)?",
        truth=Derivative(
            nuclear,
            at=(1.0, 0.0, 0.0, 0.0),
            left=(1.0, 0.0, 0.0, -1.0),
            right=(1.0, 0.0, 0.0, 1.0),
            diagonal=(0.0, 2.0),
            remark="Entries row by row. The subgradients are diag(1, w) with |w| <= 1.",
        ),
        why="Both return U V^T, a subgradient at the far end: w = 1. The one of least norm has "
        "w = 0, and PyTorch's convention would ask for it.",
        portable="It is portable here; singular vectors of a null space are arbitrary, so it need "
        "not be elsewhere.",
        references=(SVD, CONVENTIONS, MATRIX_NORM),
    ),
    Probe(
        id="matrix-norm-1-tie",
        title="matrix 1-norm with equal columns",
        question="What is the gradient of the matrix 1-norm, the largest column sum, at I?",
        truth=Derivative(
            largest_column_sum,
            at=(1.0, 0.0, 0.0, 1.0),
            left=(0.0, -1.0, -1.0, 0.0),
            right=(1.0, 1.0, 1.0, 1.0),
            diagonal=(0.0, 2.0),
            remark="Entries row by row.",
        ),
        why="A maximum over sums of absolute values. Both share the tie of the maximum; the zeros "
        "off the diagonal get abs'(0) of it, which is 0 in PyTorch and 1 in JAX.",
        portable="Do not rely on it; both are subgradients.",
        references=(MATRIX_NORM, JAX_NORM, "https://github.com/jax-ml/jax/issues/37820"),
    ),
    Probe(
        id="cosine-similarity-zero",
        title="cosine similarity with the zero vector",
        question="What is the gradient of the cosine similarity to (1, 0) at the vector (0, 0)?",
        truth=Derivative(
            lambda m, a, b: a / euclidean(m, a, b),
            at=(0.0, 0.0),
            left=(None, None),
            right=(None, None),
        ),
        why="The angle to the zero vector is undefined. PyTorch holds the norms above eps = 1e-8, "
        "and the slope is 1 / eps: the value 0 looks harmless, the gradient of 1e8 is not. optax "
        "has an epsilon, by default 0.",
        portable="Normalise with an eps that you can afford: see normalize-zero.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html",
            "https://github.com/pytorch/pytorch/pull/31378",
            "https://github.com/google-deepmind/optax/pull/946",
        ),
    ),
    Probe(
        id="normalize-zero",
        title="normalising the zero vector",
        question="What is the gradient of the first entry of x / |x| at (0, 0)?",
        truth=Derivative(
            lambda m, a, b: a / euclidean(m, a, b),
            at=(0.0, 0.0),
            left=(None, None),
            right=(None, None),
        ),
        why="PyTorch's normalize computes x / max(|x|, 1e-12), so at 0 it is a multiplication by "
        "1e12, and that is its gradient: maintainers call it right. The same formula in JAX is NaN "
        "by the norm at 0, which maximum does not keep out.",
        portable="x / sqrt(|x|^2 + eps), with an eps that you can afford: the slope is eps^(-1/2).",
        cure=normalize_cured,
        references=(
            "https://github.com/pytorch/pytorch/issues/184575",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html",
            "https://github.com/jax-ml/jax/issues/3058",
        ),
    ),
    Probe(
        id="distance-of-equal-points",
        title="distance of two equal points",
        question="What is the gradient of the distance |x - y|, in x, at x = y?",
        truth=Derivative(
            lambda m, a, b: euclidean(m, a - 1, b - 1),
            at=(1.0, 1.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-math.sqrt(2), math.sqrt(2)),
            remark="The subdifferential is the unit disc.",
        ),
        why="PyTorch's pairwise_distance adds 1e-6 to every difference, as it documents: equal "
        "points are 1.4e-6 apart, with a gradient of full length along (1, 1). JAX takes the norm "
        "of 0: NaN. Siamese and triplet losses meet it with duplicates.",
        portable="A norm that is safe at 0, whose gradient there is 0.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html",
            "https://github.com/jax-ml/jax/issues/3058",
        ),
    ),
)
