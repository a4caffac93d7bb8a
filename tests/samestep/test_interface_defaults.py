"""What the interface itself supplies: every default enters the scope, as it asks of backends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samestep
from samestep.interface import Backend, Params, SGDOptions
from samestep.stepwise import StepwiseBackend


class Guarded(np.ndarray[Any, Any]):
    """An array that cannot be made outside of a scope, by whichever operation."""

    depth = 0

    def __array_finalize__(self, source: Any) -> None:
        if not Guarded.depth:
            raise RuntimeError("worked outside of the scope")


class Strict(StepwiseBackend):
    """NumPy, with everything that the interface supplies and a scope that is indispensable."""

    sgd = Backend.sgd
    scan = Backend.scan
    compile = Backend.compile

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        Guarded.depth += 1
        try:
            yield
        finally:
            Guarded.depth -= 1

    def asarray(self, x: Any) -> Any:
        with self.scope():
            return np.array(x, self.dtype).view(Guarded)


@pytest.fixture
def strict() -> Strict:
    return Strict(samestep.oracle())


def test_the_guard_works(strict: Strict) -> None:
    array = strict.asarray([1.0, 2.0])
    for work in (lambda: array + 1, lambda: array[:1], lambda: np.zeros_like(array)):
        with pytest.raises(RuntimeError, match="outside of the scope"):
            work()
        with strict.scope():
            work()


@pytest.mark.parametrize("rate", [0.5, [0.5, 0.25]], ids=["one rate", "a rate per run"])
def test_sgd_works_in_the_scope(strict: Strict, rate: Any) -> None:
    rule = strict.sgd(
        rate if isinstance(rate, float) else strict.asarray(rate),
        SGDOptions(momentum=0.5, nesterov=True, weight_decay=0.1),
    )
    params = {"w": strict.asarray(np.ones((2, 3)))}
    state = rule.init(params)
    assert isinstance(state["w"], Guarded)
    rule.step(params, params, state)


def test_scan_works_in_the_scope(strict: Strict) -> None:
    def step(carry: Any, x: Params) -> tuple[Any, Params]:
        return carry + x["a"], {"carry": carry}

    _, record = strict.scan(step, strict.asarray([0.0]), {"a": strict.asarray(np.ones((3, 1)))})
    assert record["carry"].shape == (3, 1)


def test_runs_one_by_one_work_in_the_scope(strict: Strict) -> None:
    every = strict.run_by_run(lambda params, x: (x[0] * params["w"][0], {"w": x}))
    values, grads = every({"w": strict.asarray(np.ones((2, 3)))}, strict.asarray(np.ones((2, 3))))
    assert values.shape == (2,)
    assert grads["w"].shape == (2, 3)


def test_a_function_works_in_the_scope(strict: Strict) -> None:
    assert isinstance(strict.compile(lambda x: x + x)(strict.asarray([1.0])), Guarded)
