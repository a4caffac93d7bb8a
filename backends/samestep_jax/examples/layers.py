"""Layers as plain functions of their parameters, as ports without a library write them."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Params", "cross_entropy", "dense", "init_dense", "init_norm", "layer_norm"]

Params: TypeAlias = dict[str, Any]
"""Arrays by name, nested."""


def init_dense(
    rng: np.random.Generator, features: int, outputs: int, *, bias: bool = True
) -> Params:
    """Draw a kernel of shape (features, outputs), and a bias of zeros."""
    w = jnp.asarray(rng.normal(size=(features, outputs)) / features**0.5, jnp.float32)
    return {"w": w, "b": jnp.zeros(outputs)} if bias else {"w": w}


def init_norm(features: int) -> Params:
    """Return the scale and offset of a norm."""
    return {"scale": jnp.ones(features), "bias": jnp.zeros(features)}


def dense(params: Params, x: jax.Array) -> jax.Array:
    """Apply a dense layer; the bias is optional."""
    y: jax.Array = x @ params["w"] + params.get("b", 0.0)
    return y


def layer_norm(params: Params, x: jax.Array, epsilon: float) -> jax.Array:
    """Normalise the last axis."""
    mean = x.mean(-1, keepdims=True)
    var = x.var(-1, keepdims=True)
    normal = (x - mean) / jnp.sqrt(var + epsilon)
    y: jax.Array = normal * params["scale"] + params["bias"]
    return y


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the cross-entropy of each example; the classes are on the last axis."""
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1)
    return -chosen[..., 0]
