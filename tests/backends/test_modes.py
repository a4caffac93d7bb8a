"""Modes: other ways to run the same fit, which take the same steps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import samestep
from samestep import Plan, SyntheticRegression, stack
from samestep.errors import UsageError
from samestep.interface import Backend

MODES = [
    ("torch", "eager"),
    pytest.param("torch", "compiled", marks=pytest.mark.slow),  # a C++ compiler at work
    ("jax", "scan"),
    ("jax", "step"),
    ("jax", "operations"),
]


def small_plan(seed: int = 0, **changes: object) -> Plan:
    """Three steps an epoch, the last of four rows."""
    problem = SyntheticRegression(num_train=20, num_val=0, batch_size=8).draw(seed)
    return Plan.of(problem, epochs=2, momentum=0.9, nesterov=True, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "mode"), MODES)
def test_every_mode_takes_the_same_steps(name: str, mode: str, dtype: str) -> None:
    item = samestep.backend(name, dtype=dtype, mode=mode)
    reference = samestep.oracle(dtype)
    single = small_plan(loss="huber")
    stacked = stack([small_plan(seed, loss="huber", learning_rate=0.01 * seed) for seed in (1, 2)])
    for plan in (single, stacked):
        assert samestep.compare(samestep.train(item, plan), samestep.train(reference, plan)).holds


def test_there_is_a_test_for_every_mode() -> None:
    tested = [case.values if hasattr(case, "values") else case for case in MODES]
    assert sorted(map(tuple, tested)) == sorted(
        (name, mode)
        for name, cls in (("torch", samestep.backend("torch")), ("jax", samestep.backend("jax")))
        for mode in cls.modes
    )


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_the_default_mode_has_the_plain_label(name: str) -> None:
    item = samestep.backend(name)
    default, *others = item.modes
    assert item.mode == default
    assert item.label == f"{name}/cpu/float32"
    for mode in others:
        assert samestep.backend(name, mode=mode).label == f"{name}+{mode}/cpu/float32"


@pytest.mark.parametrize(("name", "known"), [("torch", "compiled"), ("numpy", "none")])
def test_an_unknown_mode_is_an_error_that_lists_the_known_ones(name: str, known: str) -> None:
    with pytest.raises(UsageError, match="mode") as caught:
        samestep.backend(name, mode="quick")
    assert known in f"{caught.value}{caught.value.hint}"


def test_stacked_losses_are_those_of_the_runs(framework: Backend) -> None:
    """What Objective.stacked writes out is what vmap makes of a loss of one run."""
    from samestep.loss import LOSSES, Objective

    rng = np.random.default_rng(0)
    runs, rows = 3, 5
    params = {"w": rng.normal(size=(runs, 2)), "b": rng.normal(size=runs)}
    rest = [
        rng.normal(size=(runs, rows, 2)),
        rng.normal(size=(runs, rows)),
        np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1.5, 1.5, 1.5, 1.5, 0]]),
    ]
    on_device = {k: framework.asarray(v) for k, v in params.items()}
    arguments = [framework.asarray(v) for v in rest]
    for loss, reduction in itertools.product(("squared_error", "huber"), ("mean", "sum")):
        objective = Objective(framework.xp, LOSSES[loss], reduction)  # type: ignore[arg-type]
        per_run = framework.value_and_grad(
            lambda *args, objective=objective: objective(*args), runs=True, has_aux=True
        )
        stacked = framework.value_and_grad(objective, runs=True, has_aux=True)
        for a, b in zip(
            *(
                [framework.to_numpy(x) for x in leaves(f(on_device, *arguments))]
                for f in (per_run, stacked)
            ),
            strict=True,
        ):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=8 * np.finfo(a.dtype).eps, atol=1e-6)
        with framework.scope():
            values, predictions = objective.stacked(on_device, *arguments)
            assert framework.to_numpy(values).shape == (runs,)
            assert framework.to_numpy(predictions).shape == (runs, rows)


def leaves(found: tuple[tuple[object, object], dict[str, object]]) -> list[object]:
    (value, prediction), grads = found
    return [value, prediction, grads["w"], grads["b"]]


def test_what_a_step_leaves_as_it_is_is_not_copied() -> None:
    """A large data set goes from step to step: copying it would take longer than the steps."""
    item = samestep.backend("jax", mode="step")
    carry = {"data": item.asarray(np.ones(3)), "sum": item.asarray(0.0)}

    def step(carry: dict[str, Any], x: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {**carry, "sum": carry["sum"] + x["x"]}, {}

    end, _ = item.scan(step, carry, {"x": item.asarray(np.arange(4.0))})
    assert item.to_numpy(end["sum"]) == 6
    assert end["data"] is carry["data"]


@pytest.mark.slow
def test_pytorch_compiles_as_many_shapes_as_there_are() -> None:
    """By default it goes on without its compiler after eight, and does not say so."""
    import torch
    from torch._dynamo.utils import counters

    item = samestep.backend("torch", mode="compiled")
    shapes = range(30, 40)
    torch._dynamo.reset()
    compiled = []
    for n in shapes:
        problem = SyntheticRegression(num_train=n, num_val=0, batch_size=n).draw(0)
        samestep.train(item, Plan.of(problem, epochs=1))
        compiled.append(counters["stats"]["unique_graphs"])
    assert compiled[-1] > compiled[-2]
