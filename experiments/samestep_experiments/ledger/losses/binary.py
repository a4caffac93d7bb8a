"""Losses of a binary target."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.ledger.formula import log, reduce, relu, sigmoid, softplus, where
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step, rename
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, normal, pairs, rounded, uniform

__all__ = ["BINARY"]

_LOGITS = [0.0, -0.0, 1e-6, 1.0, -1.0, 20.0, -20.0, 89.0, -89.0, 200.0, -1e4, 1e30]
_EXTREME, _EXTREME_LABELS = pairs(_LOGITS, [0.0, 1.0])
_ROWS = len(_EXTREME)
_HARD = rounded(np.random.default_rng(12).integers(0, 2, _ROWS))
_SOFT = uniform(13, _ROWS)
_RANDOM = normal(14, _ROWS, scale=3)


def sigmoid_cross_entropy(
    prediction: Term, target: Float64, *, reduction: str, pos_weight: float = 1.0
) -> Term:
    """``-w y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))``."""
    positive, negative = softplus(-prediction), softplus(prediction)
    return reduce(pos_weight * target * positive + (1 - target) * negative, reduction)


def weighted_sigmoid_cross_entropy(
    prediction: Term, target: Float64, weight: Float64, *, reduction: str
) -> Term:
    """Each element multiplied by its weight; the mean divides by the number of elements."""
    return reduce(weight * sigmoid_cross_entropy(prediction, target, reduction="none"), reduction)


def cross_entropy_of_probability(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``-y log(p) - (1 - y) log(1 - p)``; logarithms are at least -100, their slopes are not."""
    yes, no = (
        log(p).map(lambda x: np.maximum(x, -100.0), np.ones_like)
        for p in (prediction, 1 - prediction)
    )
    return reduce(-(target * yes + (1 - target) * no), reduction)


def focal(
    prediction: Term, target: Float64, *, alpha: float | None, gamma: float, reduction: str
) -> Term:
    """Cross-entropy times ``(1 - p_t)^gamma``, and alpha or ``1 - alpha`` by class."""
    missed = (1 - target) * sigmoid(prediction) + target * sigmoid(-prediction)
    loss = sigmoid_cross_entropy(prediction, target, reduction="none") * missed**gamma
    if alpha is not None:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return reduce(loss, reduction)


