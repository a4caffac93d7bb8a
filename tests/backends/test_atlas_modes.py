"""Whatever global setting a probe leaves changed is noticed, and put back."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest
import torch
from samestep_jax.atlas.modes import MODES as JAX_MODES
from samestep_torch.atlas.modes import MODES as TORCH_MODES

from samestep.probes.isolation import isolated

TORCH: dict[str, Callable[[], object]] = {
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "grad mode": lambda: torch.set_grad_enabled(False),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "float32 matmul precision": lambda: torch.set_float32_matmul_precision("medium"),
    "flushing of denormals": lambda: torch.set_flush_denormal(True),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "repeated warnings": lambda: torch.set_warn_always(True),
}
JAX: dict[str, object] = {
    "jax_enable_x64": True,
    "jax_debug_nans": True,
    "jax_disable_jit": True,
    "jax_default_matmul_precision": "highest",
    "jax_numpy_rank_promotion": "raise",
}


def test_every_setting_of_pytorch_is_tried() -> None:
    assert set(TORCH) == {mode.name for mode in TORCH_MODES if not mode.consumed}


@pytest.mark.parametrize("name", TORCH)
def test_a_changed_setting_of_pytorch_is_named_and_restored(name: str) -> None:
    before = [mode.read() for mode in TORCH_MODES if not mode.consumed]
    seen = isolated(lambda: TORCH[name]() and None, torch.Tensor.numpy, TORCH_MODES)
    assert seen.left_changed == (name,)
    assert [mode.read() for mode in TORCH_MODES if not mode.consumed] == before


def test_pytorch_draws_go_on_as_if_nothing_had_been_drawn() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    assert not isolated(lambda: torch.rand(3), torch.Tensor.numpy, TORCH_MODES).left_changed
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", JAX)
def test_a_changed_setting_of_jax_is_named_and_restored(name: str) -> None:
    before = [mode.read() for mode in JAX_MODES]
    seen = isolated(lambda: jax.config.update(name, JAX[name]), jnp.array, JAX_MODES)
    assert seen.left_changed == (name,)
    assert [mode.read() for mode in JAX_MODES] == before
    assert jnp.ones(1).dtype == jnp.float32
