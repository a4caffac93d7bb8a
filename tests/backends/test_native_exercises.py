"""Native versions take, at every step, the step of the shared code on their own framework.

What is the same to the bit: the update of PyTorch's versions, whose arithmetic is elementwise and
done by the same kernel. Everything else is within the bound of one step: a layer multiplies and
adds in one kernel where shared code uses two, and XLA fuses two programs in two ways. (Where this
was written, whole fits of PyTorch's layer were equal to the bit too; that is up to its BLAS.)
"""

from __future__ import annotations

import functools

import numpy as np
import optax
import pytest
import torch
from samestep_jax.native import exercises as in_jax
from samestep_torch.native import exercises as in_torch

import samestep
from samestep import Trace
from samestep.interface import DTYPES, Backend
from samestep.native import DeviceProblem, Fits, native_traces
from samestep.registry import experiment

EXERCISES = (
    "loss-reduction",
    "huber-loss",
    "gradient-access",
    "learning-rate-epochs",
    "data-size",
    "book-versions",
)
CASES = [
    (framework, dtype, name)
    for framework in ("torch", "jax")
    for dtype in DTYPES
    for name in EXERCISES
    # JAX compiles everything once more for each precision: one exercise stands for all in float64.
    if (framework, dtype) != ("jax", "float64") or name == "book-versions"
]
every_case = pytest.mark.parametrize(("framework", "dtype", "name"), CASES)


@functools.cache
def traces_of(backend: Backend, name: str) -> list[tuple[str, Trace]]:
    return native_traces(backend, experiment(name))


def test_there_is_one_for_each_exercise(framework: Backend) -> None:
    offered = {name for name in framework.native if name.startswith("exercise/")}
    assert offered == {f"exercise/{name}" for name in EXERCISES}


@every_case
def test_all_fits_are_made_and_each_step_is_sound(framework: str, dtype: str, name: str) -> None:
    made = traces_of(samestep.backend(framework, dtype=dtype), name)
    assert {title for title, _ in made} == set(experiment(name).fits())
    for title, trace in made:
        judgement = samestep.judge(trace)
        assert judgement.holds, (title, judgement.first)
        assert trace.participant == f"{framework}+native/cpu/{dtype}"


@every_case
def test_each_step_is_that_of_the_shared_code(framework: str, dtype: str, name: str) -> None:
    backend = samestep.backend(framework, dtype=dtype)
    ours = {title: samestep.train(backend, plan) for title, plan in experiment(name).fits().items()}
    for title, trace in traces_of(backend, name):
        comparison = samestep.compare(ours[title], trace)
        assert comparison.holds, (title, comparison.agreements)
        if not np.isfinite(ours[title].parameters()).all():
            continue
        # Descent contracts, so rounding does not build up: whole paths agree to a few units.
        gaps = {agreement.quantity: agreement.relative_gap for agreement in comparison.agreements}
        assert gaps["update"] <= 64 * np.finfo(dtype).eps, title


def test_a_divergent_fit_overflows_at_the_same_step() -> None:
    for name in ("torch", "jax"):
        backend = samestep.backend(name, dtype="float32")
        trace = dict(traces_of(backend, "learning-rate-epochs"))["learning rate 3"]
        shared = samestep.train(backend, trace.plan)
        first, second = (samestep.judge(t).overflow_step for t in (trace, shared))
        assert first == second
        assert 0 < first < trace.plan.steps


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_routes_are_all_those_that_there_are(name: str) -> None:
    backend = samestep.backend(name)
    routes = [key for key in backend.native if key.startswith("gradient/")]
    assert len(traces_of(backend, "gradient-access")) == len(routes)


def test_updates_of_torch_are_equal_to_the_bit(dtype: str) -> None:
    backend = samestep.backend("torch", dtype=dtype)
    for title, trace in traces_of(backend, "learning-rate-epochs"):
        step = backend.sgd(float(trace.plan.learning_rate.astype(dtype)[0])).step
        with backend.scope():
            for k in range(trace.plan.steps):
                before, grads = (
                    {name: backend.asarray(values[k, 0]) for name, values in arrays.items()}
                    for arrays in (trace.params, trace.gradient)
                )
                for name, after in step(before, grads, {})[0].items():
                    found = trace.params[name][k + 1, 0]
                    assert np.array_equal(backend.to_numpy(after), found, equal_nan=True), title


# --- the checks notice -----------------------------------------------------------------------


def torch_forgets_to_divide(problem: DeviceProblem) -> Fits:
    total = torch.nn.MSELoss(reduction="sum")
    yield "sum, rate 0.03/32", in_torch.fit(problem, total, lr=0.03)


def jax_forgets_to_divide(problem: DeviceProblem) -> Fits:
    total = in_jax.total(optax.squared_error)
    yield "sum, rate 0.03/32", in_jax.fit(problem, total, learning_rate=0.03)


def torch_repeats_an_order(problem: DeviceProblem) -> Fits:
    """Train on one epoch, twice: the order of the second is not the plan's."""
    again = problem._replace(orders=problem.orders[[0, 0, 2]])
    yield "mean, rate 0.03", in_torch.fit(again, torch.nn.MSELoss(), lr=0.03)


def jax_starts_elsewhere(problem: DeviceProblem) -> Fits:
    moved = problem._replace(b=problem.b + 2.0**-10)
    yield "mean, rate 0.03", in_jax.fit(moved, in_jax.mean(optax.squared_error), 0.03)


@pytest.mark.parametrize(
    ("name", "version", "quantity", "step"),
    [
        ("torch", torch_forgets_to_divide, "update", 0),
        ("jax", jax_forgets_to_divide, "update", 0),
        ("torch", torch_repeats_an_order, "prediction", 32),
        ("jax", jax_starts_elsewhere, "prediction", 0),
    ],
)
def test_a_version_that_does_something_else_is_noticed(
    name: str, version: object, quantity: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = samestep.backend(name)
    monkeypatch.setitem(backend.native, "exercise/loss-reduction", version)
    ((_, trace),) = native_traces(backend, experiment("loss-reduction"))
    first = samestep.judge(trace).first
    assert first is not None
    assert (first[0], first[1].step) == (quantity, step)
