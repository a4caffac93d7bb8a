"""Faults of the update: its rule is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from samestep.faults.case import Case, Fault, varied
from samestep.loss import Float64
from samestep.referee import Reference, UpdateTerms, Variation

__all__ = ["update_faults"]


def update_faults(case: Case) -> Iterator[Fault]:
    """The rule of the update is another one."""
    o = case.plan.options

    def rule(
        id_: str, cause: str, update: Callable[[UpdateTerms], tuple[Float64, Float64]]
    ) -> Fault:
        return varied(id_, cause, Variation(update=update))

    if o.weight_decay:

        def decay_last(t: UpdateTerms) -> tuple[Float64, Float64]:
            v = t.momentum * t.velocity + t.gradient
            direction = t.gradient + t.momentum * v if t.nesterov else v
            return t.params - t.rate * (direction + t.weight_decay * t.params), v

        yield rule("decay-after-momentum", "weight decay is added after momentum", decay_last)
    if o.momentum:

        def dampened(t: UpdateTerms) -> tuple[Float64, Float64]:
            g = t.gradient + t.weight_decay * t.params
            v = t.momentum * t.velocity + (1 - t.momentum) * g
            return t.params - t.rate * (g + t.momentum * v if t.nesterov else v), v

        def rate_inside(t: UpdateTerms) -> tuple[Float64, Float64]:
            g = t.gradient + t.weight_decay * t.params
            v = t.momentum * t.velocity + t.rate * g
            return t.params - (t.rate * g + t.momentum * v if t.nesterov else v), v

        yield rule(
            "dampening", "the gradient enters the velocity with factor 1 - momentum", dampened
        )
        yield rule("rate-in-velocity", "the velocity holds the learning rate", rate_inside)

    def sound(t: UpdateTerms) -> tuple[Float64, Float64]:
        g = t.gradient + t.weight_decay * t.params
        v = t.momentum * t.velocity + g
        return t.params - t.rate * (g + t.momentum * v if t.nesterov else v), v

    for name in case.trace.params:

        def frozen(case: Case, step: int, name: str = name) -> dict[str, Reference]:
            def quantity(key: str, r: Reference) -> Reference:
                if key != f"update/{name}":
                    return r
                return replace(r, value=case.trace.params[name][step : step + 1].astype(np.float64))

            return case.references(variation=Variation(quantity=quantity), step=step)

        yield Fault("not-updated", f"{name} is not updated", frozen)
    shrink = _common_shrink(case)
    if shrink:

        def moved(t: UpdateTerms) -> tuple[Float64, Float64]:
            new, v = sound(t)
            return new + shrink * t.params, v

        yield rule(
            "params-changed",
            f"the parameters were multiplied by {1 + shrink:.8g} before the update (changed in "
            "place, or a weight decay that was not asked for)",
            moved,
        )


def _common_shrink(case: Case) -> float | None:
    """Factor e such that the recorded update is the expected one plus e times the parameters."""
    sound = case.references()
    x = [
        case.trace.params[name][case.step].astype(np.float64).ravel() for name in case.trace.params
    ]
    y = [
        (case.observed(f"update/{name}") - sound[f"update/{name}"].value).ravel()
        for name in case.trace.params
    ]
    params, rest = np.concatenate(x), np.concatenate(y)
    if not np.isfinite(rest).all() or not (params * params).sum() > 0:
        return None
    return float((params * rest).sum() / (params * params).sum())
