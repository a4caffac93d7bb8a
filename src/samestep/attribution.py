"""How much of the gap between paths does each axis explain? A small full factorial design."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samestep.batching import LastBatch
from samestep.interface import Backend
from samestep.loss import Float64
from samestep.participants import Participant
from samestep.plan import Plan
from samestep.registry import parse_participant
from samestep.stepwise import StepwiseBackend
from samestep.training import train

__all__ = ["Attribution", "Effect", "attribute", "every_combination"]

BATCH_POLICIES: tuple[LastBatch, ...] = ("keep", "drop", "reweight")


@dataclass(frozen=True)
class Effect:
    """What one axis of the design does to the path.

    Parameters
    ----------
    axis : str
    levels : tuple of str
    largest_gap : float
        Largest difference of a parameter between two cells that differ in this axis alone.
    share : float
        Share of the sum of squares that the axis explains by itself (its main effect).
    """

    axis: str
    levels: tuple[str, ...]
    largest_gap: float
    share: float


@dataclass(frozen=True)
class Attribution:
    """The result of :func:`attribute`.

    Parameters
    ----------
    plan : Plan
    effects : tuple of Effect
        The largest first.
    interactions : float
        Share of the sum of squares that no axis explains by itself.
    cells : int
    """

    plan: Plan
    effects: tuple[Effect, ...]
    interactions: float
    cells: int


def every_combination(on: Sequence[str]) -> list[str]:
    """Return each framework of some participants on each of their devices."""
    names, devices = zip(*(parse_participant(text) for text in on), strict=True)
    return [
        f"{name}@{device}"
        for name, device in itertools.product(dict.fromkeys(names), dict.fromkeys(devices))
    ]


def attribute(plan: Plan, team: Sequence[Participant]) -> Attribution:
    """Train a plan in every combination of the axes, and split the differences between the paths.

    The axes are framework, device (where there is more than one), dtype, mode (as the backend
    compiles it, or operation by operation) and what becomes of a short last batch. The response is
    the vector of all parameters at the ends of all epochs; in a full factorial design its sum of
    squares about the mean splits into main effects and interactions without remainder.

    Parameters
    ----------
    plan : Plan
        Of one run.
    team : sequence of Participant
        Every framework on every device at every precision.
    """
    who = {(item.name, item.device, item.dtype): item for item in team}
    names, devices, dtypes = (tuple(dict.fromkeys(levels)) for levels in zip(*who, strict=True))
    axes: dict[str, tuple[str, ...]] = {
        "framework": names,
        "device": devices,
        "dtype": dtypes,
        "mode": ("compiled", "step by step"),
        "last batch": BATCH_POLICIES,
    }
    plans: dict[str, Plan] = {policy: _with_last_batch(plan, policy) for policy in BATCH_POLICIES}
    pending = [
        who[name, device, dtype].ask(
            functools.partial(_path, plan=plans[policy], compiled=mode == "compiled")
        )
        for name, device, dtype, mode, policy in itertools.product(*axes.values())
    ]
    axes = {name: levels for name, levels in axes.items() if len(levels) > 1}
    paths: Float64 = np.stack([future.result() for future in pending]).reshape(
        *(len(levels) for levels in axes.values()), -1
    )
    centred = paths - paths.reshape(-1, paths.shape[-1]).mean(axis=0)
    total = float((centred**2).sum())
    effects = []
    for i, (name, levels) in enumerate(axes.items()):
        others = tuple(j for j in range(len(axes)) if j != i)
        means = centred.mean(axis=others)
        cells_per_level = centred[..., 0].size / len(levels)
        share = cells_per_level * float((means**2).sum()) / total if total else 0.0
        spread = paths.max(axis=i) - paths.min(axis=i)
        effects.append(Effect(name, levels, float(spread.max()), share))
    effects.sort(key=lambda effect: -effect.largest_gap)
    remainder = max(0.0, 1 - sum(effect.share for effect in effects))
    return Attribution(plan, tuple(effects), remainder if total else 0.0, centred[..., 0].size)


def _with_last_batch(plan: Plan, policy: LastBatch) -> Plan:
    """Plan the same run with another policy for a short last batch."""
    if policy == plan.last_batch:
        return plan
    return Plan.of(
        plan.problems[0],
        loss=plan.loss,
        reduction=plan.reduction,
        delta=plan.delta,
        learning_rate=float(plan.learning_rate[0]),
        epochs=int(plan.epochs[0]),
        momentum=plan.options.momentum,
        nesterov=plan.options.nesterov,
        weight_decay=plan.options.weight_decay,
        last_batch=policy,
    )


def _path(backend: Backend, plan: Plan, *, compiled: bool) -> Float64:
    """Parameters at the ends of all epochs, as one vector."""
    trace = train(backend if compiled else StepwiseBackend(backend), plan)
    return np.concatenate([trace.parameters(step)[0] for step in plan.epoch_ends()])
