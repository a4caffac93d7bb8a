"""The operations of :class:`samestep.TensorOps` beside NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samestep.interface import Backend
from samestep.testing.expectations import require, require_close, require_equal

__all__ = ["CALLS", "CHECKS"]

_A = np.array([[0.5, -2.0, 3.0], [1.5, 0.0, -0.25]])
_P = np.abs(_A) + 0.5
_V = np.array([1.0, -0.5, 2.0])
_INDICES = np.array([1, 0, 1])
_T = _A > 0

CALLS: dict[str, list[Callable[[Any, Callable[[Any], Any]], Any]]] = {
    "abs": [lambda xp, a: xp.abs(a(_A))],
    "exp": [lambda xp, a: xp.exp(a(_A))],
    "log": [lambda xp, a: xp.log(a(_P))],
    "sqrt": [lambda xp, a: xp.sqrt(a(_P))],
    "square": [lambda xp, a: xp.square(a(_A))],
    "tanh": [lambda xp, a: xp.tanh(a(_A))],
    "maximum": [lambda xp, a: xp.maximum(a(_A), a(_V))],
    "minimum": [lambda xp, a: xp.minimum(a(_A), a(_V))],
    "where": [
        lambda xp, a: xp.where(a(_T), a(_A), a(_P)),
        lambda xp, a: xp.where(a(_T), a(_A), a(_V)),
    ],
    "sum": [
        lambda xp, a: xp.sum(a(_A)),
        lambda xp, a: xp.sum(a(_A), axis=1),
        lambda xp, a: xp.sum(a(_A), axis=(0, 1)),
        lambda xp, a: xp.sum(a(_A), axis=0, keepdims=True),
    ],
    "mean": [
        lambda xp, a: xp.mean(a(_A)),
        lambda xp, a: xp.mean(a(_A), axis=-1, keepdims=True),
    ],
    "max": [lambda xp, a: xp.max(a(_A)), lambda xp, a: xp.max(a(_A), axis=0, keepdims=True)],
    "all": [lambda xp, a: xp.all(a(_T)), lambda xp, a: xp.all(a(_T), axis=1)],
    "any": [lambda xp, a: xp.any(a(_T)), lambda xp, a: xp.any(a(_T), axis=0, keepdims=True)],
    "matmul": [
        lambda xp, a: xp.matmul(a(_A), a(_V)),
        lambda xp, a: xp.matmul(a(_A), a(_P.T)),
        lambda xp, a: xp.matmul(a(_V), a(_A.T)),
    ],
    "matrix_transpose": [
        lambda xp, a: xp.matrix_transpose(a(_A)),
        lambda xp, a: xp.matrix_transpose(xp.stack([a(_A), a(_P)])),
    ],
    "reshape": [lambda xp, a: xp.reshape(a(_A), (3, 2)), lambda xp, a: xp.reshape(a(_A), (-1,))],
    "broadcast_to": [lambda xp, a: xp.broadcast_to(a(_V), _A.shape)],
    "expand_dims": [lambda xp, a: xp.expand_dims(a(_A), axis=1)],
    "stack": [
        lambda xp, a: xp.stack([a(_A), a(_P)], axis=0),
        lambda xp, a: xp.stack([a(_A), a(_P)]),
    ],
    "take": [
        lambda xp, a: xp.take(a(_A), a(_INDICES), axis=0),
        lambda xp, a: xp.take(a(_A), a(_INDICES), axis=1),
    ],
    "zeros_like": [lambda xp, a: xp.zeros_like(a(_A))],
    "ones_like": [lambda xp, a: xp.ones_like(a(_A))],
    "isfinite": [lambda xp, a: xp.isfinite(a(_A)), lambda xp, a: xp.isfinite(xp.log(a(0 * _P)))],
}
"""One or more calls of each operation, for any namespace and its way to make an array."""

_OPERATORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "x + y": lambda x, y, t: x + y,
    "x - 1": lambda x, y, t: x - 1,
    "2 * x": lambda x, y, t: 2 * x,
    "x / y": lambda x, y, t: x / y,
    "x**2": lambda x, y, t: x**2,
    "-x": lambda x, y, t: -x,
    "x < y": lambda x, y, t: x < y,
    "x <= y": lambda x, y, t: x <= y,
    "x > 0": lambda x, y, t: x > 0,
    "x >= 0": lambda x, y, t: x >= 0,
    "x == y": lambda x, y, t: x == y,
    "~t": lambda x, y, t: ~t,
    "t & (x < 1)": lambda x, y, t: t & (x < 1),
    "t | (x < 1)": lambda x, y, t: t | (x < 1),
    "x[1]": lambda x, y, t: x[1],
}


def operations_are_numpys(backend: Backend) -> None:
    """Every operation of `TensorOps` gives NumPy's numbers, shape and dtype."""
    for name, calls in CALLS.items():
        for call in calls:
            with backend.scope():
                found = backend.to_numpy(call(backend.xp, backend.asarray))
            with np.errstate(all="ignore"):
                expected = np.asarray(call(np, lambda x: x))
            _require_same(backend, found, expected, f"xp.{name}")


def operators_are_numpys(backend: Backend) -> None:
    """Arithmetic, comparison, logic and indexing of arrays are NumPy's."""
    for name, work in _OPERATORS.items():
        with backend.scope():
            found = backend.to_numpy(work(*map(backend.asarray, (_A, _P, _T))))
        _require_same(backend, found, np.asarray(work(_A, _P, _T)), name)


def _require_same(backend: Backend, found: Any, expected: Any, what: str) -> None:
    kind = expected.dtype.kind
    dtype = backend.numpy_dtype if kind == "f" else expected.dtype
    require(found.dtype == dtype, f"{what} gave {found.dtype}, expected {dtype}")
    if kind == "f":
        # The inputs are exact in either precision; a function may be some units wrong.
        tolerance = 8 * np.finfo(backend.dtype).eps * (1 + np.abs(expected))
        require_close(found, expected, tolerance, what)
    else:
        require_equal(found, expected, what)


CHECKS = (operations_are_numpys, operators_are_numpys)
