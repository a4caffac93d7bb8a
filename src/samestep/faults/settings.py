"""Faults of settings: another loss, delta or option of SGD."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from samestep.faults.case import Case, Fault, varied
from samestep.interface import SGDOptions
from samestep.loss import LOSSES, Float64
from samestep.plan import Plan
from samestep.referee import UpdateTerms, Variation

__all__ = ["setting_faults"]


def setting_faults(case: Case) -> Iterator[Fault]:
    """Another loss, delta or option of SGD."""
    plan = case.plan
    for name in LOSSES:
        for reduction in ("mean", "sum"):
            if (name, reduction) != (plan.loss, plan.reduction):
                yield _with_plan(
                    "other-loss" if name != plan.loss else f"{reduction}-reduction",
                    f"the loss is {reduction} {name}, not {plan.reduction} {plan.loss}",
                    plan.vary(loss=name, reduction=reduction),
                )
    if LOSSES[plan.loss].kinks(plan.delta) not in ((), LOSSES[plan.loss].kinks(2 * plan.delta)):
        delta = _fitting_delta(case)
        if delta:
            yield _with_plan(
                "delta", f"delta is {delta:.6g}, not {plan.delta:g}", plan.vary(delta=delta)
            )
    o = plan.options
    variants = {
        "no-momentum": ("momentum is left out", replace(o, momentum=0.0)),
        "no-nesterov": ("Nesterov's look-ahead is left out", replace(o, nesterov=False)),
        "nesterov": ("Nesterov's look-ahead was added", replace(o, nesterov=True)),
        "no-decay": ("weight decay is left out", replace(o, weight_decay=0.0)),
    }
    for id_, (cause, options) in variants.items():
        if options != o and (o.momentum or id_ != "nesterov"):
            yield _with_options(id_, cause, options)
    momentum = _fitting_momentum(case)
    if momentum is not None:
        yield _with_options(
            "momentum",
            f"momentum is {momentum:.6g}, not {o.momentum:g}",
            replace(o, momentum=momentum),
        )


def _with_plan(id_: str, cause: str, plan: Plan) -> Fault:
    return Fault(id_, cause, lambda case, step: case.references(plan, step=step))


def _with_options(id_: str, cause: str, options: SGDOptions) -> Fault:
    """SGD with other options; the trace keeps the velocities of the options it should have had."""

    def update(t: UpdateTerms) -> tuple[Float64, Float64]:
        g = t.gradient + options.weight_decay * t.params
        v = options.momentum * t.velocity + g
        direction = g + options.momentum * v if options.nesterov else v
        return t.params - t.rate * direction, v

    variation = Variation(update=update)
    return varied(id_, cause, variation)


def _fitting_delta(case: Case) -> float | None:
    """The delta that comes nearest to the recorded gradient, by a search on a log scale."""
    from scipy import optimize

    def misfit(log_delta: float) -> float:
        found = case.references(case.plan.vary(delta=float(np.exp(log_delta))))
        return float(
            sum(
                ((case.observed(key) - r.value) ** 2).sum()
                for key, r in found.items()
                if key.startswith("gradient/")
            )
        )

    centre = np.log(case.plan.delta)
    grid = centre + np.linspace(-3, 3, 61)
    start = grid[int(np.argmin([misfit(value) for value in grid]))]
    best = optimize.minimize_scalar(
        misfit, bounds=(start - 0.1, start + 0.1), method="bounded", options={"xatol": 1e-12}
    )
    # A typed-in delta has few digits: the rounded one is the better guess, if it fits too.
    delta = float(np.exp(best.x))
    rounded = float(f"{delta:.4g}")
    return rounded if abs(rounded - case.plan.delta) > 1e-9 else None


def _fitting_momentum(case: Case) -> float | None:
    """The momentum that makes the recorded velocity from the one before and the gradient."""
    if not case.plan.options.momentum or case.step == 0:
        return None
    decay = case.plan.options.weight_decay
    x, y = [], []
    for name, velocity in case.trace.state.items():
        p = case.trace.params[name][case.step].astype(np.float64)
        g = case.trace.gradient[name][case.step].astype(np.float64) + decay * p
        x.append(velocity[case.step].astype(np.float64).ravel())
        y.append((velocity[case.step + 1] - g).ravel())
    before, kept = np.concatenate(x), np.concatenate(y)
    if not (before * before).sum() > 0:
        return None
    momentum = float((before * kept).sum() / (before * before).sum())
    rounded = float(f"{momentum:.4g}")
    return rounded if abs(rounded - case.plan.options.momentum) > 1e-6 else None
