"""The port of the MLP in plain functions, and bugs that such ports have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from samestep.errors import unknown_name
from samestep_jax.examples.layers import (
    Params,
    cross_entropy,
    dense,
    init_dense,
    init_norm,
    layer_norm,
)
from samestep_jax.port import Side, tap

__all__ = ["BUGS", "mlp"]

schedule = optax.exponential_decay(0.01, transition_steps=2, decay_rate=0.5, staircase=True)


def early(count: Any) -> Any:
    """Count the updates from 1."""
    return schedule(count + 1)


def adam_l2(rate: Any = schedule, **options: float) -> optax.GradientTransformation:
    """Adam as PyTorch's with ``weight_decay``: the decay is part of the gradient."""
    return optax.chain(optax.add_decayed_weights(0.01), optax.adam(rate, **options))


def mean_loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Average over the examples."""
    return cross_entropy(logits, labels).mean()


def summed_loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Sum over the examples."""
    return cross_entropy(logits, labels).sum()


@dataclass(frozen=True)
class Choices:
    """What a porting engineer must choose; the defaults are what the original does.

    Parameters
    ----------
    epsilon : float
        Of the layer norm.
    approximate : bool
        JAX's default of :func:`jax.nn.gelu`.
    out_in : bool
        Read the kernel of the square layer as PyTorch keeps it, (out, in).
    last_bias : bool
        Give the last layer a bias.
    loss, optimizer : callable
        What is trained, and a function that makes the optimizer.
    resumed : bool
        Start the optimizer from a state that has seen a step.
    """

    epsilon: float = 1e-5
    approximate: bool = False
    out_in: bool = False
    last_bias: bool = True
    loss: Callable[[jax.Array, jax.Array], jax.Array] = mean_loss
    optimizer: Callable[[], optax.GradientTransformation] = adam_l2
    resumed: bool = False


BUGS = {
    "epsilon": Choices(epsilon=1e-6),
    "gelu": Choices(approximate=True),
    "transposed-kernel": Choices(out_in=True),
    "missing-bias": Choices(last_bias=False),
    "summed-loss": Choices(loss=summed_loss),
    "decoupled-decay": Choices(optimizer=partial(optax.adamw, schedule, weight_decay=0.01)),
    "epsilon-below-the-root": Choices(optimizer=partial(adam_l2, eps=0.0, eps_root=1e-8)),
    "schedule-from-one": Choices(optimizer=partial(adam_l2, early)),
    "resumed-optimizer": Choices(resumed=True),
}
"""Each is one wrong choice."""


def mlp(bug: str | None = None) -> Side:
    """Return the port, faithful or with one of :data:`BUGS`."""
    if bug is not None and bug not in BUGS:
        raise unknown_name("bug of the MLP's port", bug, BUGS)
    choices = BUGS[bug] if bug else Choices()
    rng = np.random.default_rng(0)
    params = {
        "fc1": init_dense(rng, 6, 8),
        "norm": init_norm(8),
        "fc2": init_dense(rng, 8, 8),
        "fc3": init_dense(rng, 8, 3, bias=choices.last_bias),
    }
    optimizer = choices.optimizer()
    state = None
    if choices.resumed:
        gradients = jax.tree.map(jnp.ones_like, params)
        _, state = optimizer.update(gradients, optimizer.init(params), params)
    return Side(partial(_apply, choices), params, choices.loss, optimizer, optimizer_state=state)


def _apply(choices: Choices, params: Params, x: jax.Array) -> jax.Array:
    h = tap("fc1", dense(params["fc1"], x))
    h = tap("norm", layer_norm(params["norm"], h, choices.epsilon))
    h = tap("gelu", jax.nn.gelu(h, approximate=choices.approximate))
    square = params["fc2"] | {"w": params["fc2"]["w"].T} if choices.out_in else params["fc2"]
    h = jax.nn.relu(tap("fc2", dense(square, h)))
    return tap("fc3", dense(params["fc3"], h))
