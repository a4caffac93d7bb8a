"""What every backend promises: scopes that end, copies at the border, one scan, one compilation.

Where arithmetic is compared, the numbers are small multiples of powers of two and every result is
exact, so that the order of operations cannot matter and bits can be compared.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import pytest
import torch
from samestep_torch import TorchBackend

import samestep
from samestep import Plan, SyntheticRegression, train
from samestep.interface import Backend
from samestep.loss import LOSSES, Objective, get_loss, register_loss

RNG = np.random.default_rng(0)
X = RNG.integers(-3, 4, (4, 8, 2)).astype(np.float64)  # (runs, rows, features)
Y = RNG.integers(-5, 6, (4, 8)).astype(np.float64)
MASK = np.ones((4, 8))
W = RNG.integers(-2, 3, (4, 2)).astype(np.float64)
B = RNG.integers(-2, 3, 4).astype(np.float64)


class Stop(Exception):  # noqa: N818  # no error, a way out of a scope
    """Raised inside a scope."""


def to_host(backend: Backend, arrays: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    return {name: backend.to_numpy(values) for name, values in arrays.items()}


def batch_of(backend: Backend, run: int | slice) -> list[Any]:
    return [backend.asarray(values[run]) for values in (X, Y, MASK)]


def params_of(backend: Backend, run: int | slice) -> dict[str, Any]:
    return {"w": backend.asarray(W[run]), "b": backend.asarray(B[run])}


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
    params = params_of(backend, 0)
    objective = backend.value_and_grad(objective_of(backend), has_aux=True)
    _, grads = objective(params, *batch_of(backend, 0))
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


def test_every_method_enters_the_scope_in_the_thread_that_calls_it(backend: Backend) -> None:
    found: list[Any] = []

    def work() -> None:
        params = params_of(backend, 0)
        value_and_grad = backend.value_and_grad(objective_of(backend), has_aux=True)
        (value, _), grads = value_and_grad(params, *batch_of(backend, 0))
        rule = backend.sgd(0.25)
        stepped, _ = rule.step(params, grads, rule.init(params))
        doubled = backend.compile(lambda x: x + x)(params["w"])
        found.extend(backend.to_numpy(x).dtype for x in (value, *stepped.values(), doubled))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [backend.numpy_dtype] * 4


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


# --- the border between host and device -------------------------------------------------------


@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (1000,)])
def test_what_goes_in_is_a_copy(backend: Backend, kind: str, shape: tuple[int, ...]) -> None:
    source = np.ones(shape, kind)
    array = backend.asarray(source)
    source[...] = 0
    assert backend.to_numpy(array).all()


@pytest.mark.parametrize("shape", [(), (3,), (1000,)])
def test_what_comes_out_is_a_copy(backend: Backend, shape: tuple[int, ...]) -> None:
    array = backend.asarray(np.ones(shape))
    first = backend.to_numpy(array)
    assert first.flags.writeable
    first[...] = 0
    assert backend.to_numpy(array).all()


def test_a_zero_without_memory_comes_out() -> None:
    curvature = torch.func.grad(torch.func.grad(torch.abs))(torch.tensor(1.0))
    assert curvature._is_zerotensor()
    assert samestep.backend("torch").to_numpy(curvature) == 0


def test_floats_take_the_working_precision_and_integers_stay_integers(backend: Backend) -> None:
    for kind in ("float16", "float32", "float64"):
        array = backend.to_numpy(backend.asarray(np.ones(2, kind)))
        assert array.dtype == backend.numpy_dtype
    for kind in ("int32", "int64"):
        assert backend.to_numpy(backend.asarray(np.array([2**31 - 1], kind))) == 2**31 - 1
        assert backend.to_numpy(backend.asarray(np.ones(2, kind))).dtype.kind == "i"
    assert backend.to_numpy(backend.asarray(np.ones(2, bool))).dtype == bool
    assert backend.to_numpy(backend.asarray(0.5)).dtype == backend.numpy_dtype


# --- value and gradient -----------------------------------------------------------------------


def test_differentiation_leaves_its_inputs_as_they_were(backend: Backend) -> None:
    params, batch = params_of(backend, 0), batch_of(backend, 0)
    value_and_grad = backend.value_and_grad(objective_of(backend), has_aux=True)
    first, second = (value_and_grad(params, *batch) for _ in range(2))
    for (value, prediction), grads in (first, second):
        assert not any(
            getattr(a, "requires_grad", False) for a in (value, prediction, *grads.values())
        )
    np.testing.assert_array_equal(backend.to_numpy(params["w"]), W[0])
    np.testing.assert_array_equal(backend.to_numpy(params["b"]), B[0])
    for array, source in zip(batch, (X, Y, MASK), strict=True):
        np.testing.assert_array_equal(backend.to_numpy(array), source[0])
    assert not any(getattr(p, "requires_grad", False) for p in (*params.values(), *batch))
    for name in params:
        np.testing.assert_array_equal(
            *(backend.to_numpy(grads[name]) for _, grads in (first, second)), strict=True
        )


def test_the_auxiliary_output_is_the_prediction_that_was_differentiated(backend: Backend) -> None:
    value_and_grad = backend.value_and_grad(objective_of(backend), has_aux=True)
    (value, prediction), grads = value_and_grad(params_of(backend, 0), *batch_of(backend, 0))
    expected = X[0] @ W[0] + B[0]
    residual = expected - Y[0]
    np.testing.assert_array_equal(backend.to_numpy(prediction), expected)
    np.testing.assert_array_equal(backend.to_numpy(value), np.mean(residual**2))
    np.testing.assert_array_equal(backend.to_numpy(grads["w"]), X[0].T @ residual / 4)
    np.testing.assert_array_equal(backend.to_numpy(grads["b"]), residual.sum() / 4)


def test_stacked_runs_are_the_runs_one_by_one(backend: Backend) -> None:
    objective = objective_of(backend)
    every = slice(None)
    stacked = backend.value_and_grad(objective, runs=True, has_aux=True)
    (values, predictions), grads = stacked(params_of(backend, every), *batch_of(backend, every))
    one = backend.value_and_grad(objective, has_aux=True)
    for run in range(len(X)):
        (value, prediction), gradient = one(params_of(backend, run), *batch_of(backend, run))
        for ours, theirs in (
            (values, value),
            (predictions, prediction),
            (grads["w"], gradient["w"]),
            (grads["b"], gradient["b"]),
        ):
            np.testing.assert_array_equal(
                backend.to_numpy(ours)[run], backend.to_numpy(theirs), err_msg=f"run {run}"
            )


@pytest.mark.parametrize("runs", [False, True], ids=["one run", "stacked runs"])
def test_a_parameter_that_the_loss_does_not_use_has_gradient_zero(
    framework: Backend, *, runs: bool
) -> None:
    lead = (2,) if runs else ()
    xp = framework.xp
    value_and_grad = framework.value_and_grad(lambda params: xp.sum(params["used"]), runs=runs)
    params = {
        "used": framework.asarray(np.ones((*lead, 3))),
        "unused": framework.asarray(np.full((*lead, 2), 7.0)),
    }
    value, grads = value_and_grad(params)
    np.testing.assert_array_equal(framework.to_numpy(value), np.full(lead, 3.0))
    np.testing.assert_array_equal(framework.to_numpy(grads["used"]), np.ones((*lead, 3)))
    unused = framework.to_numpy(grads["unused"])
    np.testing.assert_array_equal(unused, np.zeros((*lead, 2), framework.dtype), strict=True)


# --- scan -------------------------------------------------------------------------------------


def step(carry: Any, x: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A recurrence in which the order of the steps and of the record matters."""
    total, velocity = carry
    velocity = 0.5 * velocity + x["a"]
    total = total + velocity * x["b"]
    return (total, velocity), {"total": total, "before": carry[0]}


