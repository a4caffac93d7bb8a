"""Runs measured in chunks: the same numbers, a bounded stack, a sample that is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

import samestep
from samestep import Experiment, Lab, Plan, SyntheticRegression, measuring, sampling
from samestep.measuring import measure_runs, path
from samestep.plan import stack
from samestep.trace import Trace
from samestep.training import train


class Nothing(Experiment):
    id: ClassVar = "nothing"
    title: ClassVar = "Nothing"
    question: ClassVar = "?"

    def run(self, lab: Lab) -> str:
        return ""


def lab_of(*names: str, dtype: str = "float64") -> Lab:
    return Lab(Nothing(), [samestep.backend(name, dtype=dtype) for name in names], seeds=1)


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """Runs of different length: 6, 9 or 12 steps."""
    return [
        Plan.of(
            SyntheticRegression(num_train=12 * (2 + seed % 3), num_val=0, batch_size=4).draw(seed),
            epochs=1,
            learning_rate=0.01 * (1 + seed),
        )
        for seed in range(11)
    ]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of what is trained, in chunks of at most 4 runs."""
    shapes: list[tuple[int, ...]] = []

    def note(backend: Any, plan: Plan) -> Trace:
        shapes.append(plan.batches.shape)
        return train(backend, plan)

    monkeypatch.setattr(measuring, "train", note)
    monkeypatch.setattr(sampling, "_LARGEST_CHUNK", 4)
    return shapes


def test_chunks_of_one_shape_give_what_one_stack_gives(
    plans: list[Plan], trained: list[tuple[int, ...]]
) -> None:
    lab = lab_of("numpy", "torch")
    found = measure_runs(lab, plans, path, name="some", check=5)
    assert trained == [(13, 4, 4)] * 6
    for backend in (samestep.backend(name, dtype="float64") for name in ("numpy", "torch")):
        whole = path(train(backend, stack(plans)))
        assert found[backend.label].shape == (11, 14, 3)
        np.testing.assert_array_equal(found[backend.label][:, :13], whole)
    agreements = {a.quantity: a for a in lab.agreements}
    assert set(agreements) == {"prediction", "loss", "gradient", "update"}
    assert all(a.holds and (a.runs_checked, a.runs) == (5, 11) for a in agreements.values())
    assert all(a.max_error > 0 for a in agreements.values())


def test_few_runs_are_one_chunk(plans: list[Plan], trained: list[tuple[int, ...]]) -> None:
    found = measure_runs(lab_of("numpy"), plans[::3][:2], Trace.parameters, name="two")
    assert trained == [(6, 2, 4)]
    np.testing.assert_array_equal(
        found["numpy/cpu/float64"], train(samestep.oracle(), stack(plans[::3][:2])).parameters()
    )


def test_all_chunks_are_one_compilation(
    plans: list[Plan], trained: list[tuple[int, ...]], compilations: list[str]
) -> None:
    plans = sorted(plans, key=lambda plan: plan.steps)  # the last chunk holds none that ends early
    measure_runs(lab_of("jax"), plans, path, name="some", check=5)
    assert trained == [(13, 4, 4)] * 3
    assert len(compilations) == 1


def test_a_wrong_step_of_the_sample_is_noticed(
    plans: list[Plan], trained: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(backend: Any, plan: Plan) -> Trace:
        trace = train(backend, plan)
        gradient = {name: values.copy() for name, values in trace.gradient.items()}
        gradient["b"][2, -1] *= -1
        return replace(trace, gradient=gradient)

    monkeypatch.setattr(measuring, "train", wrong)
    lab = lab_of("numpy")
    measure_runs(lab, plans, path, name="some", check=11)
    assert {a.quantity for a in lab.agreements if not a.holds} >= {"gradient"}


def test_who_fails_on_the_way_is_left_out(
    plans: list[Plan], trained: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail_in_the_second_chunk(backend: Any, plan: Plan) -> Trace:
        calls.append(backend.name)
        if backend.name == "torch" and calls.count("torch") == 2:
            raise RuntimeError("out of memory")
        return train(backend, plan)

    monkeypatch.setattr(measuring, "train", fail_in_the_second_chunk)
    lab = lab_of("numpy", "torch")
    found = measure_runs(lab, plans, path, name="some")
    assert list(found) == ["numpy/cpu/float64"]
    assert lab.failures == {"torch/cpu/float64": "RuntimeError: out of memory"}
    assert {a.participants for a in lab.agreements} == {("numpy/cpu/float64", "oracle/float64")}
