"""Cross-entropy of logits: targets as class indices and as distributions."""

from __future__ import annotations

import numpy as np

from samestep.ledger.formula import log_softmax, reduce, stack
from samestep.ledger.loss_entry import Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import (
    Float64,
    Integers,
    classes,
    distributions,
    normal,
    one_hot,
    rounded,
)

__all__ = [
    "CROSS_ENTROPY",
    "DISTRIBUTED",
    "EXTREME_LOGITS",
    "INDEXED",
    "LABELS",
    "LOGITS",
    "WEIGHT",
    "of_distributions",
    "of_indices",
]

N, C = 12, 5
LOGITS = normal(20, N, C, scale=2)
LABELS = classes(21, N, C)
TARGETS = distributions(22, N, C)
WEIGHT = rounded([1.0, 0.5, 0, 2, 3])

EXTREME_LOGITS = rounded(
    [
        [0.0, 0, 0, 0, 0],
        [1e4, -1e4, 0, 0, 0],
        [-1e4, 1e4, 0, 0, 0],
        [1e30, 0, 0, 0, 0],
        [-1e30, -1e30, -1e30, -1e30, -1e30],
        [88.0, 89, 90, -88, -104],
        [1e-30, -1e-30, 0, 0, 0],
        [30.0, 0, 0, 0, 0],
        [5.0, 5, 5, 5, 4],
        [1e4, 1e4, 0, 0, 0],
        [-200.0, 0, 200, 0, 0],
        [1.0, 2, 3, 4, 5],
    ]
)
_EXTREME_LABELS = np.array([0, 0, 0, 1, 2, 4, 0, 0, 4, 1, 0, 4])
# Minus infinity where a class is impossible; in one row it is the target, one is all of it.
_IMPOSSIBLE = np.where(np.arange(N * C).reshape(N, C) % 7 == 3, -np.inf, LOGITS)
_IMPOSSIBLE[3] = -np.inf
_IMPOSSIBLE[4, 4] = -np.inf
_POSSIBLE_LABELS = np.where(np.isfinite(_IMPOSSIBLE[:, 0]), 0, 1)
_POSSIBLE_LABELS[4] = 4


def of_indices(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """``-log softmax(z)`` at the target."""
    return reduce(-log_softmax(prediction)[np.arange(len(target)), target], reduction)


def along_axis_one(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """Of logits (n, classes, positions) and targets (n, positions)."""
    n, position = np.indices(target.shape)
    return reduce(-log_softmax(prediction, 1)[n, target, position], reduction)


def of_distributions(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``-sum(t log softmax(z))``."""
    return reduce(-(log_softmax(prediction) * target).sum(-1), reduction)


def safe(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``-sum(t log softmax(z))`` over the classes with ``t != 0``."""
    counted = [
        (log_softmax(prediction[n : n + 1])[0][k] * target[n, k]).sum()
        for n, k in enumerate(target != 0)
    ]
    return reduce(-stack(counted), reduction)


INDEXED = (
    Case("random", {"prediction": LOGITS, "target": LABELS}),
    Case(
        "extreme logits",
        {"prediction": EXTREME_LOGITS, "target": _EXTREME_LABELS},
        adversarial=True,
    ),
    Case(
        "logits of minus infinity",
        {"prediction": _IMPOSSIBLE, "target": _POSSIBLE_LABELS},
        adversarial=True,
    ),
)
_ONE_CLASS = Case("one class, one row", {"prediction": rounded([[0.7]]), "target": np.array([0])})


def _distributed() -> tuple[Case, ...]:
    impossible = np.where(np.isfinite(_IMPOSSIBLE), TARGETS, 0.0)
    return (
        Case("random", {"prediction": LOGITS, "target": TARGETS}),
        Case(
            "targets that do not sum to 1",
            {"prediction": LOGITS, "target": rounded(3 * TARGETS - 0.5)},
        ),
        Case(
            "extreme logits, one-hot targets",
            {"prediction": EXTREME_LOGITS, "target": one_hot(_EXTREME_LABELS, C)},
            adversarial=True,
        ),
        Case(
            "logits of minus infinity where the target is 0",
            {"prediction": _IMPOSSIBLE, "target": rounded(impossible)},
            adversarial=True,
        ),
    )


DISTRIBUTED = _distributed()


def _spatial_cases() -> tuple[Case, ...]:
    arguments = {"prediction": normal(23, 4, C, 3), "target": classes(24, 12, C).reshape(4, 3)}
    return (Case("random", arguments),)


CROSS_ENTROPY = (
    LossEntry(
        id="cross-entropy",
        family="softmax",
        title="Cross-entropy of logits, targets as class indices",
        formula="-log(softmax(z)[y])",
        latex=r"\ell = -\log \frac{e^{z_y}}{\sum_j e^{z_j}}",
        purpose="Classification in classes that exclude each other.",
        reference=of_indices,
        cases=(*INDEXED, _ONE_CLASS),
    ),
    LossEntry(
        id="cross-entropy-axis",
        family="softmax",
        title="Cross-entropy of logits at several positions",
        formula="-log(softmax(z)[y]) for logits (n, classes, positions)",
        latex=r"\ell_{np} = -\log \frac{e^{z_{n y p}}}{\sum_j e^{z_{n j p}}}",
        purpose="Segmentation and sequences.",
        remarks=("One side has the classes along axis 1 always, the other along the last axis.",),
        reference=along_axis_one,
        cases=_spatial_cases(),
        conversion=(Step("arguments", "axis=1", lambda _, call: call.with_options(axis=1)),),
    ),
    LossEntry(
        id="cross-entropy-probabilities",
        family="softmax",
        title="Cross-entropy of logits, targets as distributions",
        formula="-sum(t log(softmax(z)))",
        latex=r"\ell = -\sum_j t_j \log \operatorname{softmax}(z)_j",
        purpose="Soft targets: distillation, mixed examples.",
        remarks=(
            "A class with target 0 and logit minus infinity makes NaN; safe-softmax does not.",
        ),
        reference=of_distributions,
        cases=DISTRIBUTED,
    ),
    LossEntry(
        id="safe-softmax",
        family="softmax",
        title="Cross-entropy of logits that may be minus infinity",
        formula="-sum(t log(softmax(z))) over the classes with t != 0",
        latex=r"\ell = -\sum_{j : t_j \ne 0} t_j \log \operatorname{softmax}(z)_j",
        purpose="Masked classes.",
        reference=safe,
        cases=DISTRIBUTED,
    ),
)
