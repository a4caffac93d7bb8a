"""What the built-in backends offer beyond the conformance kit: devices, environments, GPUs."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

import samestep
from samestep import Plan, SyntheticRegression, compare, judge, stack, train
from samestep.devices import resolve_device
from samestep.errors import MissingParticipantError
from samestep.interface import DTYPES, Backend, SGDOptions, TensorOps
from samestep.testing.operations import CALLS

# --- operations ------------------------------------------------------------------------------


def test_the_kit_tries_every_operation_of_the_protocol() -> None:
    members = {name for name, member in vars(TensorOps).items() if inspect.isfunction(member)}
    assert set(CALLS) == members - set(dir(object))


# --- description -----------------------------------------------------------------------------


def test_an_environment_names_its_framework(framework: Backend) -> None:
    versions = framework.environment().versions
    assert framework.name in versions
    assert repr(framework) == f"<{type(framework).__name__} {framework.label}>"
    if framework.name == "jax":
        assert "optax" in versions


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
