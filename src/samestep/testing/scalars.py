"""Scalar functions whose gradients are known in closed form and never a multiple of an input.

A backend that returned an input, or the gradient of another function, for the gradient would show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend, Params, TensorOps
from samestep.loss import closed_form

__all__ = ["ORDER", "SCALARS", "B", "Bound", "Scalar", "W", "X", "Y", "bind"]

_RNG = np.random.default_rng(3)


def _sixteenths(*shape: int) -> npt.NDArray[np.float64]:
    """Numbers in (-2, 2) that are exact in either precision."""
    return _RNG.integers(-31, 32, shape) / 16


W, B = np.array([0.5, -1.25, 0.875]), np.array(0.75)
X, Y = _sixteenths(5, 3), _sixteenths(5)
ORDER = np.array([2, 0, 2])

HostArrays: TypeAlias = tuple[npt.NDArray[Any], ...]


class Scalar(NamedTuple):
    """A function of parameters ``w`` (3,), ``b`` () and of ``X`` (5, 3), ``y`` (5,), indices (3,).

    ``value(xp, params, X, y, indices)`` is scalar; ``gradient(w, b, X, y, indices)`` is its closed
    form on NumPy, ``(d/dw, d/db)``.
    """

    name: str
    value: Callable[[TensorOps, Params, Array, Array, Array], Array]
    gradient: Callable[..., tuple[Any, Any]]


def _tanh(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    return xp.sum(xp.tanh(xp.matmul(X, p["w"]) + p["b"]) * y)


def _tanh_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    slope = y * (1 - np.tanh(X @ w + b) ** 2)
    return X.T @ slope, slope.sum()


def _exponential(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    return xp.mean(xp.exp(0.5 * xp.matmul(X, p["w"]) - p["b"]))


def _exponential_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    e = np.exp(0.5 * (X @ w) - b) / len(X)
    return 0.5 * X.T @ e, -e.sum()


def _logarithm(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    z = xp.matmul(X, p["w"]) + p["b"]
    return xp.sum(xp.log(1 + xp.square(z))) + p["b"] * xp.sqrt(1 + xp.sum(p["w"] * p["w"]))


def _logarithm_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    z = X @ w + b
    slope, root = 2 * z / (1 + z * z), np.sqrt(1 + w @ w)
    return X.T @ slope + b * w / root, slope.sum() + root


def _quotient(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    return xp.sum(y / (2 + xp.sum(p["w"] ** 2) - p["b"]))


def _quotient_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    share = y.sum() / (2 + w @ w - b) ** 2
    return -2 * w * share, share


def _pieces(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    z = xp.matmul(X, p["w"]) + p["b"]
    limited = xp.minimum(xp.maximum(z, -0.7 * xp.ones_like(z)), 0.9 * xp.ones_like(z))
    return xp.sum(xp.where(z < y, xp.square(z), -3 * z) + y * xp.abs(z) + limited)


def _pieces_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    z = X @ w + b
    slope = np.where(z < y, 2 * z, -3.0) + y * np.sign(z) + ((z > -0.7) & (z < 0.9))
    return X.T @ slope, slope.sum()


def _shapes(xp: TensorOps, p: Params, X: Array, y: Array, i: Array) -> Array:
    w, b = p["w"], p["b"]
    both = xp.reshape(xp.stack([w, 2 * xp.take(w, i, axis=0)], axis=0), (-1,))
    column = xp.expand_dims(xp.matmul(X, w), axis=1)
    cubes = xp.sum(both * both * both)
    return cubes + xp.max(w * X[0]) + b * xp.sum(xp.square(column), axis=(0, 1))


def _shapes_gradient(w: Any, b: Any, X: Any, y: Any, i: Any) -> tuple[Any, Any]:
    gradient = 3 * w * w
    np.add.at(gradient, i, 24 * w[i] ** 2)
    top = int(np.argmax(w * X[0]))
    gradient[top] += X[0][top]
    z = X @ w
    return gradient + 2 * b * X.T @ z, (z * z).sum()


SCALARS = (
    Scalar("tanh of a line", _tanh, _tanh_gradient),
    Scalar("mean of exponentials", _exponential, _exponential_gradient),
    Scalar("logarithm and root", _logarithm, _logarithm_gradient),
    Scalar("quotient and power", _quotient, _quotient_gradient),
    Scalar("where, abs, maximum, minimum", _pieces, _pieces_gradient),
    Scalar("stack, take, reshape, expand_dims, max", _shapes, _shapes_gradient),
)


@dataclass(frozen=True)
class Bound:
    """A scalar function with the operations of a backend: a loss for ``value_and_grad``."""

    xp: TensorOps = field(hash=False)  # a namespace need not be hashable
    scalar: Scalar

    def __call__(self, params: Params, *rest: Array) -> Array:
        """The value."""
        return self.scalar.value(self.xp, params, *rest)


def bind(backend: Backend, scalar: Scalar) -> Bound:
    """Bind a function to a backend, and register its closed form for one without autograd."""
    loss = Bound(backend.xp, scalar)

    @closed_form(loss)
    def value_and_gradient(params: Params, *rest: Array) -> tuple[Array, Params]:
        w, b = scalar.gradient(params["w"], params["b"], *rest)
        return loss(params, *rest), {"w": w, "b": b}

    return loss
