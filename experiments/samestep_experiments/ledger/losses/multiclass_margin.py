"""Losses with a margin, of the scores of many classes."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.ledger.formula import reduce, relu, softplus, stack, where
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import (
    Float64,
    Integers,
    classes,
    normal,
    one_hot,
    rounded,
)

__all__ = ["MULTICLASS_MARGIN"]

N, C = 12, 5
_TABLE = normal(40, N, C, scale=2)
_LABELS = classes(41, N, C)
# Ties and margins met exactly: scores are whole numbers.
_WHOLE = rounded(np.random.default_rng(42).integers(-1, 2, (N, C)))


def multi_margin(
    prediction: Term, target: Integers, weight: Float64, *, p: int, margin: float, reduction: str
) -> Term:
    """``w[y] sum(max(0, margin - z_y + z_j)^p) / classes`` over the other classes j."""
    n, count = prediction.shape
    rows = np.arange(n)
    own = prediction[rows, target].reshape(n, 1)
    over = relu(margin - own + prediction)
    others = where(one_hot(target, count) == 0, over if p == 1 else over * over, 0.0)
    return reduce(others.sum(-1) * weight[target] / count, reduction)


def multiclass_hinge(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """``max_j(z_j + [j != y]) - z_y``."""
    n, count = prediction.shape
    best = (prediction + 1 - one_hot(target, count)).max(-1)
    return reduce(best - prediction[np.arange(n), target], reduction)


def multiclass_perceptron(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """``max_j(z_j) - z_y``."""
    best = prediction.max(-1)
    return reduce(best - prediction[np.arange(len(target)), target], reduction)


def multilabel_margin(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """``sum(max(0, 1 - z_j + z_i)) / classes``, j among the targets and i not."""
    count = prediction.shape[-1]
    losses = []
    for n, listed in enumerate(target):
        end = np.flatnonzero(listed < 0)
        own = listed[: end[0]] if end.size else listed
        others = np.setdiff1d(np.arange(count), own)
        z = prediction[n]
        gaps = relu(1 - z[own].reshape(-1, 1) + z[others].reshape(1, -1))
        losses.append(gaps.sum() / count)
    return reduce(stack(losses), reduction)


def multilabel_soft_margin(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """Binary cross-entropy of each class, averaged over the classes."""
    losses = target * softplus(-prediction) + (1 - target) * softplus(prediction)
    return reduce(losses.sum(-1) / prediction.shape[-1], reduction)


def _mean_of_classes(backend: Backend, call: Call) -> Call:
    if call.options["reduction"] != "sum":
        return call
    return call.times(1 / call.arguments["prediction"].shape[-1])


_INDEXED = (
    Case("random", {"prediction": _TABLE, "target": _LABELS}),
    Case("ties", {"prediction": _WHOLE, "target": _LABELS}, adversarial=True),
)


def _multi_margin_cases() -> tuple[Case, ...]:
    weight = {"weight": rounded([1, 0.5, 0, 2, 3])}
    return tuple(
        Case(f"{case.name}, p = {p}", {**case.arguments, **weight}, options, case.adversarial)
        for p in (1, 2)
        for options in ({"p": p, "margin": 1.0},)
        for case in _INDEXED
    )


def _multilabel_cases() -> tuple[Case, ...]:
    listed = np.full((N, C), -1)
    for n in range(N):
        own = np.random.default_rng(48 + n).permutation(C)[: n % (C + 1)]
        listed[n, : own.size] = own
    listed[7, 2:] = 0  # what follows the first -1 counts nothing
    listed[7, 1] = -1
    return (
        Case("random", {"prediction": _TABLE, "target": listed}),
        Case("ties", {"prediction": _WHOLE, "target": listed}, adversarial=True),
    )


def _independent_labels() -> tuple[Case, ...]:
    target = rounded(np.random.default_rng(49).integers(0, 2, (N, C)))
    extreme = rounded(np.resize([0, 1e4, -1e4, 89, -89, 1e30, -1e30], (N, C)))
    return (
        Case("random", {"prediction": _TABLE, "target": target}),
        Case("extreme logits", {"prediction": extreme, "target": target}, adversarial=True),
    )


MULTICLASS_MARGIN = (
    LossEntry(
        id="multi-margin",
        family="margin",
        title="Multiclass margin, summed over the classes",
        formula="w[y] sum(max(0, margin - z_y + z_j)^p, j != y) / classes",
        latex=r"\ell = \frac{w_y}{C} \sum_{j \ne y} \max(0, m - z_y + z_j)^p",
        purpose="Multiclass support vector machines after Weston and Watkins.",
        remarks=(
            "It sums over all classes and divides by their number; multiclass-hinge takes the "
            "worst class alone.",
            "The weighted mean divides by the number of rows.",
        ),
        reference=multi_margin,
        cases=_multi_margin_cases(),
    ),
    LossEntry(
        id="multiclass-hinge",
        family="margin",
        title="Multiclass hinge, of the worst class",
        formula="max_j(z_j + [j != y]) - z_y",
        latex=r"\ell = \max_j (z_j + [j \ne y]) - z_y",
        purpose="Multiclass support vector machines after Crammer and Singer.",
        reference=multiclass_hinge,
        cases=_INDEXED,
    ),
    LossEntry(
        id="multiclass-perceptron",
        family="margin",
        title="Multiclass perceptron",
        formula="max_j(z_j) - z_y",
        latex=r"\ell = \max_j z_j - z_y",
        purpose="Multiclass classification without a margin.",
        reference=multiclass_perceptron,
        cases=_INDEXED,
    ),
    LossEntry(
        id="multilabel-margin",
        family="margin",
        title="Multilabel margin",
        formula="sum(max(0, 1 - z_j + z_i)) / classes, j listed before the first -1 and i not",
        latex=r"\ell = \frac1C \sum_{j \in Y} \sum_{i \notin Y} \max(0, 1 - z_j + z_i)",
        purpose="Several classes at once; each of them should beat each of the others.",
        remarks=("The target is a list of indices, ended by -1; it is not a row of 0 and 1.",),
        reference=multilabel_margin,
        cases=_multilabel_cases(),
    ),
    LossEntry(
        id="multilabel-soft-margin",
        family="margin",
        title="Multilabel soft margin",
        formula="mean over the classes of -y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))",
        latex=r"\ell = -\frac1C \sum_j y_j \log\sigma(z_j) + (1 - y_j)\log(1 - \sigma(z_j))",
        purpose="Several classes at once, independent of each other.",
        remarks=("Unreduced it has one number for each row, already averaged over the classes.",),
        reference=multilabel_soft_margin,
        cases=_independent_labels(),
        reductions=("mean", "sum"),
        conversion=(Step("factor", "sum: divided by the number of classes", _mean_of_classes),),
    ),
)
