"""Cross-entropy of logits with weights, masks and smoothed labels."""

from __future__ import annotations

import numpy as np

from samestep.interface import Array, Backend
from samestep.ledger.formula import reduce
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.cross_entropy import (
    DISTRIBUTED,
    INDEXED,
    LABELS,
    LOGITS,
    WEIGHT,
    of_distributions,
    of_indices,
)
from samestep_experiments.ledger.losses.inputs import Float64, Integers, one_hot

__all__ = ["WEIGHTED_CROSS_ENTROPY"]

IGNORED = -100
N = len(LABELS)


def _weighted_mean(losses: Term, weight: Float64, reduction: str) -> Term:
    """Reduce ``weight * losses``; the mean divides by the sum of the weights."""
    weighted = reduce(losses * weight, "sum" if reduction == "mean" else reduction)
    return weighted / weight.sum() if reduction == "mean" else weighted


def ignoring(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """Rows with target -100 count nothing; the mean divides by the number of the others."""
    kept = target != IGNORED
    losses = of_indices(prediction, np.where(kept, target, 0), reduction="none")
    return _weighted_mean(losses, kept.astype(np.float64), reduction)


def weighted(prediction: Term, target: Integers, weight: Float64, *, reduction: str) -> Term:
    """Each row multiplied by the weight of its class."""
    losses = of_indices(prediction, target, reduction="none")
    return _weighted_mean(losses, weight[target], reduction)


def weighted_distributions(
    prediction: Term, target: Float64, weight: Float64, *, reduction: str
) -> Term:
    """Each class of each target multiplied by its weight; the mean divides by the rows."""
    return of_distributions(prediction, target * weight, reduction=reduction)


def smoothed(prediction: Term, target: Integers, *, label_smoothing: float, reduction: str) -> Term:
    """Targets ``(1 - s) one_hot + s / classes``."""
    count = prediction.shape[-1]
    targets = (1 - label_smoothing) * one_hot(target, count) + label_smoothing / count
    return of_distributions(prediction, targets, reduction=reduction)


def smoothed_weighted(
    prediction: Term, target: Integers, weight: Float64, *, label_smoothing: float, reduction: str
) -> Term:
    """Smoothed targets times weights; the mean divides by the weights of the *hard* targets."""
    count = prediction.shape[-1]
    targets = (1 - label_smoothing) * one_hot(target, count) + label_smoothing / count
    losses = of_distributions(prediction, targets * weight, reduction="none")
    total = reduce(losses, "sum" if reduction == "mean" else reduction)
    return total / weight[target].sum() if reduction == "mean" else total


def _one_hot(backend: Backend, call: Call) -> Call:
    labels, count = call.arguments["target"], call.arguments["prediction"].shape[-1]
    return call.with_arguments(
        target=backend.xp.take(backend.asarray(np.eye(count)), labels, axis=0)
    )


def _mask_ignored(backend: Backend, call: Call) -> Call:
    xp, target = backend.xp, call.arguments["target"]
    kept = target != IGNORED
    weight = xp.where(kept, backend.asarray(1.0), backend.asarray(0.0))
    return call.with_arguments(weight=weight, target=xp.where(kept, target, 0 * target))


def _class_weights(backend: Backend, call: Call) -> Call:
    weight, target = call.arguments["weight"], call.arguments["target"]
    return call.with_arguments(weight=backend.xp.take(weight, target, axis=0))


def _divide_by_weights(backend: Backend, call: Call) -> Call:
    if call.options["reduction"] != "mean":
        return call
    total: Array = backend.xp.sum(call.arguments["weight"])
    return call.with_options(reduction="sum").times(1 / total)


def _weigh_targets(backend: Backend, call: Call) -> Call:
    target, weight = call.arguments["target"], call.arguments["weight"]
    return call.with_arguments(target=target * weight).without("weight")


def _divide_by_hard_weights(backend: Backend, call: Call) -> Call:
    if call.options["reduction"] != "mean":
        return call
    hard = backend.xp.take(call.arguments["weight"], call.arguments["target"], axis=0)
    return call.with_options(reduction="sum").times(1 / backend.xp.sum(hard))


def _smooth(backend: Backend, call: Call) -> Call:
    """Smooth one-hot targets by hand, before they are weighted."""
    s, target = call.options["label_smoothing"], call.arguments["target"]
    smooth = (1 - s) * target + s / target.shape[-1]
    return call.without("label_smoothing").with_arguments(target=smooth)


_ONE_HOT = Step("target", "class indices become one-hot rows", _one_hot)
_DIVIDE = Step("reduction", "mean: the sum, divided by the sum of the weights", _divide_by_weights)


def _with(case: Case, **more: Float64 | float) -> Case:
    """Return a case with more arguments (arrays) or options (numbers)."""
    arrays = {name: x for name, x in more.items() if isinstance(x, np.ndarray)}
    numbers = {name: x for name, x in more.items() if not isinstance(x, np.ndarray)}
    return Case(
        case.name,
        {**case.arguments, **arrays},
        {**case.options, **numbers},
        adversarial=case.adversarial,
    )


def _ignored_cases() -> tuple[Case, ...]:
    some = np.where(np.arange(N) % 3 == 0, IGNORED, LABELS)
    return (
        Case("random", {"prediction": LOGITS, "target": some}),
        Case(
            "every row ignored",
            {"prediction": LOGITS, "target": np.full(N, IGNORED)},
            adversarial=True,
        ),
    )


def _weighted_cases() -> tuple[Case, ...]:
    random = _with(INDEXED[0], weight=WEIGHT)
    weightless = {"prediction": LOGITS, "target": np.full(N, 2), "weight": WEIGHT}
    return (
        random,
        Case("every row of weight 0", weightless, adversarial=True),
        _with(INDEXED[1], weight=WEIGHT),
    )


_SMOOTHING = {"label_smoothing": 0.125}

WEIGHTED_CROSS_ENTROPY = (
    LossEntry(
        id="cross-entropy-ignored",
        family="softmax",
        title="Cross-entropy of logits, some rows ignored",
        formula="-log(softmax(z)[y]) if y != -100, else 0; the mean divides by the rows kept",
        latex=r"\ell = -[y \ne -100] \log \operatorname{softmax}(z)_y",
        purpose="Padding in sequences.",
        remarks=(
            "If every row is ignored the mean is 0/0.",
            "Without a mask the other side takes -100 for an index out of range: NaN.",
        ),
        reference=ignoring,
        cases=_ignored_cases(),
        conversion=(
            Step("mask", "weight = target != -100, and those targets become 0", _mask_ignored),
            _DIVIDE,
        ),
    ),
    LossEntry(
        id="cross-entropy-weighted",
        family="softmax",
        title="Cross-entropy of logits, with a weight for each class",
        formula="-w[y] log(softmax(z)[y]); the mean divides by the sum of w[y]",
        latex=r"\ell = -w_y \log \operatorname{softmax}(z)_y",
        purpose="Classes of different frequency.",
        remarks=("The weighted mean divides by the weights that occurred, not by the rows.",),
        reference=weighted,
        cases=_weighted_cases(),
        conversion=(
            Step("mask", "weight of a row = weight of its class", _class_weights),
            _DIVIDE,
        ),
    ),
    LossEntry(
        id="cross-entropy-probabilities-weighted",
        family="softmax",
        title="Cross-entropy of logits, targets as distributions, with a weight for each class",
        formula="-sum(w t log(softmax(z))); the mean divides by the number of rows",
        latex=r"\ell = -\sum_j w_j t_j \log \operatorname{softmax}(z)_j",
        purpose="Soft targets and classes of different frequency.",
        remarks=(
            "With targets as indices the same option divides by the sum of the weights: one-hot "
            "rows and indices give different means.",
        ),
        reference=weighted_distributions,
        cases=tuple(_with(case, weight=WEIGHT) for case in DISTRIBUTED[:2]),
        conversion=(Step("target", "targets are multiplied by the weights", _weigh_targets),),
    ),
    LossEntry(
        id="label-smoothing",
        family="softmax",
        title="Cross-entropy with label smoothing",
        formula="-sum(t log(softmax(z))), t = (1 - s) one_hot(y) + s / classes",
        latex=r"\ell = -\sum_j \left((1 - s)[j = y] + \tfrac{s}{C}\right)"
        r" \log \operatorname{softmax}(z)_j",
        purpose="Classification with less confident predictions.",
        reference=smoothed,
        cases=tuple(_with(case, **_SMOOTHING) for case in INDEXED[:2]),
        conversion=(_ONE_HOT,),
    ),
    LossEntry(
        id="label-smoothing-weighted",
        family="softmax",
        title="Cross-entropy with label smoothing and a weight for each class",
        formula="-sum(w t log(softmax(z))), t smoothed; the mean divides by the sum of w[y]",
        latex=r"\ell = -\sum_j w_j \left((1 - s)[j = y] + \tfrac{s}{C}\right)"
        r" \log \operatorname{softmax}(z)_j",
        purpose="Both of them.",
        remarks=("The smoothed target is weighted class by class; the mean is not.",),
        reference=smoothed_weighted,
        cases=(_with(INDEXED[0], weight=WEIGHT, **_SMOOTHING),),
        conversion=(
            Step(
                "reduction",
                "mean: the sum, divided by the weights of the hard targets",
                _divide_by_hard_weights,
            ),
            _ONE_HOT,
            Step("parameter", "targets are smoothed first", _smooth),
            Step("target", "then multiplied by the weights", _weigh_targets),
        ),
    ),
)