def scan_inputs(backend: Backend) -> tuple[Any, dict[str, Any]]:
    carry = (backend.asarray(np.array([1.0, 2.0])), backend.asarray(np.zeros(2)))
    return carry, {"a": backend.asarray(X[0]), "b": backend.asarray(Y[0][:, None])}


def test_scan_runs_along_the_first_axis_and_stacks_the_record(backend: Backend) -> None:
    carry, xs = scan_inputs(backend)
    (total, velocity), record = backend.scan(step, carry, xs)
    state = (np.array([1.0, 2.0]), np.zeros(2))
    for k in range(len(X[0])):
        state, y = step(state, {"a": X[0][k], "b": Y[0][k]})
        for name in ("total", "before"):
            np.testing.assert_array_equal(backend.to_numpy(record[name])[k], y[name])
    np.testing.assert_array_equal(backend.to_numpy(total), state[0])
    np.testing.assert_array_equal(backend.to_numpy(velocity), state[1])


def test_the_default_loop_and_the_own_scan_are_one_function(backend: Backend) -> None:
    """Whatever a backend puts in the place of the default does what the default does."""
    carry, xs = scan_inputs(backend)
    own = backend.scan(step, carry, xs)
    with backend.scope():
        default = Backend.scan(backend, step, carry, xs)
    for ours, theirs in zip(own[0], default[0], strict=True):
        np.testing.assert_array_equal(backend.to_numpy(ours), backend.to_numpy(theirs), strict=True)
    assert own[1].keys() == default[1].keys()
    for name, values in to_host(backend, own[1]).items():
        np.testing.assert_array_equal(values, backend.to_numpy(default[1][name]), strict=True)