def sparsemax(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``max(0, x)`` with a parabola between -1 and 1, of ``x = -z`` if y = 1, else ``z``."""
    x = prediction * np.where(target == 1, -1.0, 1.0)
    parabola = 0.25 * (x + 1) * (x + 1)
    return reduce(where(np.abs(x.value) < 1, parabola, relu(x)), reduction)


def soft_margin(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``log(1 + e^(-y z))`` with y in {-1, 1}."""
    return reduce(softplus(-(prediction * target)), reduction)


def _logit(backend: Backend, call: Call) -> Call:
    p = call.arguments["prediction"]
    return call.with_arguments(prediction=backend.xp.log(p) - backend.xp.log(1 - p))


def _zero_one(backend: Backend, call: Call) -> Call:
    return call.with_arguments(target=(call.arguments["target"] + 1) / 2)


_LABELLED = (
    Case("random, hard labels", {"prediction": _RANDOM, "target": _HARD}),
    Case("random, soft labels", {"prediction": _RANDOM, "target": _SOFT}),
    Case("extreme logits", {"prediction": _EXTREME, "target": _EXTREME_LABELS}, adversarial=True),
)


def _with_options(*cases: Case, **options: float | None) -> tuple[Case, ...]:
    shown = "".join(f", {name} = {value}" for name, value in options.items())
    return tuple(
        Case(case.name + shown, case.arguments, options, case.adversarial) for case in cases
    )


def _weighted(case: Case) -> Case:
    weight = uniform(15, _ROWS)
    weight[::4] = 0
    return Case(case.name, {**case.arguments, "weight": weight}, adversarial=case.adversarial)


def _signed(case: Case) -> Case:
    arguments = {**case.arguments, "target": 2 * case.arguments["target"] - 1}
    return Case(case.name, arguments, adversarial=case.adversarial)


def _probabilities() -> tuple[Case, ...]:
    random = {"prediction": uniform(16, _ROWS, low=0.01, high=0.99), "target": _SOFT}
    edges = [0.0, 1e-45, 1e-30, 1e-13, 1e-11, 1e-6, 0.5, 1 - 2.0**-24, 1.0, 0.25, 0.75, 0.5]
    p, y = pairs(edges, [0.0, 1.0])
    return (
        Case("random", random),
        Case("probabilities 0 and 1", {"prediction": p, "target": y}, adversarial=True),
    )


BINARY = (
    LossEntry(
        id="sigmoid-bce",
        family="binary",
        title="Binary cross-entropy of logits",
        formula="-y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))",
        latex=r"\ell = -y \log\sigma(z) - (1 - y)\log(1 - \sigma(z))",
        purpose="Classification in two classes, or in many that do not exclude each other.",
        reference=sigmoid_cross_entropy,
        cases=_LABELLED,
    ),
    LossEntry(
        id="sigmoid-bce-weighted",
        family="binary",
        title="Binary cross-entropy of logits, with a weight for each element",
        formula="w (-y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))); the mean divides by n",
        latex=r"\ell = w\left(-y \log\sigma(z) - (1 - y)\log(1 - \sigma(z))\right)",
        purpose="Masks and importance weights.",
        remarks=(
            "The weighted mean divides by the number of elements, not by the sum of the weights; "
            "that of cross-entropy-weighted divides by the sum.",
        ),
        reference=weighted_sigmoid_cross_entropy,
        cases=tuple(map(_weighted, _LABELLED)),
        conversion=(
            rename(
                "mask",
                "the caller multiplies the losses by the weight before reducing them",
                "weight",
                "factor",
            ),
        ),
    ),
    LossEntry(
        id="sigmoid-bce-positives",
        family="binary",
        title="Binary cross-entropy of logits, with a weight of positives",
        formula="-w y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))",
        latex=r"\ell = -w y \log\sigma(z) - (1 - y)\log(1 - \sigma(z))",
        purpose="Rare positives.",
        reference=sigmoid_cross_entropy,
        cases=_with_options(*_LABELLED, pos_weight=3.0),
    ),
    LossEntry(
        id="bce",
        family="binary",
        title="Binary cross-entropy of probabilities",
        formula="-y max(log(p), -100) - (1 - y) max(log(1 - p), -100)",
        latex=r"\ell = -y \log p - (1 - y)\log(1 - p)",
        purpose="Binary cross-entropy after a sigmoid of one's own; logits are more accurate.",
        remarks=(
            "At p = 0 and p = 1 the value is at most 100. The gradient is (p - y) / max(p (1 - p), "
            "1e-12), so where p (1 - p) is smaller it is not the derivative of the value.",
        ),
        reference=cross_entropy_of_probability,
        cases=_probabilities(),
        conversion=(Step("prediction", "logit = log(p) - log(1 - p)", _logit),),
    ),
    LossEntry(
        id="soft-margin",
        family="binary",
        title="Soft margin",
        formula="log(1 + e^(-y z)), y in {-1, 1}",
        latex=r"\ell = \log(1 + e^{-y z})",
        purpose="Binary cross-entropy of logits with labels -1 and 1.",
        reference=soft_margin,
        cases=tuple(_signed(case) for case in (_LABELLED[0], _LABELLED[2])),
        conversion=(Step("target", "labels -1, 1 become 0, 1: (y + 1) / 2", _zero_one),),
    ),
    LossEntry(
        id="focal",
        family="binary",
        title="Focal loss",
        formula="a_t (1 - p_t)^gamma (-log(p_t)), p_t = sigmoid(z) if y = 1, else 1 - sigmoid(z)",
        latex=r"\ell = -\alpha_t (1 - p_t)^\gamma \log p_t",
        purpose="Detection among many easy negatives, whose share it shrinks.",
        reference=focal,
        cases=(
            *_with_options(*_LABELLED, alpha=0.25, gamma=2.0),
            *_with_options(_LABELLED[1], alpha=None, gamma=1.5),
        ),
    ),
    LossEntry(
        id="sparsemax",
        family="binary",
        title="Binary sparsemax",
        formula="0 if x <= -1, (x + 1)^2 / 4 if |x| < 1, x if x >= 1; x = -z if y = 1, else z",
        latex=r"\ell = \begin{cases} 0 & x \le -1 \\ (x + 1)^2/4 & |x| < 1 \\"
        r" x & x \ge 1\end{cases}, \quad x = (1 - 2y) z",
        purpose="Binary classification with probabilities that may be exactly 0 or 1.",
        reference=sparsemax,
        cases=(_LABELLED[0], _LABELLED[2]),
    ),
)
