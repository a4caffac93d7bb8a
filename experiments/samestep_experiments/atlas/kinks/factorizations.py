"""Cholesky, eigenvalue and singular value decompositions where they are not unique."""

from __future__ import annotations

import math
from typing import Any

from samestep.probes import Convention, Derivative, Probe, Value

EIGH = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigh.html"
SVD = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.svd.html"
CHOLESKY = "https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky.html"
JAX_CHOLESKY = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.linalg.cholesky.html"
JAX_EIGH = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.linalg.eigh.html"
DEGENERATE = "https://github.com/jax-ml/jax/issues/669"


def entry(mp: Any, function: Any) -> object:
    """Differentiate function(I + t E)[0, 0] by t, for each E that is a single 1."""

    def moved(i: int, j: int, t: Any) -> Any:
        A = mp.eye(2)
        A[i, j] += t
        return function(A)[0, 0]

    def slope(i: int, j: int) -> Any:
        return mp.chop(mp.diff(lambda t: moved(i, j, t), 0))

    return mp.matrix([[slope(i, j) for j in (0, 1)] for i in (0, 1)])


def exponential(mp: Any) -> object:
    return entry(mp, mp.expm)


def recomposed(mp: Any) -> object:
    def recompose(A: Any) -> Any:
        U, s, V = mp.svd_r(A)
        return U * mp.diag(s) * V

    return entry(mp, recompose)


def sum_of_squares(mp: Any) -> object:
    def total(t: Any) -> Any:
        return sum(x * x for x in mp.eigsy(mp.matrix([[1, t], [t, 1]]), eigvals_only=True))

    return mp.diff(total, 0, 2)


