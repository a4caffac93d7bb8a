"""Overlap losses of segmentation."""

from __future__ import annotations

import numpy as np

from samestep.ledger.formula import reduce, sigmoid, softmax
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, classes, normal, one_hot, rounded

__all__ = ["SEGMENTATION"]

N, PIXELS, C = 3, 7, 4


def _overlap(
    probabilities: Term, target: Float64, smooth: float, alpha: float, beta: float
) -> Term:
    """One minus the share that overlaps, for each image and class."""
    both = (probabilities * target).sum(1)
    false_positive = probabilities.sum(1) - both
    in_target: Float64 = target.sum(1)
    false_negative = -both + in_target
    whole = both + alpha * false_positive + beta * false_negative
    return 1 - (both + smooth) / (whole + smooth)


def dice(
    prediction: Term, target: Float64, *, smooth: float, alpha: float, beta: float, reduction: str
) -> Term:
    """The mean over the classes, for each image."""
    overlap = _overlap(softmax(prediction), target, smooth, alpha, beta)
    return reduce(overlap.sum(-1) / prediction.shape[-1], reduction)


def binary_dice(prediction: Term, target: Float64, *, smooth: float, reduction: str) -> Term:
    """Of one class, with logits (images, pixels)."""
    return reduce(_overlap(sigmoid(prediction), target, smooth, 0.5, 0.5), reduction)


def generalized_dice(prediction: Term, target: Float64, *, smooth: float) -> Term:
    """The mean over images and classes, weighted by one over the squared size of a class."""
    weight = 1 / (target.sum((0, 1)) ** 2 + 1e-7)
    weight = weight / weight.sum() * weight.size
    return reduce(_overlap(softmax(prediction), target, smooth, 0.5, 0.5) * weight, "mean")


def _cases(**options: float) -> tuple[Case, ...]:
    logits = normal(90, N, PIXELS, C, scale=2)
    target = one_hot(classes(91, N * PIXELS, C), C).reshape(N, PIXELS, C)
    absent = one_hot(classes(92, N * PIXELS, C - 1), C).reshape(N, PIXELS, C)
    extreme = rounded(np.resize([0, 1e4, -1e4, 88, -88, 1e30], logits.shape))
    return (
        Case("random", {"prediction": logits, "target": target}, options),
        Case("a class that is absent", {"prediction": logits, "target": absent}, options),
        Case(
            "extreme logits", {"prediction": extreme, "target": target}, options, adversarial=True
        ),
    )


def _binary_cases() -> tuple[Case, ...]:
    logits = normal(93, N, PIXELS, scale=2)
    target = rounded(np.random.default_rng(94).integers(0, 2, (N, PIXELS)))
    extreme = rounded(np.resize([0, 1e4, -1e4, 88, -88, 1e30], logits.shape))
    return (
        Case("random", {"prediction": logits, "target": target}, {"smooth": 1.0}),
        Case(
            "empty target, no smoothing",
            {"prediction": rounded(extreme - 2e30), "target": np.zeros((N, PIXELS))},
            {"smooth": 0.0},
            adversarial=True,
        ),
        Case(
            "extreme logits",
            {"prediction": extreme, "target": target},
            {"smooth": 1.0},
            adversarial=True,
        ),
    )


SEGMENTATION = (
    LossEntry(
        id="dice",
        family="segmentation",
        title="Dice, Tversky",
        formula="mean over the classes of 1 - (o + s) / (o + alpha (P - o) + beta (T - o) + s), "
        "o = sum(p t), P = sum(p), T = sum(t), p = softmax(z)",
        latex=r"\ell = \frac1C \sum_c 1 - \frac{o_c + s}"
        r"{o_c + \alpha (P_c - o_c) + \beta (T_c - o_c) + s}",
        purpose="Overlap of a predicted and a given region; alpha = beta = 1/2 is Dice.",
        reference=dice,
        cases=_cases(smooth=1.0, alpha=0.25, beta=0.75),
    ),
    LossEntry(
        id="binary-dice",
        family="segmentation",
        title="Dice of one class",
        formula="1 - (o + s) / ((P + T) / 2 + s), o = sum(p t), p = sigmoid(z)",
        latex=r"\ell = 1 - \frac{o + s}{(P + T)/2 + s}",
        purpose="Overlap of one region.",
        reference=binary_dice,
        cases=_binary_cases(),
    ),
    LossEntry(
        id="generalized-dice",
        family="segmentation",
        title="Generalised Dice",
        formula="mean of w_c dice_c, w_c = 1 / (f_c^2 + 1e-7), scaled to mean 1; f_c pixels of c",
        latex=r"\ell = \frac1{NC} \sum_{n,c} w_c \ell_{nc}, \quad"
        r" w_c \propto \frac1{f_c^2 + 10^{-7}}",
        purpose="Overlap of regions of very different size.",
        remarks=(
            "A class that is absent from the batch gets the weight of 1e7 pixels' worth: what is "
            "present hardly counts.",
        ),
        reference=generalized_dice,
        cases=_cases(smooth=1.0),
        reductions=(),
    ),
)
