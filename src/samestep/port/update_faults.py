"""Faults of the optimizer: the original's rule, changed, against what the port's optimizer did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from samestep.port.lockstep import Step
from samestep.port.observation import Quantity, distance
from samestep.port.result import Cause
from samestep.port.rule_changes import (
    Change,
    Rules,
    changes_of_adam,
    changes_of_decay,
    changes_of_schedule,
    changes_of_sgd,
    plain,
)
from samestep.port.rules import Rule, apply_rule
from samestep.port.trials import SLACK

__all__ = ["update_causes"]


def update_causes(
    steps: Sequence[Step],
    rules_at: Rules,
    wrong: Mapping[Quantity, float],
    label: str,
) -> list[Cause]:
    """Find the changes of the original's rule that give what the port's optimizer did.

    Parameters
    ----------
    steps : sequence of Step
        The first that diverges, and others in which a change must fit as well.
    rules_at : callable
        The original's rules after so many steps.
    wrong : dict of Quantity to float
        Quantities of the first step that diverge, with their errors.
    label : str
        Of the original.

    Returns
    -------
    list of Cause
        The ones that explain most first.
    """
    first, ranked = steps[0], []
    changes = list(_changes(first, rules_at))
    known = [q for q in wrong if q.name in first.setting.rules]
    for order, change in enumerate(changes):
        fits = [_fit(change, step) for step in steps]
        mended = sum(fits[0].get(q, False) for q in known)
        if not known or not fits[0].get(known[0], False):
            continue
        total = sum(sum(fit.values()) for fit in fits)
        evidence = (
            f"{label}'s rule with this change gives the port's update: {mended} of the "
            f"{len(wrong)} quantities of the optimizer that diverge agree"
        )
        if len(steps) > 1:
            evidence += (
                f", and {sum(fits[-1].values())} of {len(fits[-1])} at step {steps[-1].index}"
            )
        ranked.append(
            (-total, order, Cause(change.id, "optimizer", change.text, evidence, change.advice))
        )
    best = min((total for total, *_ in ranked), default=0)
    return [cause for total, _, cause in sorted(ranked, key=lambda r: r[:2]) if total == best]


def _fit(change: Change, step: Step, names: Sequence[str] | None = None) -> dict[Quantity, bool]:
    """Say which quantities of the port's optimizer a change gives."""
    original, port = step.referee
    state = step.setting.state
    found: dict[Quantity, bool] = {}
    for name, rule in step.setting.rules.items():
        if name not in step.setting.gradients or (names is not None and name not in names):
            continue
        g = step.setting.gradients[name]
        p = state.params[name]
        slots = {s: arrays[name] for s, arrays in state.slots.items() if name in arrays}
        new, kept = apply_rule(change.changed(name, rule, state.count), p, g, slots, state.count)
        given = {Quantity("update", name): new - p}
        given |= {Quantity(slot, name): x for slot, x in kept.items()}
        for quantity, value in given.items():
            if quantity in port.seen:
                bound = original.spread.bound(quantity) if quantity in original.seen else 0.0
                bound += port.spread.bound(quantity)
                found[quantity] = distance(value, port.seen[quantity]) <= SLACK * bound
        for slot in state.slots:
            quantity = Quantity(slot, name)
            if quantity in original.seen and quantity not in port.seen:
                found[quantity] = slot not in kept
    return found


def _changes(step: Step, rules_at: Rules) -> Iterator[Change]:
    """List the known faults, the commonest first."""
    rules = step.setting.rules
    rule = next(iter(rules.values()))
    yield from changes_of_schedule(rules_at, step.setting.state.count)
    if any(r.weight_decay for r in rules.values()):
        yield from _changes_of_scope(step)
        yield from changes_of_decay(rules, _fitted_decay(step))
    yield from changes_of_adam(rule) if rule.family == "adam" else changes_of_sgd(rule)
    yield plain(
        "maximize",
        "goes down the gradient" if rule.maximize else "goes up the gradient",
        "change the sign of the update",
        maximize=not rule.maximize,
    )
    factor = _rate_factor(step)
    if factor is not None:
        rate = rule.learning_rate
        yield Change(
            "learning-rate",
            f"takes steps {factor:.4g} times as large: a learning rate of {factor * rate:.4g}, "
            f"where the original has {rate:.4g}",
            f"set the learning rate to {rate:.4g}; look for a factor in the loss or the update",
            lambda name, rule, count: replace(rule, learning_rate=factor * rule.learning_rate),
        )


def _changes_of_scope(step: Step) -> Iterator[Change]:
    """Decay of other parameters than those that the original decays."""
    rules = step.setting.rules
    decay = max(rule.weight_decay for rule in rules.values())
    decoupled = any(rule.decoupled for rule in rules.values())
    for value, verb in ((0.0, "does not decay"), (decay, "also decays")):
        others = {
            name: replace(rule, weight_decay=value, decoupled=decoupled)
            for name, rule in rules.items()
            if rule.weight_decay != value
        }
        names = [n for n in others if not _gives(step, n, rules[n]) and _gives(step, n, others[n])]
        if names and len(names) < len(others):
            shown = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
            yield Change(
                "weight-decay-scope",
                f"{verb} {shown}",
                "give both optimizers the same parameters to decay: optax's mask, PyTorch's groups",
                _scoped({name: others[name].weight_decay for name in names}, decoupled=decoupled),
            )


def _scoped(decays: Mapping[str, float], *, decoupled: bool) -> Callable[[str, Rule, int], Rule]:
    def changed(name: str, rule: Rule, count: int) -> Rule:
        del count
        if name not in decays:
            return rule
        return replace(rule, weight_decay=decays[name], decoupled=decoupled)

    return changed


def _gives(step: Step, name: str, rule: Rule) -> bool:
    """Whether a rule gives the port's update of one parameter."""
    fit = _fit(Change("", "", "", lambda *_: rule), step, (name,))
    return bool(fit) and all(fit.values())


def _fitted_decay(step: Step) -> float | None:
    """The decoupled decay that the port's updates show, by least squares."""
    original, port = step.referee
    top = bottom = decay = 0.0
    for name, rule in step.setting.rules.items():
        quantity = Quantity("update", name)
        if rule.weight_decay and quantity in port.seen and rule.learning_rate:
            p = step.setting.state.params[name]
            move = port.seen[quantity] - original.seen[quantity]
            top += float(np.sum(move * p)) / -rule.learning_rate
            bottom += float(np.sum(p * p))
            decay = rule.weight_decay
    return float(f"{decay + top / bottom:.6g}") if bottom else None


def _rate_factor(step: Step) -> float | None:
    """How many times as large the port's updates are, if that is one number."""
    original, port = step.referee
    ratios = []
    for quantity, value in original.seen.items():
        if quantity.kind == "update" and quantity in port.seen:
            weight = float(np.sum(value**2))
            if weight:
                ratios.append(float(np.sum(value * port.seen[quantity])) / weight)
    return float(np.median(ratios)) if ratios else None
