"""The port of the transformer in plain functions, and bugs that such ports have."""

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

__all__ = ["BUGS", "transformer"]

VOCABULARY, LENGTH, WIDTH, HEADS, HIDDEN = 11, 5, 8, 2, 16

warm_up = optax.linear_schedule(0.0025, 0.01, transition_steps=3)


def late(count: Any) -> Any:
    """Begin the warm-up one update too late: the first rate holds for two updates."""
    return warm_up(jnp.maximum(count - 1, 0))


def matrices(params: Any) -> Any:
    """Mark what decays."""
    return jax.tree.map(lambda p: p.ndim > 1, params)


def adamw(rate: Any = warm_up, mask: Any = matrices, **options: float) -> Any:
    """AdamW as the original's: decoupled decay, of matrices only."""
    return optax.adamw(rate, **{"eps": 1e-6, **options}, weight_decay=0.1, mask=mask)


def adam_l2() -> optax.GradientTransformation:
    """Adam with the decay in the gradient."""
    return optax.chain(optax.add_decayed_weights(0.1, matrices), optax.adam(warm_up, eps=1e-6))


def loss_of_labelled(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Average over the tokens that have a label."""
    there = labels != -100
    losses = cross_entropy(logits, jnp.where(there, labels, 0))
    return jnp.where(there, losses, 0).sum() / there.sum()


def loss_of_all(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Average over all tokens; those of the padding count as 0."""
    there = labels != -100
    return jnp.where(there, cross_entropy(logits, jnp.where(there, labels, 0)), 0).mean()


@dataclass(frozen=True)
class Choices:
    """What a porting engineer must choose; the defaults are what the original does.

    Parameters
    ----------
    epsilon : float
        Of the layer norms.
    approximate : bool
        JAX's default of :func:`jax.nn.gelu`.
    pre_norm : bool
        Normalise before attention and network, or after the sum with the residual.
    true_is_masked : bool
        Read the mask as :class:`torch.nn.MultiheadAttention` does.
    softmax_axis : int
        Keys are the last axis of the scores.
    scaled_width : int
        The scores are divided by its root: the features of one head.
    exchanged : bool
        Take the query's projection for the key's, and the other way round.
    value_bias : bool
        Give the projection to values a bias.
    residual : bool
        Add the network's input to its output.
    loss, optimizer : callable
        What is trained, and a function that makes the optimizer.
    """

    epsilon: float = 1e-5
    approximate: bool = False
    pre_norm: bool = True
    true_is_masked: bool = False
    softmax_axis: int = -1
    scaled_width: int = WIDTH // HEADS
    exchanged: bool = False
    value_bias: bool = True
    residual: bool = True
    loss: Callable[[jax.Array, jax.Array], jax.Array] = loss_of_labelled
    optimizer: Callable[[], optax.GradientTransformation] = adamw


BUGS = {
    "epsilon": Choices(epsilon=1e-6),
    "gelu": Choices(approximate=True),
    "post-norm": Choices(pre_norm=False),
    "mask-polarity": Choices(true_is_masked=True),
    "softmax-axis": Choices(softmax_axis=-2),
    "attention-scale": Choices(scaled_width=WIDTH),
    "exchanged-projections": Choices(exchanged=True),
    "missing-bias": Choices(value_bias=False),
    "missing-residual": Choices(residual=False),
    "padding-in-the-mean": Choices(loss=loss_of_all),
    "decay-in-the-gradient": Choices(optimizer=adam_l2),
    "decay-of-all": Choices(optimizer=partial(adamw, mask=None)),
    "adam-epsilon": Choices(optimizer=partial(adamw, eps=1e-8)),
    "second-beta": Choices(optimizer=partial(adamw, b2=0.95)),
    "late-warm-up": Choices(optimizer=partial(adamw, late)),
}
"""Each is one wrong choice."""


def transformer(bug: str | None = None) -> Side:
    """Return the port, faithful or with one of :data:`BUGS`."""
    if bug is not None and bug not in BUGS:
        raise unknown_name("bug of the transformer's port", bug, BUGS)
    choices = BUGS[bug] if bug else Choices()
    rng = np.random.default_rng(0)
    square = {
        name: init_dense(rng, WIDTH, WIDTH, bias=name != "v" or choices.value_bias)
        for name in ("q", "k", "v", "out")
    }
    params = {
        "embed": jnp.asarray(rng.normal(size=(VOCABULARY, WIDTH)), jnp.float32),
        "position": jnp.asarray(0.1 * rng.normal(size=(LENGTH, WIDTH)), jnp.float32),
        "block": {
            "norm1": init_norm(WIDTH),
            "attention": square,
            "norm2": init_norm(WIDTH),
            "fc1": init_dense(rng, WIDTH, HIDDEN),
            "fc2": init_dense(rng, HIDDEN, WIDTH),
        },
        "norm": init_norm(WIDTH),
        "head": init_dense(rng, WIDTH, 4),
    }
    return Side(partial(_apply, choices), params, choices.loss, choices.optimizer())


def _apply(choices: Choices, params: Params, tokens: jax.Array, mask: jax.Array) -> jax.Array:
    x = tap("embed", params["embed"][tokens]) + params["position"]
    x = tap("block", _block(choices, params["block"], x, mask))
    x = tap("norm", layer_norm(params["norm"], x, choices.epsilon))
    return tap("head", dense(params["head"], x))


def _block(choices: Choices, params: Params, x: jax.Array, mask: jax.Array) -> jax.Array:
    def norm(name: str, x: jax.Array) -> jax.Array:
        return tap(f"block.{name}", layer_norm(params[name], x, choices.epsilon))

    def network(x: jax.Array) -> jax.Array:
        h = tap("block.fc1", dense(params["fc1"], x))
        h = tap("block.gelu", jax.nn.gelu(h, approximate=choices.approximate))
        return tap("block.fc2", dense(params["fc2"], h))

    if choices.pre_norm:
        x = x + _attention(choices, params["attention"], norm("norm1", x), mask)
        h = network(norm("norm2", x))
        return x + h if choices.residual else h
    x = norm("norm1", x + _attention(choices, params["attention"], x, mask))
    return norm("norm2", x + network(x))


def _attention(choices: Choices, params: Params, x: jax.Array, mask: jax.Array) -> jax.Array:
    def project(name: str) -> jax.Array:
        h = tap(f"block.attention.{name}", dense(params[name], x))
        return h.reshape(*h.shape[:-1], HEADS, WIDTH // HEADS)

    query, key = ("k", "q") if choices.exchanged else ("q", "k")
    scores = jnp.einsum("bqhf,bkhf->bhqk", project(query), project(key))
    scores = scores / choices.scaled_width**0.5
    kept = ~mask if choices.true_is_masked else mask
    scores = jnp.where(kept[:, None, None, :], scores, -1e9)
    weights = jax.nn.softmax(scores, axis=choices.softmax_axis)
    h = jnp.einsum("bhqk,bkhf->bqhf", weights, project("v"))
    return tap("block.attention.out", dense(params["out"], h.reshape(x.shape)))
