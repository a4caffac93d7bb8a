"""One small network in PyTorch, and its ports in every kind of JAX model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax
import samestep_jax.port
import samestep_torch.port
import torch
from flax import linen, nnx
from samestep_jax.port import tap
from torch import nn

FEATURES, WIDTH, CLASSES, ROWS = 4, 8, 2, 12


def batches(count: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=(ROWS, FEATURES)), rng.normal(size=(ROWS, CLASSES))) for _ in range(count)
    ]


def squared_error(output: Any, target: Any) -> Any:
    return jnp.mean((output - target) ** 2)


class Network(nn.Module):
    """Linear, GELU, layer norm, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(FEATURES, WIDTH)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(WIDTH)
        self.fc2 = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.norm(self.act(self.fc1(x))))


def torch_side(
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    **options: Any,
) -> samestep_torch.port.Side:
    torch.manual_seed(0)
    module = Network()
    made = optimizer(module.parameters(), **{"lr": 0.01, **options})
    scheduler = schedule(made) if schedule else None
    return samestep_torch.port.Side(module, nn.functional.mse_loss, made, scheduler)


def params() -> dict[str, dict[str, Any]]:
    shapes = {
        "fc1": {"kernel": (FEATURES, WIDTH), "bias": (WIDTH,)},
        "norm": {"scale": (WIDTH,), "bias": (WIDTH,)},
        "fc2": {"kernel": (WIDTH, CLASSES), "bias": (CLASSES,)},
    }
    return {
        layer: {name: np.zeros(shape, np.float32) for name, shape in own.items()}
        for layer, own in shapes.items()
    }


def plain_apply(*, epsilon: float = 1e-5, approximate: bool = False, bias: bool = True) -> Any:
    """Make a plain function, with a fault if one is asked for."""

    def apply(p: Any, x: Any) -> Any:
        h = x @ p["fc1"]["kernel"] + p["fc1"]["bias"]
        h = tap("act", jax.nn.gelu(tap("fc1", h), approximate=approximate))
        h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + epsilon)
        h = tap("norm", h * p["norm"]["scale"] + p["norm"]["bias"])
        return tap("fc2", h @ p["fc2"]["kernel"] + (p["fc2"]["bias"] if bias else 0.0))

    return apply


def plain_side(
    optimizer: optax.GradientTransformation | None = None, **faults: Any
) -> samestep_jax.port.Side:
    return samestep_jax.port.Side(
        plain_apply(**faults), params(), squared_error, optimizer or optax.adam(0.01)
    )


def linear_sides(
    optimizer: Callable[..., torch.optim.Optimizer],
    transformation: optax.GradientTransformation,
    *,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    optimizer_state: Any = None,
    **options: Any,
) -> tuple[samestep_torch.port.Side, samestep_jax.port.Side]:
    """Both sides of one dense layer: quick to compile, for what is about the optimizer."""
    torch.manual_seed(0)
    module = nn.Linear(FEATURES, CLASSES)
    made = optimizer(module.parameters(), **{"lr": 0.01, **options})
    scheduler = schedule(made) if schedule else None
    return (
        samestep_torch.port.Side(module, nn.functional.mse_loss, made, scheduler),
        samestep_jax.port.Side(
            lambda p, x: x @ p["kernel"] + p["bias"],
            linear_params(),
            squared_error,
            transformation,
            optimizer_state=optimizer_state,
        ),
    )


def linear_params() -> dict[str, Any]:
    return {
        "kernel": np.zeros((FEATURES, CLASSES), np.float32),
        "bias": np.zeros(CLASSES, np.float32),
    }


class LinenNetwork(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        h = jax.nn.gelu(linen.Dense(WIDTH)(x), approximate=False)
        return linen.Dense(CLASSES)(linen.LayerNorm(epsilon=1e-5)(h))


def linen_side() -> samestep_jax.port.Side:
    module = LinenNetwork()
    variables = module.init(jax.random.key(0), jnp.ones((1, FEATURES)))
    return samestep_jax.port.Side(module, variables, squared_error, optax.adam(0.01))


class NNXNetwork(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.fc1 = nnx.Linear(FEATURES, WIDTH, rngs=rngs)
        self.norm = nnx.LayerNorm(WIDTH, epsilon=1e-5, rngs=rngs)
        self.fc2 = nnx.Linear(WIDTH, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.fc2(self.norm(jax.nn.gelu(self.fc1(x), approximate=False)))


def nnx_side() -> samestep_jax.port.Side:
    model = NNXNetwork(nnx.Rngs(0))
    return samestep_jax.port.Side(model, loss=squared_error, optimizer=optax.adam(0.01))


class EquinoxNetwork(equinox.Module):
    fc1: equinox.nn.Linear
    norm: equinox.nn.LayerNorm
    fc2: equinox.nn.Linear

    def __init__(self, key: Any) -> None:
        one, two = jax.random.split(key)
        self.fc1 = equinox.nn.Linear(FEATURES, WIDTH, key=one)
        self.norm = equinox.nn.LayerNorm(WIDTH, eps=1e-5)
        self.fc2 = equinox.nn.Linear(WIDTH, CLASSES, key=two)

    def __call__(self, x: Any) -> Any:
        return self.fc2(self.norm(jax.nn.gelu(self.fc1(x), approximate=False)))


def equinox_side() -> samestep_jax.port.Side:
    model = EquinoxNetwork(jax.random.key(0))
    return samestep_jax.port.Side(model, loss=squared_error, optimizer=optax.adam(0.01))


SIDES = {
    "function": plain_side,
    "linen": linen_side,
    "nnx": nnx_side,
    "equinox": equinox_side,
}