def largest_eigenvalue(m: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Of the symmetric part of ((a, b), (c, d))."""
    return (a + d + m.sqrt((a - d) ** 2 + (b + c) ** 2)) / 2


PROBES = (
    Probe(
        id="cholesky-symmetry",
        title="Cholesky factor of a symmetric matrix",
        question="What is the gradient of L[1, 0] at A = ((4, 2), (2, 3))?",
        truth=Derivative(
            lambda m, a, b, c, d: (b + c) / 2 / m.sqrt(a),
            at=(4.0, 2.0, 2.0, 3.0),
            left=(-0.125, 0.25, 0.25, 0.0),
            right=(-0.125, 0.25, 0.25, 0.0),
            remark="Entries row by row, of the factor of the symmetric part.",
        ),
        why="The argument is symmetric, so only symmetric changes have a meaning, and the gradient "
        "is made symmetric: half of it to each of the two entries. PyTorch does so in reverse "
        "mode; JAX symmetrises the argument before it factorises.",
        portable="It is portable for a symmetric argument.",
        references=("https://github.com/pytorch/pytorch/issues/18825", JAX_CHOLESKY),
    ),
    Probe(
        id="cholesky-of-nonsymmetric",
        title="Cholesky factor of a matrix that is not symmetric",
        question="What are L[1, 0] and its gradient at A = ((4, 0), (2, 3))?",
        truth=Convention(
            "not defined",
            unmeasured="The factorisation is defined for symmetric matrices; a library may read "
            "what it likes.",
        ),
        why="PyTorch reads the lower triangle, and its value does not depend on the upper one; its "
        "gradient says that it does. JAX factorises the symmetric part, value and gradient alike.",
        portable="Symmetrise before: (A + A^T) / 2.",
        references=(
            CHOLESKY,
            JAX_CHOLESKY,
            "https://github.com/pytorch/pytorch/issues/137284",
        ),
    ),
    Probe(
        id="cholesky-forward-reverse",
        title="Cholesky factor, forward against reverse",
        question="Do forward and reverse mode agree on the gradient of L[1, 0]?",
        truth=Convention(
            "determined along symmetric directions only",
            unmeasured="Entry by entry the argument leaves the symmetric matrices.",
        ),
        why="In PyTorch forward mode pushes tangents through the lower triangle, as the value is "
        "computed, and reverse mode shares the gradient between the triangles: contracted with a "
        "symmetric direction they agree, entry by entry they do not. In JAX the symmetrisation is "
        "part of the function, and the modes agree.",
        portable="Symmetrise before: (A + A^T) / 2.",
        references=(
            "https://github.com/pytorch/pytorch/pull/76032",
            "https://github.com/pytorch/pytorch/pull/19116",
            JAX_CHOLESKY,
        ),
    ),
    Probe(
        id="cholesky-indefinite",
        title="Cholesky factor of an indefinite matrix",
        question="What happens to the gradient of L[1, 1] at A = ((1, 2), (2, 1))?",
        truth=Derivative(
            lambda m, a, b, c, d: m.sqrt(d - b * c / a),
            at=(1.0, 2.0, 2.0, 1.0),
            left=(None,) * 4,
            right=(None,) * 4,
            remark="The factor would be the root of a negative number.",
        ),
        why="PyTorch raises, with the order of the minor that is not positive. JAX documents that "
        "it returns NaN, as it cannot raise from compiled code. A Gaussian process that loses "
        "definiteness stops in one and goes on with NaN in the other.",
        portable="Add to the diagonal; cholesky_ex in PyTorch does not raise.",
        references=(CHOLESKY, JAX_CHOLESKY),
    ),
    Probe(
        id="eigvalsh-equal",
        title="largest eigenvalue, with equal eigenvalues",
        question="What is the gradient of the largest eigenvalue at the identity?",
        truth=Derivative(
            largest_eigenvalue,
            at=(1.0, 0.0, 0.0, 1.0),
            left=(0.0, -0.5, -0.5, 0.0),
            right=(1.0, 0.5, 0.5, 1.0),
            diagonal=(0.0, 2.0),
            remark="Entries row by row. The subgradients are the v v^T, |v| = 1, and their means.",
        ),
        why="The gradient is v v^T for an eigenvector v, which needs no difference of eigenvalues. "
        "With equal eigenvalues v is whatever LAPACK returns, here the last coordinate, and each "
        "choice is a subgradient.",
        portable="Finite on both, and arbitrary among subgradients; their sum, the trace, is not.",
        references=(EIGH, JAX_EIGH),
    ),
    Probe(
        id="eigvalsh-second-derivative",
        title="second derivative of a smooth function of equal eigenvalues",
        question="What is the second derivative of the sum of squared eigenvalues of "
        "((1, t), (t, 1)) at t = 0?",
        truth=Value(4.0, sum_of_squares, remark="It is 2 + 2 t^2."),
        why="The first derivative contains eigenvectors, so the second one divides by differences "
        "of eigenvalues: 0 / 0. PyTorch's documentation calls the gradients of eigvalsh always "
        "stable, which is meant for the first.",
        portable="Write symmetric functions of the eigenvalues without them: traces of powers.",
        references=(EIGH, DEGENERATE),
    ),
    Probe(
        id="eigh-matrix-function",
        title="a matrix function by equal eigenvalues",
        question="What is the gradient of (V exp(w) V^T)[0, 0], with w, V = eigh(A), at I?",
        truth=Value(
            [[math.e, 0.0], [0.0, 0.0]],
            exponential,
            remark="It is the matrix exponential, smooth and independent of the choice of V.",
        ),
        why="The derivative of V divides by w_i - w_j. That the result does not depend on V, so "
        "that the terms cancel, neither framework can know: 0 / 0. Covariances start at the "
        "identity often enough.",
        portable="A function of its own (matrix exponential, square root by Newton), or a custom "
        "rule with divided differences. Noise on the diagonal trades NaN for large errors.",
        references=(EIGH, DEGENERATE, "https://github.com/jax-ml/jax/issues/4646"),
    ),
    Probe(
        id="svd-recomposed",
        title="a matrix, taken apart and put together, with equal singular values",
        question="What is the gradient of (U S V^T)[0, 0], by svd, at the identity?",
        truth=Value(
            [[1.0, 0.0], [0.0, 0.0]],
            recomposed,
            remark="It is A[0, 0].",
        ),
        why="The derivatives of U and V divide by s_i^2 - s_j^2. The whole is the identity map, "
        "yet its gradient is NaN. Orthogonal initialisation has equal singular values only.",
        portable="svdvals where the values suffice; a polar factor by Newton's iteration.",
        references=(
            SVD,
            "https://github.com/jax-ml/jax/issues/8732",
            "https://github.com/jax-ml/jax/issues/2311",
        ),
    ),
)
