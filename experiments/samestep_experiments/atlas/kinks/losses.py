"""Losses at their joints, at certain predictions and at impossible classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient

BCE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html"
OPTAX = "https://optax.readthedocs.io/en/latest/api/losses.html"


def masked_cross_entropy(backend: Backend) -> object:
    labels = backend.asarray(np.array([0.0, 1.0]))

    def loss(xp: TensorOps, logits: Array) -> Array:
        largest = xp.max(logits)
        log_total = largest + xp.log(xp.sum(xp.exp(logits - largest)))
        zero = xp.zeros_like(logits)
        wanted = xp.where(labels > 0, logits, zero)
        return xp.sum(xp.where(labels > 0, labels * (log_total - wanted), zero))

    return gradient(backend, loss, [-math.inf, 0.0])


def bce_cured(backend: Backend) -> object:
    target = backend.asarray(np.array(0.0))
    return gradient(backend, lambda xp, p: -xp.log(xp.where(target > 0.5, p, 1 - p)), 0.0)


def masked_softmax(backend: Backend) -> object:
    mask = backend.asarray(np.array([0.0, 0.0])) > 0
    pick_first = backend.asarray(np.array([1.0, 0.0]))

    def first(xp: TensorOps, logits: Array) -> Array:
        zero = xp.zeros_like(logits)
        finite = xp.where(mask, logits, zero)
        weights = xp.where(mask, xp.exp(finite - xp.max(finite)), zero)
        total = xp.sum(weights)
        safe = xp.where(total > 0, total, xp.ones_like(total))
        return xp.sum(pick_first * weights) / safe

    return gradient(backend, first, [-math.inf, -math.inf])


def smooth_l1(m: Any, r: Any) -> Any:
    return r * r if abs(r) <= 0.5 else abs(r) - 0.25


def divergence(m: Any, p: Any, q: Any) -> Any:
    """KL divergence of (p, q) from (1/2, 1/2), with 0 log 0 = 0."""
    return sum(x * m.log(2 * x) if x != 0 else x for x in (p, q))


def impossible_class(mp: Any) -> object:
    """Cross-entropy of the label (0, 1), as a function of the weight exp(a) of its first class."""

    def loss(weight: Any, b: Any) -> Any:
        return mp.log(weight + mp.exp(b)) - b

    by_weight = mp.diff(lambda weight: loss(weight, 0), 0)
    by_logit = mp.diff(lambda b: loss(0, b), 0)
    return {"loss": loss(0, 0), "gradient": [0 * by_weight, mp.chop(by_logit)]}


PROBES = (
    Probe(
        id="smooth-l1-at-joint",
        title="smooth L1 at its joint",
        question="What is the derivative of the smooth L1 loss with beta = 0.5 at r = 0.5?",
        truth=Derivative(smooth_l1, at=0.5, left=1.0, right=1.0),
        why="The pieces meet with the same slope, so there is no kink, and the frameworks cannot "
        "differ. optax has Huber's loss only, which is beta times it.",
        portable="smooth L1 = huber(delta) / delta; PyTorch averages by default, optax does not.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html",
            OPTAX,
        ),
    ),
    Probe(
        id="hinge-at-margin",
        title="hinge loss at the margin",
        question="What is the derivative of the hinge loss max(0, 1 - x) at x = 1?",
        truth=Derivative(lambda m, x: max(0 * x, 1 - x), at=1.0, left=-1.0, right=0.0),
        why="A point on the margin is no rare event: hinge losses push points there. PyTorch "
        "writes the loss with clamp, which lets the gradient through at its bound; optax with "
        "maximum, which shares it.",
        portable="where(x < 1, 1 - x, 0), which says what holds on the margin.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html",
            "https://github.com/pytorch/pytorch/pull/7049",
            OPTAX,
        ),
    ),
    Probe(
        id="cross-entropy-masked-class",
        title="cross-entropy with an excluded class",
        question="What is the gradient of cross-entropy at logits (-inf, 0), the label being 1?",
        truth=Derivative(
            lambda m, a, b: m.log(m.exp(a) + m.exp(b)) - b,
            at=(-math.inf, 0.0),
            left=(0.0, 0.0),
            right=(0.0, 0.0),
        ),
        why="Integer labels pick one logit, and softmax gives the excluded class the probability "
        "0: finite throughout. With one-hot labels the same loss is NaN: see "
        "cross-entropy-masked-one-hot.",
        portable="Integer labels are portable with logits of -inf, except for the label itself.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
            OPTAX,
        ),
    ),
    Probe(
        id="cross-entropy-masked-one-hot",
        title="cross-entropy with an excluded class and one-hot labels",
        question="What are loss and gradient at logits (-inf, 0), the label being (0, 1)?",
        truth=Value({"loss": 0.0, "gradient": [0.0, 0.0]}, impossible_class),
        cure=masked_cross_entropy,
        why="The excluded class contributes 0 * log 0 = 0 * -inf = NaN to the loss. The gradient, "
        "softmax minus label, is right all the same, so training goes on while the log shows "
        "NaN. optax ships safe_softmax_cross_entropy for this.",
        portable="Leave out terms of weight 0 with where, on the logit as well as on the term.",
        references=(
            OPTAX,
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
        ),
    ),
    Probe(
        id="bce-certain-and-wrong",
        title="binary cross-entropy of a certain, wrong prediction",
        question="What is the derivative of binary cross-entropy at p = 0, the target being 1?",
        truth=Derivative(
            lambda m, p: -m.log(p),
            at=0.0,
            left=None,
            right=None,
            remark="The loss is infinite there.",
        ),
        why="PyTorch replaces the infinite loss by 100 and divides by at least 1e-12, so the "
        "gradient is -1e12; its documentation explains the clamp. The formula itself gives -inf.",
        portable="Losses on logits, which saturate at a slope of 1.",
        references=(BCE, "https://github.com/pytorch/pytorch/pull/77416"),
    ),
    Probe(
        id="bce-certain-and-right",
        title="binary cross-entropy of a certain, right prediction",
        question="What is the derivative of binary cross-entropy at p = 0, the target being 0?",
        truth=Derivative(lambda m, p: -m.log(1 - p), at=0.0, left=1.0, right=1.0),
        cure=bce_cured,
        why="-log(1 - p) has the slope 1 at p = 0. PyTorch computes (p - y) / max(p (1 - p), "
        "1e-12), whose clamp turns 0 / 0 into 0; written out, the term y log p contributes "
        "0 * inf = NaN. Neither is 1.",
        portable="Select the logarithm that counts with where before taking it; or use logits.",
        references=(BCE, "https://github.com/pytorch/pytorch/pull/77416"),
    ),
    Probe(
        id="kl-of-zero-target",
        title="KL divergence with a target probability of 0",
        question="What is the gradient of the KL divergence from (1/2, 1/2), in the target (0, 1)?",
        truth=Derivative(
            divergence,
            at=(0.0, 1.0),
            left=(None, 1 + math.log(2)),
            right=(-math.inf, 1 + math.log(2)),
            remark="With 0 log 0 = 0 the divergence itself is log 2.",
        ),
        why="Both mask the value of p log p at 0, and not its derivative: the chain rule still "
        "multiplies p = 0 by 1 / p = inf. The true slope, log p + 1, is -inf from the right.",
        portable="Hold targets constant, or keep them positive.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html",
            OPTAX,
        ),
    ),
    Probe(
        id="softmax-all-masked",
        title="softmax of a row that is masked altogether",
        question="What is the gradient of the first softmax weight at logits (-inf, -inf)?",
        truth=Derivative(
            lambda m, a, b: m.exp(a) / (m.exp(a) + m.exp(b)),
            at=(-math.inf, -math.inf),
            left=(None, None),
            right=(None, None),
            remark="Attention wants weights of 0 there.",
        ),
        cure=masked_softmax,
        why="Value and gradient are 0 / 0. In attention it happens to every row of padding, and "
        "one NaN row spoils the gradient of all weights by the matrix product behind it.",
        portable="Mask with where before the exponential and on the sum.",
        references=(
            "https://github.com/pytorch/pytorch/issues/41508",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.softmax.html",
        ),
    ),
)
