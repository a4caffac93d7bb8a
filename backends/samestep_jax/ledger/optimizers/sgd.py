"""SGD and the chains around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from samestep_jax.ledger.optimizers.following import Loop, native

__all__ = ["SGDS", "skip_unused"]


def plain() -> Loop:
    return Loop(optax.sgd(0.1))


def momentum() -> Loop:
    return Loop(optax.sgd(0.1, momentum=0.9))


def nesterov() -> Loop:
    return Loop(optax.sgd(0.1, momentum=0.9, nesterov=True))


def dampening() -> Loop:
    return Loop(
        optax.chain(
            # Only from the second step on: the velocity starts as the first gradient.
            optax.scale_by_schedule(lambda count: jnp.where(count == 0, 1.0, 1 - 0.9)),
            optax.sgd(0.1, momentum=0.9),
        )
    )


def dampening_from_the_start() -> Loop:
    return Loop(optax.chain(optax.scale(1 - 0.9), optax.sgd(0.1, momentum=0.9)))


def decay() -> Loop:
    return Loop(optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1)))


def decay_momentum() -> Loop:
    return Loop(optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1, momentum=0.9)))


def decay_after_momentum() -> Loop:
    return Loop(
        optax.chain(
            optax.trace(0.9), optax.add_decayed_weights(0.1), optax.scale_by_learning_rate(0.1)
        )
    )


def decay_nesterov() -> Loop:
    sgd = optax.sgd(0.1, momentum=0.9, nesterov=True)
    return Loop(optax.chain(optax.add_decayed_weights(0.1), sgd))


def decay_some() -> Loop:
    decay = optax.add_decayed_weights(0.1, mask={"w": True, "b": False})
    return Loop(optax.chain(decay, optax.sgd(0.1, momentum=0.9)))


def clip_norm() -> Loop:
    def clip(grads: Any, params: Any) -> Any:
        factor = jnp.minimum(1.0, 1.0 / (optax.tree.norm(grads) + 1e-6))
        return jax.tree.map(lambda g: factor * g, grads)

    return Loop(optax.chain(optax.stateless(clip), optax.sgd(0.1)))


def clip_norm_shipped() -> Loop:
    return Loop(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)))


def clip_value() -> Loop:
    return Loop(optax.chain(optax.clip(0.5), optax.sgd(0.1)))


def maximize() -> Loop:
    return Loop(optax.chain(optax.scale(-1.0), optax.sgd(0.1, momentum=0.9)))


def maximize_decay() -> Loop:
    return Loop(
        optax.chain(optax.scale(-1.0), optax.add_decayed_weights(0.1), optax.sgd(0.1, momentum=0.9))
    )


def maximize_by_a_negative_rate() -> Loop:
    return Loop(optax.chain(optax.add_decayed_weights(0.1), optax.sgd(-0.1, momentum=0.9)))


def together() -> Loop:
    return Loop(
        optax.chain(
            optax.clip(0.5),
            optax.scale(-1.0),
            optax.add_decayed_weights(0.1),
            optax.sgd(0.1, momentum=0.9, nesterov=True),
        )
    )


def rate_change() -> Loop:
    def change(k: int, state: Any) -> Any:
        if k == 20:
            state.hyperparams["learning_rate"] = jnp.asarray(0.01)
        return state

    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=0.1, momentum=0.9)
    return Loop(optimizer, before=change)


def skip_unused(make: Callable[[], Any]) -> Any:
    """Give each parameter an optimizer of its own that works only where it is used."""

    def used(name: str) -> Callable[..., Any]:
        return lambda step, *, used: used[name]

    names = ("w", "b")
    each = {n: optax.conditionally_mask(make(), used(n), forward_extra_args=True) for n in names}
    return optax.partition(each, dict(zip(names, names, strict=True)))


def unused_skipped() -> Loop:
    def make() -> Any:
        return optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1, momentum=0.9))

    return Loop(skip_unused(make))


def frozen() -> Loop:
    trained = decay_momentum().optimizer
    labels = {"w": "frozen", "b": "trained"}
    return Loop(optax.partition({"trained": trained, "frozen": optax.set_to_zero()}, labels))


def coarse_velocity() -> Loop:
    return Loop(optax.sgd(0.1, momentum=0.9, accumulator_dtype=jnp.bfloat16))


SGDS = {
    "sgd-plain": native(plain, "sgd()"),
    "sgd-momentum": native(momentum, "sgd(momentum)"),
    "sgd-nesterov": native(nesterov, "sgd(momentum, nesterov)"),
    "sgd-foreach": native(momentum, "sgd(momentum)"),
    "sgd-fused": native(momentum, "sgd(momentum)"),
    "sgd-dampening": native(
        dampening,
        "chain(scale_by_schedule, sgd)",
        converted=True,
        lookalike=("chain(scale(1 - dampening), sgd)", dampening_from_the_start),
    ),
    "sgd-decay": native(decay, "chain(add_decayed_weights, sgd)", converted=True),
    "sgd-decay-momentum": native(
        decay_momentum,
        "chain(add_decayed_weights, sgd)",
        converted=True,
        lookalike=("chain(trace, add_decayed_weights, ...)", decay_after_momentum),
    ),
    "sgd-decay-nesterov": native(decay_nesterov, "chain(add_decayed_weights, sgd)", converted=True),
    "sgd-decay-decoupled": native(
        decay_after_momentum, "chain(trace, add_decayed_weights, scale_by_learning_rate)"
    ),
    "sgd-decay-some": native(
        decay_some,
        "chain(add_decayed_weights(mask), sgd)",
        converted=True,
        lookalike=("chain(add_decayed_weights, sgd)", decay_momentum),
    ),
    "sgd-clip-norm": native(
        clip_norm, lookalike=("chain(clip_by_global_norm, sgd)", clip_norm_shipped)
    ),
    "sgd-clip-value": native(clip_value, "chain(clip, sgd)", converted=True),
    "sgd-maximize": native(maximize, "chain(scale(-1), sgd)", converted=True),
    "sgd-maximize-decay": native(
        maximize_decay,
        "chain(scale(-1), add_decayed_weights, sgd)",
        converted=True,
        lookalike=("chain(add_decayed_weights, sgd(-rate))", maximize_by_a_negative_rate),
    ),
    "sgd-together": native(
        together, "chain(clip, scale(-1), add_decayed_weights, sgd)", converted=True
    ),
    "sgd-rate-change": native(
        rate_change,
        "inject_hyperparams(sgd)",
        converted=True,
        lookalike=("sgd(momentum)", momentum),
    ),
    "sgd-unused-none": native(
        unused_skipped,
        "partition(conditionally_mask(...))",
        converted=True,
        lookalike=("chain(add_decayed_weights, sgd), gradient 0", decay_momentum),
    ),
    "sgd-unused-zero": native(decay_momentum, "chain(add_decayed_weights, sgd)", converted=True),
    "sgd-frozen": native(
        frozen,
        "partition(..., set_to_zero)",
        converted=True,
        lookalike=("chain(add_decayed_weights, sgd), gradient 0", decay_momentum),
    ),
    "sgd-coarse-velocity": native(coarse_velocity, "sgd(momentum, accumulator_dtype)"),
}
"""Native code of the entries on SGD."""
