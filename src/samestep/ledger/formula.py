"""The functions with which formulas of losses are written, on the terms of a tape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from samestep.ledger.adjoint import Float64, Pull
from samestep.ledger.tape import Operand, Term

__all__ = [
    "absolute",
    "exp",
    "log",
    "log_softmax",
    "logsumexp",
    "maximum",
    "reduce",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "stack",
    "where",
]


def absolute(x: Term) -> Term:
    """``|x|``."""
    return x.map(np.abs, np.sign, kink=0.0)


def relu(x: Term) -> Term:
    """``max(x, 0)``."""
    return x.map(lambda v: np.maximum(v, 0.0), lambda v: np.heaviside(v, 0.5), kink=0.0)


def maximum(a: Term, b: Operand) -> Term:
    """The larger of two."""
    return relu(a - b) + b


def exp(x: Term) -> Term:
    """``e^x``."""
    return x.map(np.exp, np.exp)


def log(x: Term) -> Term:
    """Natural logarithm."""
    return x.map(np.log, lambda v: 1 / v)


def sqrt(x: Term) -> Term:
    """Square root; rounding makes no number negative that is not."""

    def root(v: Float64) -> Float64:
        return np.sqrt(np.maximum(v, 0.0))

    return x.map(root, lambda v: 0.5 / root(v))


def sigmoid(x: Term) -> Term:
    """``1 / (1 + e^-x)``; a framework may compute its slope as ``s (1 - s)``."""
    return x.map(expit, lambda v: expit(v) * expit(-v), slope_terms=1.0)


def softplus(x: Term) -> Term:
    """``log(1 + e^x)``; a framework may compute it as ``log(1 + e^-x) + x``, and so its slope."""
    size = 1 + np.abs(x.value)
    return x.map(lambda v: np.logaddexp(0.0, v), expit, terms=size, slope_terms=1.0)


def log_softmax(x: Term, axis: int = -1) -> Term:
    """``x - log(sum(e^x))``, both shifted by the largest element."""
    largest = x.value.max(axis=axis, keepdims=True)
    shifted = x - np.where(np.isfinite(largest), largest, 0.0)
    return shifted - log(exp(shifted).sum(axis=axis, keepdims=True))


def softmax(x: Term, axis: int = -1) -> Term:
    """``e^x / sum(e^x)``."""
    return exp(log_softmax(x, axis))


def logsumexp(x: Term, axis: int = -1) -> Term:
    """``log(sum(e^x))``, shifted by the largest element."""
    largest = x.value.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    return log(exp(x - shift).sum(axis=axis)) + np.squeeze(shift, axis)


def where(mask: npt.NDArray[np.bool_], a: Term, b: Term | float) -> Term:
    """Choose by a constant mask."""
    other = b if isinstance(b, Term) else a.tape.constant(np.full(a.shape, b))

    def only(chosen: npt.NDArray[np.bool_]) -> Pull:
        return lambda adjoint: adjoint.map(lambda x: np.where(chosen, x, 0.0))

    return Term(
        a.tape,
        np.where(mask, a.value, other.value),
        np.where(mask, a.error, other.error),
        [(a, only(mask)), (other, only(~mask))],
    )


def stack(terms: Sequence[Term]) -> Term:
    """Put terms of one shape beside each other, along a new first axis."""

    def element(k: int) -> Pull:
        return lambda adjoint: adjoint.map(lambda x: np.asarray(x[k]))

    return Term(
        terms[0].tape,
        np.stack([t.value for t in terms]),
        np.stack([t.error for t in terms]),
        [(t, element(k)) for k, t in enumerate(terms)],
    )


def reduce(values: Term, reduction: str) -> Term:
    """Return the values themselves (``"none"``), their sum, or their mean over all elements."""
    if reduction == "none":
        return values
    total = values.sum()
    return total if reduction == "sum" else total / values.value.size
