"""Loops and compilation: scan = loop, compiled = eager, compiled once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from samestep.interface import Array, Backend, Params
from samestep.loss import LOSSES, get_loss, register_loss
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.testing.expectations import NotApplicableError, require, require_equal
from samestep.training import train

__all__ = ["CHECKS", "counted_loss"]

# Small integers and halves: every result is exact.
_RNG = np.random.default_rng(4)
_A = _RNG.integers(-3, 4, (8, 2)).astype(np.float64)
_B = _RNG.integers(-5, 6, (8, 1)).astype(np.float64)


def _step(carry: Any, x: Params) -> tuple[Any, Params]:
    """A recurrence in which the order of the steps and of the record matters."""
    total, velocity = carry
    velocity = 0.5 * velocity + x["a"]
    return (total + velocity * x["b"], velocity), {"total": total, "velocity": velocity}


def scan_is_the_loop(backend: Backend) -> None:
    """`scan` runs along the first axis and stacks the record, as Python's loop does."""
    carry = (backend.asarray(np.array([1.0, 2.0])), backend.asarray(np.zeros(2)))
    xs = {"a": backend.asarray(_A), "b": backend.asarray(_B)}
    ends, record = backend.scan(_step, carry, xs)
    state: Any = (np.array([1.0, 2.0]), np.zeros(2))
    rows = []
    for a, b in zip(_A, _B, strict=True):
        state, row = _step(state, {"a": a, "b": b})
        rows.append(row)
    for what, found, expected in zip(("total", "velocity"), ends, state, strict=True):
        require_equal(backend.to_numpy(found), expected, f"{what} at the end")
    require(set(record) == {"total", "velocity"}, f"the record holds {sorted(record)}")
    for name, values in record.items():
        expected = np.stack([row[name] for row in rows])
        require_equal(backend.to_numpy(values), expected, f"record of {name}")


def compiled_is_eager(backend: Backend) -> None:
    """A compiled function returns what the function returns."""

    def work(x: Array) -> Array:
        return backend.xp.sum(x * x - x, axis=0)

    array = backend.asarray(_A)
    compiled = backend.to_numpy(backend.compile(work)(array))
    with backend.scope():
        eager = backend.to_numpy(work(array))
    require_equal(compiled, eager, "compiled")
    require_equal(compiled, (_A * _A - _A).sum(0), "compiled beside NumPy")


def a_function_is_compiled_once(backend: Backend) -> None:
    """A backend with a `compile` of its own evaluates a function once per shape."""
    _require_compilation(backend)
    shapes = []

    def work(x: Array) -> Array:
        shapes.append(x.shape)
        return x + x

    first, other = backend.asarray(_A), backend.asarray(_A[:4])
    backend.compile(work)(first)
    evaluations = len(shapes)
    for array in (first, backend.asarray(2 * _A)):
        require_equal(
            backend.to_numpy(backend.compile(work)(array)), 2 * backend.to_numpy(array), ""
        )
    require(len(shapes) == evaluations, f"evaluated for shapes {shapes}: it was compiled anew")
    require_equal(backend.to_numpy(backend.compile(work)(other)), 2 * _A[:4], "another shape")


def a_fit_is_compiled_once(backend: Backend) -> None:
    """One compilation serves all data, starts and learning rates of a shape."""
    _require_compilation(backend)
    spec = SyntheticRegression(num_train=40, num_val=0, batch_size=8)
    with counted_loss() as (name, calls):

        def fit(seed: int, rate: float) -> int:
            train(backend, Plan.of(spec.draw(seed), loss=name, learning_rate=rate))
            return len(calls)

        first = fit(0, 0.03)
        require(0 < first < 15, f"the loss was evaluated {first} times: 15 steps are a loop")
        for seed, rate in ((0, 0.03), (1, 0.03), (0, 0.3)):
            count = fit(seed, rate)
            require(count == first, f"seed {seed}, rate {rate}: the fit was compiled anew")


@contextmanager
def counted_loss() -> Iterator[tuple[str, list[str]]]:
    """Register a loss that notes each time that Python evaluates it: its name, and the notes."""
    calls: list[str] = []

    def value(xp: Any, r: Array, delta: float) -> Array:
        calls.append("evaluated")
        return xp.square(r)

    name = "counted"
    register_loss(dataclasses.replace(get_loss("squared_error"), name=name, value=value))
    try:
        yield name, calls
    finally:
        del LOSSES[name]


def _require_compilation(backend: Backend) -> None:
    """A backend says that it compiles by overriding ``compile``."""
    if type(backend).compile is Backend.compile:
        raise NotApplicableError("it does not override `compile`, so nothing is compiled")


CHECKS = (scan_is_the_loop, compiled_is_eager, a_function_is_compiled_once, a_fit_is_compiled_once)
