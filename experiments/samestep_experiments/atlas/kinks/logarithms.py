"""Logarithms of zero, and exponentials that overflow."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, gradient
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS, FORMULAS

WHERE = "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where"


def log_at_0(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.log(x), 0.0)


def x_log_x(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x * xp.log(x), 0.0)


def x_log_x_cured(backend: Backend) -> object:
    def product(xp: TensorOps, x: Array) -> Array:
        safe = xp.where(x > 0, x, xp.ones_like(x))
        return xp.where(x > 0, x * xp.log(safe), 0 * x)

    return gradient(backend, product, 0.0)


def naive_softplus(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.log(1 + xp.exp(x)), 100.0)


def stable_softplus(backend: Backend) -> object:
    def softplus(xp: TensorOps, x: Array) -> Array:
        return xp.maximum(x, xp.zeros_like(x)) + xp.log(1 + xp.exp(-xp.abs(x)))

    return gradient(backend, softplus, 0.0)


def smooth_softplus(xp: TensorOps, x: Array) -> Array:
    positive = x > 0
    return xp.where(positive, x, 0 * x) + xp.log(1 + xp.exp(xp.where(positive, -x, x)))


def naive_softplus_cured(backend: Backend) -> object:
    return gradient(backend, smooth_softplus, 100.0)


def stable_softplus_cured(backend: Backend) -> object:
    return gradient(backend, smooth_softplus, 0.0)


def xlogy(m: Any, x: Any, y: Any) -> Any:
    return x * m.log(y) if x != 0 else 0 * x


def entropy(m: Any, x: Any) -> Any:
    return -x * m.log(x) if x != 0 else x


PROBES = (
    Probe(
        id="log-at-0",
        title="log at 0",
        question="What is the derivative of log(x) at 0?",
        truth=Derivative(
            lambda m, x: m.log(x),
            at=0.0,
            left=None,
            right=None,
            remark="log(0) is no number, so there is nothing to differentiate.",
        ),
        shared=log_at_0,
        why="Both return 1 / 0 = inf, the limit from the right. The infinity turns into NaN when "
        "the chain rule multiplies it by 0, as in x log(x).",
        portable="log(x + eps), or log of the larger of x and eps.",
        references=(CONVENTIONS, WHERE),
    ),
    Probe(
        id="x-log-x-at-0",
        title="x log(x) at 0",
        question="What is the derivative of x log(x), written so, at 0?",
        truth=Derivative(
            lambda m, x: -entropy(m, x),
            at=0.0,
            left=None,
            right=-math.inf,
            remark="With 0 log 0 = 0.",
        ),
        shared=x_log_x,
        cure=x_log_x_cured,
        why="The value is 0 * -inf = NaN already, and the gradient log(0) + 0 / 0 as well. The "
        "true slope is -inf, which no optimizer wants either.",
        portable="where twice, which gives the value 0 and the gradient 0; or the shipped entropy, "
        "see entr-at-0.",
        references=(WHERE, CONVENTIONS),
    ),
    Probe(
        id="xlogy-at-0-0",
        title="xlogy at (0, 0)",
        question="What is the gradient of the shipped xlogy(x, y) at (0, 0)?",
        truth=Derivative(
            xlogy,
            at=(0.0, 0.0),
            left=(None, 0.0),
            right=(None, 0.0),
            remark="xlogy(0, y) is 0 for every y, so its derivative in y is 0.",
        ),
        why="Both return the value 0 and differentiate the formula: x / y = 0 / 0 in y. In x "
        "PyTorch masks the infinite log(0) by 0, JAX keeps -inf, though its documentation promises "
        "a custom rule by which the derivative at this point is well-defined.",
        portable="where twice, as in x-log-x-at-0.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.scipy.special.xlogy.html",
            "https://docs.pytorch.org/docs/stable/special.html",
            FORMULAS,
        ),
    ),
    Probe(
        id="entr-at-0",
        title="entropy function at 0",
        question="What is the derivative of the shipped entr(x) = -x log(x) at 0?",
        truth=Derivative(entropy, at=0.0, left=None, right=math.inf),
        why="Shipped as one function it has its own rule, -log(x) - 1, which is inf at 0, as it "
        "should be: see x-log-x-at-0 for the same in two operations.",
        portable="entr is portable. Clip its gradient, or keep x positive.",
        references=(
            FORMULAS,
            "https://docs.jax.dev/en/latest/_autosummary/jax.scipy.special.entr.html",
        ),
    ),
    Probe(
        id="naive-softplus-overflow",
        title="log(1 + exp(x)) for a large x",
        question="What is the derivative of log(1 + exp(x)), written so, at 100, in float32?",
        truth=Derivative(lambda m, x: m.log(1 + m.exp(x)), at=100.0, left=1.0, right=1.0),
        shared=naive_softplus,
        cure=naive_softplus_cured,
        why="exp(100) overflows in float32, the value is inf, and the chain rule divides inf by "
        "inf. The shipped softplus does not overflow.",
        portable="The shipped softplus; written out, two where (not abs: see "
        "stable-softplus-at-0).",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.softplus.html",
        ),
    ),
    Probe(
        id="stable-softplus-at-0",
        title="the stable formula of softplus, at 0",
        question="What is the derivative of max(x, 0) + log(1 + exp(-|x|)) at 0?",
        truth=Derivative(
            lambda m, x: m.log(1 + m.exp(x)),
            at=0.0,
            left=0.5,
            right=0.5,
            remark="The kinks of max and |x| cancel: it is log(1 + exp(x)), which is smooth.",
        ),
        shared=stable_softplus,
        cure=stable_softplus_cured,
        why="The textbook's stable logistic loss, at a logit of exactly 0, as a layer that starts "
        "at zero gives it. max passes 1/2 and abs 0 in PyTorch, and 1/2 is right by luck; its "
        "own binary cross-entropy, with clamp for max, was once wrong at 0. In JAX abs passes 1, "
        "and the parts cancel to 0: the first step is lost.",
        portable="Two where with the same condition, or the shipped softplus.",
        references=(
            "https://github.com/pytorch/pytorch/pull/2195",
            "https://github.com/jax-ml/jax/issues/37820",
        ),
    ),
)
