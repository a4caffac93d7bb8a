"""Schedules of the learning rate: functions of the number of updates so far."""

from __future__ import annotations

from collections.abc import Callable

import optax
from jax import Array

from samestep_jax.ledger.optimizers.following import Loop, native

__all__ = ["SCHEDULES"]


def precise(schedule: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Count in floating point: divided as an int32, a count gives float32 rates under x64 too."""
    return lambda count: schedule(count.astype(float))


def exponential() -> Loop:
    schedule = optax.exponential_decay(0.1, transition_steps=1, decay_rate=0.9)
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def exponential_as_it_is() -> Loop:
    schedule = optax.exponential_decay(0.1, transition_steps=1, decay_rate=0.9)
    return Loop(optax.sgd(schedule, momentum=0.9))


def staircase() -> Loop:
    schedule = optax.exponential_decay(0.1, transition_steps=10, decay_rate=0.5, staircase=True)
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def staircase_as_it_is() -> Loop:
    schedule = optax.exponential_decay(0.1, transition_steps=10, decay_rate=0.5, staircase=True)
    return Loop(optax.sgd(schedule, momentum=0.9))


def milestones() -> Loop:
    schedule = optax.piecewise_constant_schedule(0.1, {10: 0.1, 30: 0.1})
    return Loop(optax.sgd(schedule, momentum=0.9))


def warmup() -> Loop:
    schedule = optax.linear_schedule(0.01, 0.1, transition_steps=10)
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def warmup_as_it_is() -> Loop:
    schedule = optax.linear_schedule(0.01, 0.1, transition_steps=10)
    return Loop(optax.sgd(schedule, momentum=0.9))


def polynomial() -> Loop:
    schedule = optax.polynomial_schedule(0.1, 0.0, power=2.0, transition_steps=40)
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def polynomial_as_it_is() -> Loop:
    schedule = optax.polynomial_schedule(0.1, 0.0, power=2.0, transition_steps=40)
    return Loop(optax.sgd(schedule, momentum=0.9))


def cosine() -> Loop:
    schedule = optax.cosine_decay_schedule(0.1, decay_steps=50, alpha=0.001 / 0.1)
    return Loop(optax.sgd(schedule, momentum=0.9))


def cosine_with_an_absolute_end() -> Loop:
    schedule = optax.cosine_decay_schedule(0.1, decay_steps=50, alpha=0.001)
    return Loop(optax.sgd(schedule, momentum=0.9))


def cosine_there_and_back() -> Loop:
    fall = optax.cosine_decay_schedule(0.1, decay_steps=20, alpha=0.001 / 0.1)
    rise = optax.cosine_decay_schedule(0.001, decay_steps=20, alpha=0.1 / 0.001)
    return Loop(optax.sgd(optax.join_schedules([fall, rise, fall], [20, 40]), momentum=0.9))


def cosine_that_ends() -> Loop:
    schedule = optax.cosine_decay_schedule(0.1, decay_steps=20, alpha=0.001 / 0.1)
    return Loop(optax.sgd(schedule, momentum=0.9))


def restarts() -> Loop:
    cycles = [optax.cosine_decay_schedule(0.1, n, alpha=0.001 / 0.1) for n in (10, 20, 40)]
    return Loop(optax.sgd(optax.join_schedules(cycles, [10, 30]), momentum=0.9))


def warmup_cosine() -> Loop:
    schedule = optax.warmup_cosine_decay_schedule(
        0.01, 0.1, warmup_steps=10, decay_steps=50, end_value=0.001
    )
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def warmup_cosine_of_40() -> Loop:
    schedule = optax.warmup_cosine_decay_schedule(
        0.01, 0.1, warmup_steps=10, decay_steps=40, end_value=0.001
    )
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def one_cycle() -> Loop:
    # The phases end one step earlier than those of optax.cosine_onecycle_schedule(50, ...) would.
    schedule = optax.schedules.piecewise_interpolate_schedule(
        "cosine", 0.1 / 25, {0.4 * 50 - 1: 25, 50 - 1: 1 / (25 * 1e4)}
    )
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


def one_cycle_shipped() -> Loop:
    schedule = optax.cosine_onecycle_schedule(50, 0.1, pct_start=0.4)
    return Loop(optax.sgd(precise(schedule), momentum=0.9))


SCHEDULES = {
    "schedule-exponential": native(
        exponential,
        "exponential_decay",
        converted=True,
        lookalike=("exponential_decay, as it is", exponential_as_it_is),
    ),
    "schedule-staircase": native(
        staircase,
        "exponential_decay(staircase)",
        converted=True,
        lookalike=("exponential_decay(staircase), as it is", staircase_as_it_is),
    ),
    "schedule-milestones": native(milestones, "piecewise_constant_schedule"),
    "schedule-warmup": native(
        warmup,
        "linear_schedule",
        converted=True,
        lookalike=("linear_schedule, as it is", warmup_as_it_is),
    ),
    "schedule-polynomial": native(
        polynomial,
        "polynomial_schedule",
        converted=True,
        lookalike=("polynomial_schedule, as it is", polynomial_as_it_is),
    ),
    "schedule-cosine": native(
        cosine,
        "cosine_decay_schedule",
        converted=True,
        lookalike=("cosine_decay_schedule(alpha=eta_min)", cosine_with_an_absolute_end),
    ),
    "schedule-cosine-past-end": native(
        cosine_there_and_back,
        "join_schedules(cosine_decay_schedule)",
        converted=True,
        lookalike=("cosine_decay_schedule", cosine_that_ends),
    ),
    "schedule-restarts": native(restarts, "join_schedules(cosine_decay_schedule)", converted=True),
    "schedule-warmup-cosine": native(
        warmup_cosine,
        "warmup_cosine_decay_schedule",
        converted=True,
        lookalike=("warmup_cosine_decay_schedule(decay_steps=40)", warmup_cosine_of_40),
    ),
    "schedule-one-cycle": native(
        one_cycle,
        "piecewise_interpolate_schedule",
        converted=True,
        lookalike=("cosine_onecycle_schedule", one_cycle_shipped),
    ),
}
"""Native code of the entries on schedules."""
