r"""Update rules of optimizers in float64, written out, with the conventions in which they differ.

With learning rate :math:`\eta`, gradient :math:`g`, decay :math:`\lambda`:

SGD (PyTorch's convention, which is optax's for dampening 0):
    g <- g + lambda p;  v <- mu v + (1 - dampening) g;  p <- p - eta (g + mu v if nesterov else v)
    PyTorch's first v is g itself, undampened.
Adam (Kingma and Ba, 2015, algorithm 1):
    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
    p <- p - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    Coupled decay adds lambda p to g; decoupled decay (AdamW; Loshchilov and Hutter, 2019)
    subtracts eta lambda p from p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from samestep.loss import Float64

__all__ = ["Rule", "apply_rule", "slot_names"]


@dataclass(frozen=True)
class Rule:
    """What an optimizer does to one parameter.

    Parameters
    ----------
    family : {"sgd", "adam"}
    learning_rate : float
        In the step at hand.
    weight_decay : float
    decoupled : bool
        Whether the decay stays out of the gradient, as in AdamW.
    momentum, dampening : float
    nesterov : bool
    beta1, beta2, epsilon : float
    amsgrad : bool
    maximize : bool
    first_dampened : bool
        Whether the first velocity is dampened too, as in an exponential average.
    velocity_has_rate : bool
        Whether the velocity adds up ``learning_rate * g`` rather than g.
    epsilon_at : {"root", "inside", "uncorrected"}
        Added to the root of the corrected second moment, to the moment below the root, or to the
        root of the uncorrected moment.
    bias_correction : bool
    decay_has_rate : bool
        Whether decoupled decay is multiplied by the learning rate.
    correction1_error, correction2_error : float
        Added to ``1 - beta**t``, which cancels: a rounding error of beta**t is large beside it.
    """

    family: Literal["sgd", "adam"]
    learning_rate: float
    weight_decay: float = 0.0
    decoupled: bool = False
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    amsgrad: bool = False
    maximize: bool = False
    first_dampened: bool = False
    velocity_has_rate: bool = False
    epsilon_at: Literal["root", "inside", "uncorrected"] = "root"
    bias_correction: bool = True
    decay_has_rate: bool = True
    correction1_error: float = 0.0
    correction2_error: float = 0.0


def slot_names(rule: Rule) -> tuple[str, ...]:
    """Names of what the rule keeps for a parameter."""
    if rule.family == "sgd":
        return ("momentum",) if rule.momentum else ()
    return ("first_moment", "second_moment", *(("max_second_moment",) if rule.amsgrad else ()))


def apply_rule(
    rule: Rule, p: Float64, g: Float64, slots: dict[str, Float64], count: int
) -> tuple[Float64, dict[str, Float64]]:
    """Take one step.

    Parameters
    ----------
    rule : Rule
    p, g : array
        Parameter and gradient.
    slots : dict of str to array
        What the optimizer kept; a missing slot is zero.
    count : int
        Steps taken before this one.

    Returns
    -------
    new parameter, new slots
    """
    g = -g if rule.maximize else g
    if rule.weight_decay and not rule.decoupled:
        g = g + rule.weight_decay * p
    step = _sgd if rule.family == "sgd" else _adam
    move, kept = step(rule, g, slots, count)
    if rule.weight_decay and rule.decoupled:
        rate = rule.learning_rate if rule.decay_has_rate else 1.0
        move = move - rate * rule.weight_decay * p
    return p + move, kept


def _sgd(
    rule: Rule, g: Float64, slots: dict[str, Float64], count: int
) -> tuple[Float64, dict[str, Float64]]:
    if not rule.momentum:
        return -rule.learning_rate * g, {}
    old = slots.get("momentum", np.zeros_like(g))
    fresh = count == 0 and not old.any() and not rule.first_dampened
    rate_inside = rule.learning_rate if rule.velocity_has_rate else 1.0
    velocity = rule.momentum * old + (1.0 if fresh else 1 - rule.dampening) * rate_inside * g
    direction = rate_inside * g + rule.momentum * velocity if rule.nesterov else velocity
    rate_outside = 1.0 if rule.velocity_has_rate else rule.learning_rate
    return -rate_outside * direction, {"momentum": velocity}


def _adam(
    rule: Rule, g: Float64, slots: dict[str, Float64], count: int
) -> tuple[Float64, dict[str, Float64]]:
    zero = np.zeros_like(g)
    m = rule.beta1 * slots.get("first_moment", zero) + (1 - rule.beta1) * g
    v = rule.beta2 * slots.get("second_moment", zero) + (1 - rule.beta2) * g**2
    kept = {"first_moment": m, "second_moment": v}
    if rule.amsgrad:
        v = np.maximum(slots.get("max_second_moment", zero), v)
        kept["max_second_moment"] = v
    t = count + 1
    c1, c2 = (1 - rule.beta1**t, 1 - rule.beta2**t) if rule.bias_correction else (1.0, 1.0)
    c1, c2 = c1 + rule.correction1_error, c2 + rule.correction2_error
    with np.errstate(divide="ignore", invalid="ignore"):
        if rule.epsilon_at == "inside":
            scale = np.sqrt(v / c2 + rule.epsilon)
        elif rule.epsilon_at == "uncorrected":
            scale = (np.sqrt(v) + rule.epsilon) / np.sqrt(c2)
        else:
            scale = np.sqrt(v / c2) + rule.epsilon
        return -rule.learning_rate * (m / c1) / scale, kept
