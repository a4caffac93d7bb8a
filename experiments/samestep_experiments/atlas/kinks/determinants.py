"""Determinants and inverses of singular matrices."""

from __future__ import annotations

from samestep.probes import Derivative, Probe

SINGULAR_DET = "https://github.com/pytorch/pytorch/pull/79487"
WRONG_DET = "https://github.com/pytorch/pytorch/issues/104675"

DET = Derivative(
    lambda m, a, b, c, d: a * d - b * c,
    at=(1.0, 2.0, 2.0, 4.0),
    left=(4.0, -2.0, -2.0, 1.0),
    right=(4.0, -2.0, -2.0, 1.0),
    remark="Entries row by row: the cofactors of ((1, 2), (2, 4)), which is of rank 1.",
)


PROBES = (
    Probe(
        id="det-of-singular",
        title="determinant of a singular matrix",
        question="What is the gradient of det(A) at the singular matrix ((1, 2), (2, 4))?",
        truth=DET,
        why="A determinant is a polynomial, and its gradient, the cofactors, is as smooth here as "
        "anywhere. PyTorch replaces the zero pivot and solves with det(A) times the identity on "
        "the right, which is 0: an exactly singular matrix does not train. JAX has the "
        "determinant written out up to 3 x 3, and a rule for low rank beyond.",
        portable="For small matrices write the polynomial out.",
        references=(SINGULAR_DET, WRONG_DET),
    ),
    Probe(
        id="det-to-be-differentiated-again",
        title="determinant of a singular matrix, with more derivatives to come",
        question="What is the gradient of det(A) there, when it is to be differentiated again?",
        truth=DET,
        why="With create_graph=True PyTorch takes another branch of its rule, which is right to "
        "rounding. So the gradient of det depends on whether somebody wants a second derivative: "
        "0 without, the cofactors with; compare det-of-singular.",
        portable="create_graph=True in PyTorch cures the first derivative.",
        references=(SINGULAR_DET, WRONG_DET),
    ),
    Probe(
        id="slogdet-of-singular",
        title="log-determinant of a singular matrix",
        question="What is the gradient of log|det(A)| at the singular matrix ((1, 2), (2, 4))?",
        truth=Derivative(
            lambda m, a, b, c, d: m.log(abs(a * d - b * c)),
            at=(1.0, 2.0, 2.0, 4.0),
            left=(None,) * 4,
            right=(None,) * 4,
            remark="The value is -inf.",
        ),
        why="Both solve with the singular matrix and return infinities. Their signs are the sign "
        "of a zero pivot, which depends on rounding and on the order of elimination.",
        portable="log-det of A + eps I.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.linalg.slogdet.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.linalg.slogdet.html",
        ),
    ),
    Probe(
        id="inverse-of-singular",
        title="inverse of a singular matrix",
        question="What happens to the gradient of inv(A)[0, 0] at ((1, 2), (2, 4))?",
        truth=Derivative(
            lambda m, a, b, c, d: d / (a * d - b * c),
            at=(1.0, 2.0, 2.0, 4.0),
            left=(None,) * 4,
            right=(None,) * 4,
        ),
        why="PyTorch checks the factorisation and raises, at the price of waiting for the device. "
        "JAX cannot raise from compiled code, and returns inf or NaN.",
        portable="Check the condition before; inv_ex in PyTorch does not raise.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html",
            "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html",
        ),
    ),
)
