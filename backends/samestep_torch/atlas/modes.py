"""PyTorch's global settings, which a probe must leave as they were."""

from __future__ import annotations

import torch

from samestep.probes import Mode


def _flushes_denormals() -> bool:
    """PyTorch can set the flag but not tell it; a denormal number can."""
    return bool(torch.tensor(1e-310, dtype=torch.float64).mul(1.0).eq(0))


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


MODES = (
    Mode("default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Mode("default device", torch.get_default_device, torch.set_default_device),
    Mode("grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Mode("anomaly mode", _anomaly, lambda old: torch.autograd.set_detect_anomaly(*old)),
    Mode(
        "deterministic algorithms",
        _deterministic,
        lambda old: torch.use_deterministic_algorithms(old[0], warn_only=old[1]),
    ),
    Mode("threads", torch.get_num_threads, torch.set_num_threads),
    Mode(
        "float32 matmul precision",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    Mode("flushing of denormals", _flushes_denormals, torch.set_flush_denormal),
    Mode(
        "autocast",
        lambda: torch.is_autocast_enabled("cpu"),
        lambda old: torch.set_autocast_enabled("cpu", old),
    ),
    Mode("repeated warnings", torch.is_warn_always_enabled, torch.set_warn_always),
    Mode("random state", torch.get_rng_state, torch.set_rng_state, consumed=True),
)
