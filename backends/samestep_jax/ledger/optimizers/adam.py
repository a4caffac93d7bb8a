"""Adam and its relatives."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
from jax import Array

from samestep_jax.ledger.optimizers.following import Loop, native
from samestep_jax.ledger.optimizers.sgd import skip_unused

__all__ = ["ADAMS"]


def adam() -> Loop:
    return Loop(optax.adam(0.1, b1=0.9, b2=0.999, eps=1e-3))


def adam_decay() -> Loop:
    return Loop(optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.1, eps=1e-3)))


def adam_maximize() -> Loop:
    return Loop(
        optax.chain(optax.scale(-1.0), optax.add_decayed_weights(0.1), optax.adam(0.1, eps=1e-3))
    )


def adamw() -> Loop:
    return Loop(optax.adamw(0.1, eps=1e-3, weight_decay=0.1))


def adamw_torch_defaults() -> Loop:
    return Loop(optax.adamw(0.1, weight_decay=0.01))


def adamw_defaults() -> Loop:
    return Loop(optax.adamw(0.1))


def adamw_some() -> Loop:
    mask = {"w": True, "b": False}
    return Loop(optax.adamw(0.1, eps=1e-3, weight_decay=0.1, mask=mask))


def adam_unused() -> Loop:
    return Loop(skip_unused(lambda: optax.adam(0.1, eps=1e-3)))


def lower_rate(k: int, state: Any) -> Any:
    if k == 20:
        state.hyperparams["learning_rate"] = jnp.asarray(0.01)
    return state


def adam_rate_change() -> Loop:
    # As numbers in the state b1 and b2 would be rounded before 1 - b2 is computed.
    constants = ("b1", "b2", "eps", "eps_root", "nesterov")
    make = optax.inject_hyperparams(optax.adam, static_args=constants)
    return Loop(make(learning_rate=0.1, eps=1e-3), before=lower_rate)


def adam_rate_change_all_injected() -> Loop:
    make = optax.inject_hyperparams(optax.adam)
    return Loop(make(learning_rate=0.1, eps=1e-3), before=lower_rate)


def amsgrad() -> Loop:
    return Loop(optax.amsgrad(0.1, eps=1e-3))


def amsgrad_of_raw_moments() -> Loop:
    def root(count: Array) -> Array:
        return jnp.sqrt(1 - 0.999 ** (count + 1.0))

    # To correct afterwards is to multiply the step, and the epsilon in it, by the root.
    constants = ("b1", "b2", "eps_root", "bias_correction_mu", "bias_correction_nu")
    scale = optax.inject_hyperparams(optax.scale_by_amsgrad, static_args=constants)(
        eps=lambda count: 1e-3 * root(count), bias_correction_nu=False
    )
    return Loop(
        optax.chain(scale, optax.scale_by_schedule(root), optax.scale_by_learning_rate(0.1))
    )


def nadam() -> Loop:
    return Loop(optax.adam(0.1, eps=1e-3, nesterov=True))  # optax.nadam is a name for it


def adam_eps_root() -> Loop:
    return Loop(optax.adam(0.1, eps=1e-3, eps_root=1e-3))


def adam_coarse() -> Loop:
    return Loop(optax.adam(0.1, eps=1e-3, mu_dtype=jnp.bfloat16))


ADAMS = {
    "adam-plain": native(adam, "adam()"),
    "adam-foreach": native(adam, "adam()"),
    "adam-fused": native(adam, "adam()"),
    "adam-decay": native(adam_decay, "chain(add_decayed_weights, adam)", converted=True),
    "adam-maximize": native(
        adam_maximize, "chain(scale(-1), add_decayed_weights, adam)", converted=True
    ),
    "adam-decoupled": native(adamw, "adamw(weight_decay)"),
    "adamw": native(adamw, "adamw(weight_decay)"),
    "adamw-defaults": native(
        adamw_torch_defaults,
        "adamw(weight_decay=0.01)",
        converted=True,
        lookalike=("adamw()", adamw_defaults),
    ),
    "adamw-some": native(
        adamw_some, "adamw(weight_decay, mask)", converted=True, lookalike=("adamw()", adamw)
    ),
    "adam-rate-change": native(
        adam_rate_change,
        "inject_hyperparams(adam, static_args)",
        converted=True,
        lookalike=("inject_hyperparams(adam)", adam_rate_change_all_injected),
    ),
    "adam-unused-none": native(
        adam_unused,
        "partition(conditionally_mask(adam))",
        converted=True,
        lookalike=("adam(), gradient 0", adam),
    ),
    "adam-amsgrad": native(
        amsgrad_of_raw_moments,
        "chain(inject_hyperparams(scale_by_amsgrad), scale_by_schedule, ...)",
        converted=True,
        lookalike=("amsgrad()", amsgrad),
    ),
    "adam-nesterov": native(nadam, "adam(nesterov), nadam()"),
    "adam-eps-root": native(adam_eps_root, "adam(eps_root)"),
    "adam-coarse": native(adam_coarse, "adam(mu_dtype)"),
}
"""Native code of the entries on Adam."""
