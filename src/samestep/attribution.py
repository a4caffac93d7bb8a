"""How much of the gap between paths does each axis explain? A small full factorial design."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from samestep.interface import Backend
from samestep.loss import Float64
from samestep.plan import Plan
from samestep.registry import backend, parse_participant
from samestep.stepwise import StepwiseBackend
from samestep.training import train

__all__ = ["Attribution", "Effect", "attribute"]

BATCH_POLICIES = ("keep", "drop", "reweight")


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


def attribute(
    plan: Plan, *, on: Sequence[str], dtypes: Sequence[str] = ("float32", "float64")
) -> Attribution:
    """Train a plan in every combination of the axes, and split the differences between the paths.

    The axes are framework, device (where there is more than one), dtype, mode (as the backend
    compiles it, or operation by operation) and what becomes of a short last batch. The response is
    the vector of all parameters at the ends of all epochs; in a full factorial design its sum of
    squares about the mean splits into main effects and interactions without remainder.

    Parameters
    ----------
    plan : Plan
        Of one run.
    on : sequence of str
        Participants ``NAME`` or ``NAME@DEVICE``.
    dtypes : sequence of str
    """
    pairs = [parse_participant(text) for text in on]
    axes = {
        "framework": tuple(dict.fromkeys(name for name, _ in pairs)),
        "device": tuple(dict.fromkeys(device for _, device in pairs)),
        "dtype": tuple(dtypes),
        "mode": ("compiled", "step by step"),
        "last batch": BATCH_POLICIES,
    }
    axes = {name: levels for name, levels in axes.items() if len(levels) > 1}
    whole = {"framework": pairs[0][0], "device": pairs[0][1], "dtype": dtypes[0]}
    paths: Float64 = np.stack(
        [
            _path(plan, {**whole, **dict(zip(axes, cell, strict=True))})
            for cell in itertools.product(*axes.values())
        ]
    ).reshape(*(len(levels) for levels in axes.values()), -1)
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


def _path(plan: Plan, cell: dict[str, str]) -> Float64:
    """Parameters at the ends of all epochs, as one vector."""
    problem, batches = plan.problems[0], replace(plan)
    policy = cell.get("last batch", plan.last_batch)
    if policy != plan.last_batch:
        batches = Plan.of(
            problem,
            loss=plan.loss,
            reduction=plan.reduction,
            delta=plan.delta,
            learning_rate=float(plan.learning_rate[0]),
            epochs=int(plan.epochs[0]),
            momentum=plan.options.momentum,
            nesterov=plan.options.nesterov,
            weight_decay=plan.options.weight_decay,
            last_batch=policy,  # type: ignore[arg-type]
        )
    item: Backend = backend(cell["framework"], device=cell["device"], dtype=cell["dtype"])
    trace = train(StepwiseBackend(item) if cell.get("mode") == "step by step" else item, batches)
    return np.concatenate([trace.parameters(step)[0] for step in batches.epoch_ends()])
