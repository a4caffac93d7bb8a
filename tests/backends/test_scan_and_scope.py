"""Scopes and arrays of the built-in backends, seen with the eyes of their frameworks.

What any backend promises is in the conformance kit; these settings only the frameworks know.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import jax
import numpy as np
import pytest
import torch
from samestep_torch import TorchBackend

import samestep
from samestep import Plan, SyntheticRegression, train
from samestep.interface import Backend
from samestep.loss import Objective, get_loss
from samestep.testing.loops import counted_loss


class Stop(Exception):  # noqa: N818  # no error, a way out of a scope
    """Raised inside a scope."""


def batch_of(backend: Backend) -> list[Any]:
    return [backend.asarray(array) for array in (np.eye(2), np.array([0.25, 1.0]), np.ones(2))]


def params_of(backend: Backend) -> dict[str, Any]:
    return {"w": backend.asarray(np.array([1.0, -2.0])), "b": backend.asarray(0.5)}


def objective_of(backend: Backend) -> Objective:
    return Objective(backend.xp, get_loss("squared_error"), "mean")


# --- scope -----------------------------------------------------------------------------------


def settings() -> tuple[Any, ...]:
    """Everything that a scope may change, in this thread."""
    return (
        jax.config.jax_enable_x64,
        jax.config.jax_default_matmul_precision,
        jax.config.jax_default_device,
        torch.get_float32_matmul_precision(),
        torch.get_default_dtype(),
        torch.backends.cudnn.allow_tf32,
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.is_grad_enabled(),
        tuple(np.geterr().items()),
    )


@pytest.mark.parametrize("leave", ["normally", "by an exception"])
def test_a_scope_restores_every_setting(backend: Backend, leave: str) -> None:
    before = settings()
    with contextlib.suppress(Stop), backend.scope(), backend.scope():
        if leave == "by an exception":
            raise Stop
    assert settings() == before


def test_every_method_leaves_the_settings_alone(backend: Backend) -> None:
    before = settings()
    rule = backend.sgd(0.25, samestep.SGDOptions(momentum=0.5))
    params = params_of(backend)
    objective = backend.value_and_grad(objective_of(backend), has_aux=True)
    _, grads = objective(params, *batch_of(backend))
    rule.step(params, grads, rule.init(params))
    backend.compile(lambda x: x + x)(params["w"])
    backend.scan(lambda c, x: (c + x["a"], {"c": c}), params["b"], {"a": params["w"]})
    assert settings() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_scope_of_jax_sets_x64_and_full_products(dtype: str) -> None:
    outside = jax.config.jax_enable_x64
    with samestep.backend("jax", dtype=dtype).scope():
        assert jax.config.jax_enable_x64 is (dtype == "float64")
        assert jax.config.jax_default_matmul_precision == "highest"
    assert jax.config.jax_enable_x64 is outside


def test_a_scope_stays_in_its_thread() -> None:
    seen: list[bool] = []
    other = threading.Thread(target=lambda: seen.append(jax.config.jax_enable_x64))
    before = jax.config.jax_enable_x64
    with samestep.backend("jax", dtype="float64").scope():
        other.start()
        other.join()
    assert seen == [before]


def test_the_scope_of_torch_on_a_gpu_turns_tf32_off_and_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No GPU is needed to see which flags are set, and what they are set back to."""
    backend = TorchBackend()
    backend._device = torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "device", contextlib.nullcontext)
    cudnn = torch.backends.cudnn
    original = torch.get_float32_matmul_precision()
    monkeypatch.setattr(cudnn, "allow_tf32", True)
    monkeypatch.setattr(cudnn, "deterministic", False)
    monkeypatch.setattr(cudnn, "benchmark", True)
    torch.set_float32_matmul_precision("medium")
    try:
        with contextlib.suppress(Stop), backend.scope():
            assert torch.get_float32_matmul_precision() == "highest"
            assert (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark) == (False, True, False)
            raise Stop
        assert torch.get_float32_matmul_precision() == "medium"
        assert (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark) == (True, False, True)
    finally:
        torch.set_float32_matmul_precision(original)


# --- the border, and compilation ---------------------------------------------------------------


def test_a_zero_without_memory_comes_out() -> None:
    curvature = torch.func.grad(torch.func.grad(torch.abs))(torch.tensor(1.0))
    assert curvature._is_zerotensor()
    assert samestep.backend("torch").to_numpy(curvature) == 0


def test_torch_gives_tensors_without_history() -> None:
    backend = samestep.backend("torch")
    params, batch = params_of(backend), batch_of(backend)
    value_and_grad = backend.value_and_grad(objective_of(backend), has_aux=True)
    (value, prediction), grads = value_and_grad(params, *batch)
    results = (value, prediction, *grads.values())
    assert not any(array.requires_grad for array in (*results, *params.values(), *batch))


def test_an_eager_backend_evaluates_the_loss_at_every_step() -> None:
    """The counter with which the kit finds a second compilation does count."""
    spec = SyntheticRegression(num_train=40, num_val=0, batch_size=8)
    with counted_loss() as (name, calls):
        train(samestep.backend("torch"), Plan.of(spec.draw(0), loss=name))
    assert len(calls) == 15
