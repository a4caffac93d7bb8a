"""How the optimizer of a port may differ from the original's: known changes of its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from samestep.port.rules import Rule

__all__ = [
    "Change",
    "Rules",
    "changes_of_adam",
    "changes_of_decay",
    "changes_of_schedule",
    "changes_of_sgd",
    "plain",
]

Rules: TypeAlias = Callable[[int], Mapping[str, Rule]]
"""The rule of every parameter in the step after so many."""

_EPSILONS = (0.0, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.1, 1.0)
_BETAS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
_DECAYS = (1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1)
_MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Change:
    """A fault of an optimizer.

    Parameters
    ----------
    id, text, advice : str
        As of :class:`samestep.port.Cause`.
    changed : callable
        From a parameter's name, its rule and the number of steps taken to the rule of the port.
    """

    id: str
    text: str
    advice: str
    changed: Callable[[str, Rule, int], Rule]


def plain(id_: str, text: str, advice: str, **values: Any) -> Change:
    """Make a change that gives every rule the same values."""
    return Change(id_, text, advice, lambda name, rule, count: replace(rule, **values))


def changes_of_schedule(rules_at: Rules, count: int) -> Iterator[Change]:
    """The learning rate of the step before, or after."""
    here = rules_at(count)
    for shift, what in ((1, "one step ahead of"), (-1, "one step behind")):
        if count + shift < 0:
            continue
        there = rules_at(count + shift)
        if all(there[name].learning_rate == here[name].learning_rate for name in here):
            continue
        yield Change(
            "schedule-off-by-one",
            f"is {what} the learning-rate schedule: step {count} has the rate of step "
            f"{count + shift}",
            "an optax schedule is called with the number of updates before this one, from 0 on; "
            "scheduler.step() after optimizer.step() counts alike",
            _shifted(rules_at, shift),
        )


def _shifted(rules_at: Rules, shift: int) -> Callable[[str, Rule, int], Rule]:
    def changed(name: str, rule: Rule, count: int) -> Rule:
        rate = rules_at(max(count + shift, 0))[name].learning_rate
        return replace(rule, learning_rate=rate)

    return changed


def changes_of_decay(rules: Mapping[str, Rule], fitted: float | None) -> Iterator[Change]:
    """Coupled for decoupled decay, decay without the learning rate, other amounts.

    Parameters
    ----------
    rules : dict of str to Rule
    fitted : float, optional
        The decay that the port's updates show.
    """
    decay = max(rule.weight_decay for rule in rules.values())
    if any(rule.weight_decay and not rule.decoupled for rule in rules.values()):
        text = (
            "takes the decay out of the gradient, as AdamW does, where the original adds it to the "
            "gradient (L2)"
        )
        advice = f"optax.chain(optax.add_decayed_weights({decay:g}), ...) before the optimizer"
    else:
        text = (
            "adds the decay to the gradient (L2), where the original decays apart from it (AdamW)"
        )
        advice = f"optax.adamw(..., weight_decay={decay:g}), not add_decayed_weights before adam"
    yield Change(
        "weight-decay-coupling",
        text,
        advice,
        lambda name, rule, count: replace(rule, decoupled=not rule.decoupled),
    )
    yield plain(
        "weight-decay-coupling",
        "subtracts the decay without the learning rate",
        "multiply the decay by the learning rate, as torch.optim.AdamW and optax.adamw do",
        decoupled=True,
        decay_has_rate=False,
    )
    others = (0.0, *(() if fitted is None else (fitted,)), *_DECAYS)
    for other in dict.fromkeys(others):
        if other != decay:
            yield Change(
                "weight-decay",
                f"has weight decay {other:.3g}" if other else "has no weight decay",
                f"weight_decay={decay:g}",
                _decayed(other),
            )


def _decayed(decay: float) -> Callable[[str, Rule, int], Rule]:
    return lambda name, rule, count: replace(rule, weight_decay=decay if rule.weight_decay else 0.0)


def changes_of_adam(rule: Rule) -> Iterator[Change]:
    """Other epsilons, betas and corrections."""
    eps = rule.epsilon
    yield plain(
        "adam-epsilon",
        f"adds epsilon below the root, sqrt(v + {eps:g}), where the original adds it to the root",
        f"eps={eps:g}, eps_root=0 in optax",
        epsilon_at="inside",
    )
    yield plain(
        "adam-epsilon",
        "adds epsilon to the root of the second moment before its bias is corrected",
        "correct the bias first: m_hat / (sqrt(v_hat) + eps)",
        epsilon_at="uncorrected",
    )
    for other in _EPSILONS:
        if other != eps:
            yield plain(
                "adam-epsilon",
                f"has epsilon {other:g}, where the original has {eps:g}",
                f"eps={eps:g}",
                epsilon=other,
            )
    yield plain(
        "bias-correction",
        "does not correct the bias of the moments",
        "divide the moments by 1 - beta**t",
        bias_correction=False,
    )
    for name, now in (("beta1", rule.beta1), ("beta2", rule.beta2)):
        for beta in _BETAS:
            if beta != now:
                yield plain(
                    "betas",
                    f"has {name} {beta:g}, where the original has {now:g}",
                    f"b{name[-1]}={now:g}",
                    **{name: beta},
                )
    yield plain(
        "betas",
        "has beta1 and beta2 exchanged",
        "exchange them",
        beta1=rule.beta2,
        beta2=rule.beta1,
    )
    yield plain(
        "amsgrad",
        "does without amsgrad" if rule.amsgrad else "uses amsgrad",
        f"use {'optax.amsgrad' if rule.amsgrad else 'optax.adam'}",
        amsgrad=not rule.amsgrad,
    )


def changes_of_sgd(rule: Rule) -> Iterator[Change]:
    """Other kinds of momentum."""
    now = rule.momentum
    yield plain(
        "nesterov",
        "does without Nesterov's momentum" if rule.nesterov else "uses Nesterov's momentum",
        f"nesterov={rule.nesterov}",
        nesterov=not rule.nesterov,
    )
    for momentum in _MOMENTA:
        if momentum != now:
            yield plain(
                "momentum",
                f"has momentum {momentum:g}, where the original has {now:g}",
                f"momentum={now:g}",
                momentum=momentum,
            )
    if now:
        yield plain(
            "velocity-scale",
            "adds the learning rate times the gradient to the velocity",
            "keep the learning rate out of the velocity",
            velocity_has_rate=True,
        )
        yield plain(
            "dampening",
            "dampens the gradient by 1 - momentum, as an exponential average does",
            "optax.trace, not optax.ema",
            dampening=now,
            first_dampened=True,
        )
        yield plain("dampening", "does not dampen the gradient", "dampen it", dampening=0.0)