# --- compilation ------------------------------------------------------------------------------


def test_a_compiled_function_returns_what_the_function_returns(backend: Backend) -> None:
    array = backend.asarray(X[0])
    compiled = backend.compile(lambda x: backend.xp.sum(x, axis=0))
    np.testing.assert_array_equal(backend.to_numpy(compiled(array)), X[0].sum(axis=0))


def test_jax_compiles_a_function_once_for_each_shape(dtype: str) -> None:
    backend = samestep.backend("jax", dtype=dtype)
    traced = []

    def f(x: Any) -> Any:
        traced.append(x.shape)  # runs while JAX traces, not while it computes
        return x + x

    compiled = backend.compile(f)
    assert backend.compile(f) is compiled
    for _ in range(3):
        compiled(backend.asarray(X[0]))
        backend.compile(f)(backend.asarray(X[1]))
    assert traced == [(8, 2)]
    compiled(backend.asarray(Y[0]))
    assert traced == [(8, 2), (8,)]


@pytest.fixture
def counted_loss() -> Iterator[tuple[str, list[str]]]:
    """A loss that notes each time that Python evaluates it."""
    calls: list[str] = []

    def value(xp: Any, r: Any, delta: float) -> Any:
        calls.append("evaluated")
        return xp.square(r)

    name = "counted"
    squared = get_loss("squared_error")
    register_loss(dataclasses.replace(squared, name=name, value=value))
    yield name, calls
    del LOSSES[name]


def test_jax_compiles_a_fit_once_for_all_data_and_rates(
    counted_loss: tuple[str, list[str]], dtype: str
) -> None:
    name, calls = counted_loss
    backend = samestep.backend("jax", dtype=dtype)
    spec = SyntheticRegression(num_train=40, num_val=0, batch_size=8)

    def fit(seed: int, rate: float) -> None:
        train(backend, Plan.of(spec.draw(seed), loss=name, learning_rate=rate))

    fit(0, 0.03)
    first = len(calls)
    assert 0 < first < 15  # traced; evaluated once for each of the 15 steps, it would be a loop
    fit(0, 0.03)
    fit(1, 0.03)
    fit(0, 0.3)
    assert len(calls) == first


def test_an_eager_backend_evaluates_the_loss_at_every_step(
    counted_loss: tuple[str, list[str]],
) -> None:
    """The counter of the test above does count."""
    name, calls = counted_loss
    spec = SyntheticRegression(num_train=40, num_val=0, batch_size=8)
    train(samestep.backend("torch"), Plan.of(spec.draw(0), loss=name))
    assert len(calls) == 15
