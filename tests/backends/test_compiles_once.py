"""A second fit of the same shape compiles nothing, whatever its rate, its data and its delta."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest
import torch
from torch._dynamo.utils import counters

import samestep
from samestep import Plan, SyntheticRegression, stack
from samestep.interface import Backend


def plan_of(seed: int, runs: int, n: int = 20, **changes: Any) -> Plan:
    """Three steps an epoch, the last of four rows."""
    spec = SyntheticRegression(num_train=n, num_val=0, batch_size=8)
    plans = [Plan.of(spec.draw(seed + run), epochs=2, **changes) for run in range(runs)]
    return plans[0] if runs == 1 else stack(plans)


def fit_others_of_the_same_shape(item: Backend, runs: int) -> None:
    """Fit with other rates, other data, another delta, and the very same once more."""
    first = plan_of(0, runs, loss="huber")
    samestep.train(item, first)
    for other in (
        first,
        first.vary(learning_rate=0.1),
        first.vary(delta=0.3),
        plan_of(7, runs, loss="huber", learning_rate=0.2),
    ):
        trace = samestep.train(item, other)
        assert samestep.judge(trace).holds


@pytest.fixture
def programs() -> Iterator[list[str]]:
    """What JAX compiles while the fixture lasts, with nothing in its caches before."""
    found: list[str] = []

    def note(event: str, seconds: float, **about: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(str(about))

    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(note)
    yield found
    jax.monitoring.unregister_event_duration_listener(note)


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("mode", ["scan", "step", "operations"])
def test_jax_compiles_a_shape_once(programs: list[str], mode: str, runs: int) -> None:
    item = samestep.backend("jax", mode=mode)
    samestep.train(item, plan_of(0, runs, loss="huber"))
    compiled = len(programs)
    assert compiled > 0
    fit_others_of_the_same_shape(item, runs)
    assert len(programs) == compiled, programs[compiled:]
    samestep.train(item, plan_of(0, runs, n=25, loss="huber"))
    assert len(programs) > compiled


@pytest.fixture
def graphs() -> Iterator[Callable[[], int]]:
    """How many graphs torch.compile has made while the fixture lasts."""
    torch._dynamo.reset()
    counters.clear()
    yield lambda: counters["stats"]["unique_graphs"]
    torch._dynamo.reset()


@pytest.mark.parametrize("runs", [1, 3])
def test_eager_torch_compiles_nothing(graphs: Callable[[], int], runs: int) -> None:
    fit_others_of_the_same_shape(samestep.backend("torch"), runs)
    assert graphs() == 0


@pytest.mark.slow
@pytest.mark.parametrize("runs", [1, 3])
def test_torch_compiles_a_step_once(graphs: Callable[[], int], runs: int) -> None:
    item = samestep.backend("torch", mode="compiled")
    samestep.train(item, plan_of(0, runs, loss="huber"))
    compiled = graphs()
    assert compiled > 0
    with torch.compiler.set_stance("fail_on_recompile"):
        fit_others_of_the_same_shape(item, runs)
    assert graphs() == compiled
