"""RMSprop and Adagrad."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from samestep_jax.ledger.optimizers.following import Loop, native

__all__ = ["RMSPROPS"]


def rmsprop() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False))


def rmsprop_eps_inside() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3))


def rmsprop_momentum() -> Loop:
    optimizer = optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False, momentum=0.9)
    return Loop(optimizer, velocity_unit=-0.1)  # its velocity holds steps, rate and sign included


def rmsprop_momentum_rate() -> Loop:
    return Loop(
        optax.chain(
            optax.scale_by_rms(decay=0.9, eps=1e-3, eps_in_sqrt=False),
            optax.trace(0.9),
            optax.scale_by_learning_rate(optax.piecewise_constant_schedule(0.1, {20: 0.1})),
        )
    )


def rmsprop_momentum_rate_shipped() -> Loop:
    schedule = optax.piecewise_constant_schedule(0.1, {20: 0.1})
    optimizer = optax.rmsprop(schedule, decay=0.9, eps=1e-3, eps_in_sqrt=False, momentum=0.9)
    return Loop(optimizer, velocity_unit=-0.1)


def rmsprop_nesterov() -> Loop:
    optimizer = optax.rmsprop(
        0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False, momentum=0.9, nesterov=True
    )
    return Loop(optimizer, velocity_unit=-0.1)


def rmsprop_centered() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False, centered=True))


def rmsprop_centered_shipped() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3, centered=True))


def rmsprop_initial_scale() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False, initial_scale=1.0))


def rmsprop_corrected() -> Loop:
    return Loop(optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False, bias_correction=True))


def rmsprop_decay() -> Loop:
    optimizer = optax.rmsprop(0.1, decay=0.9, eps=1e-3, eps_in_sqrt=False)
    return Loop(optax.chain(optax.scale(-1.0), optax.add_decayed_weights(0.1), optimizer))


class Sums(NamedTuple):
    """Sums of squared gradients."""

    sum_of_squares: Any


def adagrad() -> Loop:
    def init(params: Any) -> Sums:
        return Sums(jax.tree.map(lambda p: jnp.full_like(p, 0.1), params))

    def update(grads: Any, state: Sums, params: Any = None) -> Any:
        sums = jax.tree.map(lambda s, g: s + g**2, state.sum_of_squares, grads)
        return jax.tree.map(lambda g, s: -0.1 * g / (jnp.sqrt(s) + 1e-3), grads, sums), Sums(sums)

    return Loop(optax.GradientTransformation(init, update))


def adagrad_shipped() -> Loop:
    return Loop(optax.adagrad(0.1, initial_accumulator_value=0.1, eps=1e-3))


_EPS_INSIDE = ("rmsprop(), with its default eps_in_sqrt=True", rmsprop_eps_inside)

RMSPROPS = {
    "rmsprop-plain": native(
        rmsprop, "rmsprop(eps_in_sqrt=False)", converted=True, lookalike=_EPS_INSIDE
    ),
    "rmsprop-foreach": native(
        rmsprop, "rmsprop(eps_in_sqrt=False)", converted=True, lookalike=_EPS_INSIDE
    ),
    "rmsprop-eps-inside": native(rmsprop_eps_inside, "rmsprop()"),
    "rmsprop-momentum": native(
        rmsprop_momentum, "rmsprop(eps_in_sqrt=False, momentum)", converted=True
    ),
    "rmsprop-momentum-rate": native(
        rmsprop_momentum_rate,
        "chain(scale_by_rms, trace, scale_by_learning_rate)",
        converted=True,
        lookalike=("rmsprop(schedule, momentum)", rmsprop_momentum_rate_shipped),
    ),
    "rmsprop-nesterov": native(rmsprop_nesterov, "rmsprop(eps_in_sqrt=False, momentum, nesterov)"),
    "rmsprop-centered": native(
        rmsprop_centered,
        "rmsprop(eps_in_sqrt=False, centered)",
        converted=True,
        lookalike=(
            "rmsprop(centered), with its default eps_in_sqrt=True",
            rmsprop_centered_shipped,
        ),
    ),
    "rmsprop-initial-scale": native(
        rmsprop_initial_scale, "rmsprop(eps_in_sqrt=False, initial_scale)"
    ),
    "rmsprop-corrected": native(rmsprop_corrected, "rmsprop(eps_in_sqrt=False, bias_correction)"),
    "rmsprop-decay": native(
        rmsprop_decay, "chain(scale(-1), add_decayed_weights, rmsprop)", converted=True
    ),
    "adagrad-plain": native(adagrad, lookalike=("adagrad()", adagrad_shipped)),
}
"""Native code of the entries on RMSprop and Adagrad."""
