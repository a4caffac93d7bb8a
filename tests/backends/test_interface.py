"""What every backend offers: the operations of `TensorOps`, devices, labels, an environment."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import samestep
from samestep import Plan, SyntheticRegression, compare, judge, stack, train
from samestep.devices import resolve_device
from samestep.errors import MissingParticipantError
from samestep.interface import DTYPES, Backend, SGDOptions, TensorOps

# --- operations ------------------------------------------------------------------------------

A = np.array([[0.5, -2.0, 3.0], [1.5, 0.0, -0.25]])
P = np.abs(A) + 0.5
V = np.array([1.0, -0.5, 2.0])
INDICES = np.array([1, 0, 1])
T = A > 0

# One or more calls of each operation, written for any namespace.
CALLS: dict[str, list[Callable[[Any, Callable[[Any], Any]], Any]]] = {
    "abs": [lambda xp, a: xp.abs(a(A))],
    "exp": [lambda xp, a: xp.exp(a(A))],
    "log": [lambda xp, a: xp.log(a(P))],
    "sqrt": [lambda xp, a: xp.sqrt(a(P))],
    "square": [lambda xp, a: xp.square(a(A))],
    "tanh": [lambda xp, a: xp.tanh(a(A))],
    "maximum": [lambda xp, a: xp.maximum(a(A), a(V))],
    "minimum": [lambda xp, a: xp.minimum(a(A), a(V))],
    "where": [lambda xp, a: xp.where(a(T), a(A), a(P)), lambda xp, a: xp.where(a(T), a(A), a(V))],
    "sum": [
        lambda xp, a: xp.sum(a(A)),
        lambda xp, a: xp.sum(a(A), axis=1),
        lambda xp, a: xp.sum(a(A), axis=(0, 1)),
        lambda xp, a: xp.sum(a(A), axis=0, keepdims=True),
    ],
    "mean": [
        lambda xp, a: xp.mean(a(A)),
        lambda xp, a: xp.mean(a(A), axis=-1, keepdims=True),
    ],
    "max": [lambda xp, a: xp.max(a(A)), lambda xp, a: xp.max(a(A), axis=0, keepdims=True)],
    "all": [lambda xp, a: xp.all(a(T)), lambda xp, a: xp.all(a(T), axis=1)],
    "any": [lambda xp, a: xp.any(a(T)), lambda xp, a: xp.any(a(T), axis=0, keepdims=True)],
    "matmul": [
        lambda xp, a: xp.matmul(a(A), a(V)),
        lambda xp, a: xp.matmul(a(A), a(P.T)),
        lambda xp, a: xp.matmul(a(V), a(A.T)),
    ],
    "reshape": [lambda xp, a: xp.reshape(a(A), (3, 2)), lambda xp, a: xp.reshape(a(A), (-1,))],
    "expand_dims": [lambda xp, a: xp.expand_dims(a(A), axis=1)],
    "stack": [lambda xp, a: xp.stack([a(A), a(P)], axis=0), lambda xp, a: xp.stack([a(A), a(P)])],
    "take": [
        lambda xp, a: xp.take(a(A), a(INDICES), axis=0),
        lambda xp, a: xp.take(a(A), a(INDICES), axis=1),
    ],
    "zeros_like": [lambda xp, a: xp.zeros_like(a(A))],
    "ones_like": [lambda xp, a: xp.ones_like(a(A))],
    "isfinite": [lambda xp, a: xp.isfinite(a(A)), lambda xp, a: xp.isfinite(xp.log(a(0 * P)))],
}


def test_every_operation_of_the_protocol_is_tried() -> None:
    members = {name for name, member in vars(TensorOps).items() if inspect.isfunction(member)}
    assert set(CALLS) == members - set(dir(object))


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("name", CALLS)
def test_operations_are_numpys(backend: Backend, name: str) -> None:
    for call in CALLS[name]:
        expected = np.asarray(call(np, lambda x: x))
        with backend.scope():
            found = backend.to_numpy(call(backend.xp, backend.asarray))
        kind = expected.dtype.kind
        assert found.dtype == (backend.numpy_dtype if kind == "f" else expected.dtype)
        assert found.shape == expected.shape
        if kind == "f":
            eps = np.finfo(backend.dtype).eps
            assert np.allclose(found, expected, rtol=8 * eps, atol=8 * eps)
        else:
            assert np.array_equal(found, expected)


def test_operators_are_numpys(backend: Backend) -> None:
    def work(a: Callable[[Any], Any]) -> list[Any]:
        x, y = a(A), a(P)
        logical = [x < y, x <= y, x > 0, x >= 0, x == y, ~a(T), a(T) & (x < 1), a(T) | (x < 1)]
        return [x + y, x - 1, 2 * x, x / y, x**2, -x, *logical]

    with backend.scope():
        found = [backend.to_numpy(x) for x in work(backend.asarray)]
    for ours, theirs in zip(found, work(np.asarray), strict=True):
        assert ours.dtype == (backend.numpy_dtype if theirs.dtype.kind == "f" else bool)
        assert np.allclose(ours, theirs, rtol=8 * np.finfo(backend.dtype).eps)


# --- description -----------------------------------------------------------------------------


def test_a_backend_says_what_it_is(backend: Backend) -> None:
    assert backend.label == f"{backend.name}/cpu/{backend.dtype}"
    assert repr(backend) == f"<{type(backend).__name__} {backend.label}>"
    assert backend.numpy_dtype == np.dtype(backend.dtype)
    assert all(callable(f) for f in backend.native.values())


def test_an_environment_names_versions_devices_and_flags(backend: Backend) -> None:
    environment = backend.environment()
    assert backend.name in environment.versions
    assert all(isinstance(v, str) and v for v in environment.versions.values())
    assert environment.devices[0] == "cpu"
    assert all(isinstance(v, str) for v in environment.flags.values())
    if backend.name == "jax":
        assert "optax" in environment.versions


def test_a_run_uses_as_many_threads_as_the_environment_says() -> None:
    import torch

    backend, before = samestep.backend("torch"), torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with backend.scope():
            assert torch.get_num_threads() == backend.environment().threads
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_the_interface_is_abstract_and_its_backends_are_final(framework: Backend) -> None:
    with pytest.raises(TypeError, match="abstract"):
        Backend()  # type: ignore[abstract]
    assert getattr(type(framework), "__final__", False)
    assert type(framework).__mro__[1] is Backend


def test_nothing_is_the_default_of_sgd() -> None:
    assert SGDOptions() == SGDOptions(momentum=0.0, nesterov=False, weight_decay=0.0)


# --- devices ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cpu", "cpu"),
        ("CPU", "cpu"),
        ("cpu:0", "cpu"),
        ("gpu", "gpu"),
        ("gpu:0", "gpu"),
        ("gpu:1", "gpu:1"),
        ("cuda", "gpu"),
        ("cuda:1", "gpu:1"),
    ],
)
def test_devices_have_one_name_each(given: str, expected: str) -> None:
    assert resolve_device(given, ("cpu", "gpu", "gpu:1"), {"cuda": "gpu"}) == expected


@pytest.mark.parametrize("given", ["gpu:2", "tpu", "cpu:1", "", "gpu:x", "rocm"])
def test_a_device_that_is_not_there_is_an_error_that_lists_those_that_are(given: str) -> None:
    with pytest.raises(MissingParticipantError) as caught:
        resolve_device(given, ("cpu", "gpu", "gpu:1"), {"cuda": "gpu"})
    assert caught.value.message == f"Device {given!r} is not there."
    assert caught.value.hint == "Devices here: cpu, gpu, gpu:1."


@pytest.mark.parametrize("name", ["torch", "jax", "numpy"])
def test_every_backend_refuses_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(MissingParticipantError, match=r"'gpu:99' is not there.\nDevices here: cpu"):
        samestep.backend(name, device="gpu:99")


# --- on a GPU --------------------------------------------------------------------------------


@pytest.mark.gpu
def test_a_gpu_backend_works_on_the_gpu(gpu_backend: Backend) -> None:
    assert gpu_backend.device == "gpu"
    assert gpu_backend.label == f"{gpu_backend.name}/gpu/{gpu_backend.dtype}"
    array = gpu_backend.asarray(np.ones(3))
    on_device = {"torch": lambda: array.device.type, "jax": lambda: array.device.platform}
    assert on_device[gpu_backend.name]() in ("cuda", "gpu")
    cpu = samestep.backend(gpu_backend.name, dtype=gpu_backend.dtype)
    on_cpu = cpu.asarray(np.ones(3))
    assert getattr(on_cpu.device, "type", getattr(on_cpu.device, "platform", "")) == "cpu"
    assert np.array_equal(gpu_backend.to_numpy(array), np.ones(3))


@pytest.mark.gpu
@pytest.mark.parametrize("spelling", ["gpu:0", "cuda", "cuda:0", "GPU"])
def test_a_gpu_has_several_spellings(gpu_backend: Backend, spelling: str) -> None:
    assert samestep.backend(gpu_backend.name, device=spelling).device == "gpu"


@pytest.mark.gpu
def test_a_gpu_takes_the_same_steps_as_the_cpu(gpu_backend: Backend) -> None:
    spec = SyntheticRegression(w=tuple(np.linspace(-1, 1, 16)), num_val=0)
    plan = stack([Plan.of(spec.draw(seed), momentum=0.5) for seed in range(4)])
    cpu = samestep.backend(gpu_backend.name, dtype=gpu_backend.dtype)
    comparison = compare(train(gpu_backend, plan), train(cpu, plan))
    assert comparison.holds


@pytest.mark.gpu
def test_products_have_the_full_precision(gpu_backend: Backend) -> None:
    # TF32 keeps 10 bits of the factors: 1 + 2^-12 would be rounded to 1.
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        rows = gpu_backend.asarray(np.full((256, 256), 1 + 2.0**-12))
        with gpu_backend.scope():
            product = gpu_backend.xp.matmul(rows, gpu_backend.asarray(np.eye(256)))
            product = gpu_backend.to_numpy(product)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert (product == 1 + 2.0**-12).all()


@pytest.mark.gpu
def test_what_comes_back_is_finished(gpu_backend: Backend) -> None:
    # A long chain of products, which the device computes after the call has returned.
    size, count = 1024, 200
    with gpu_backend.scope():
        x = gpu_backend.asarray(np.eye(size))
        turn = gpu_backend.asarray(np.roll(np.eye(size), 1, axis=0))
        for _ in range(count):
            x = gpu_backend.xp.matmul(turn, x)
        found = gpu_backend.to_numpy(x)
    assert np.array_equal(found, np.roll(np.eye(size), count, axis=0))


@pytest.mark.gpu
def test_runs_on_a_gpu_are_repeatable(gpu_backend: Backend) -> None:
    plan = Plan.of(SyntheticRegression(num_val=0).draw(0))
    first, second = train(gpu_backend, plan), train(gpu_backend, plan)
    assert judge(first).holds
    assert np.array_equal(first.parameters(), second.parameters())


# --- where there is none ---------------------------------------------------------------------


def test_a_hidden_gpu_is_not_there() -> None:
    # In a process of its own: frameworks look for devices once.
    script = (
        "import samestep\n"
        "for name in ('torch', 'jax'):\n"
        f"    for dtype in {DTYPES!r}:\n"
        "        try:\n"
        "            samestep.backend(name, device='gpu', dtype=dtype)\n"
        "        except samestep.MissingParticipantError as error:\n"
        "            print(error.hint)\n"
    )
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=hidden, capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.splitlines()
        == ["Devices here: cpu. A build for the CPU alone sees no GPU."] * 4
    )
