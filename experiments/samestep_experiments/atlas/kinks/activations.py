"""Activation functions at their joints."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS


def leaky_relu_cured(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.where(x > 0, x, 0.1 * x), 0.0)


def hardtanh_cured(backend: Backend) -> object:
    def hardtanh(xp: TensorOps, x: Array) -> Array:
        one = xp.ones_like(x)
        return xp.where(x >= 1, one, xp.where(x <= -1, -one, x))

    return gradient(backend, hardtanh, 1.0)


def relu_by_maximum(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.maximum(x, xp.zeros_like(x)), 0.0)


def softshrink_cured(backend: Backend) -> object:
    def softshrink(xp: TensorOps, x: Array) -> Array:
        return xp.where(x > 0.5, x - 0.5, xp.where(x < -0.5, x + 0.5, 0 * x))

    return gradient(backend, softshrink, 0.5)


def elu(m: Any, x: Any) -> Any:
    return x if x > 0 else 2 * (m.exp(x) - 1)


def hardswish(m: Any, x: Any) -> Any:
    return x * min(max(x + 3, 0), 6) / 6


def gelu(m: Any, x: Any) -> Any:
    return x * (1 + m.erf(x / m.sqrt(2))) / 2


PROBES = (
    Probe(
        id="relu-by-maximum",
        title="relu written as maximum(x, 0)",
        question="What is the derivative of maximum(x, 0) at 0?",
        truth=Derivative(lambda m, x: max(x, 0 * x), at=0.0, left=0.0, right=1.0),
        shared=relu_by_maximum,
        why="maximum shares the gradient of a tie between its arguments, so half of it goes to x. "
        "The shipped relu, the same function, has a rule of its own that says 0: see relu-at-0.",
        portable="The framework's relu, for the convention relu'(0) = 0; maximum(x, 0) for 1/2.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu.html",
            "https://github.com/jax-ml/jax/issues/37821",
            CONVENTIONS,
        ),
    ),
    Probe(
        id="leaky-relu-at-0",
        title="leaky relu at 0",
        question="What is the derivative of the shipped leaky relu, of slope 0.1, at 0?",
        truth=Derivative(lambda m, x: max(x, x / 10), at=0.0, left=0.1, right=1.0),
        why="The kernel of PyTorch counts 0 to the negative piece; JAX defines the function with "
        "x >= 0 and takes the derivative from the right. So relu agrees at 0 and leaky relu "
        "does not, by a factor of ten here.",
        portable="Write it with where, and decide on which side 0 is.",
        cure=leaky_relu_cured,
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.leaky_relu.html",
        ),
    ),
    Probe(
        id="relu6-at-6",
        title="relu6 at its upper bound",
        question="What is the derivative of relu6 at 6?",
        truth=Derivative(lambda m, x: min(max(x, 0 * x), 6), at=6.0, left=1.0, right=0.0),
        why="PyTorch's relu6 is a hardtanh, whose derivative at both bounds is 0; JAX has a custom "
        "rule, documented, that says 0 at 0 and at 6. Neither does what its own clip does at a "
        "bound: see clip-at-bound.",
        portable="relu6 is portable; clip(x, 0, 6) is not.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu6.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html",
        ),
    ),
    Probe(
        id="elu-at-0",
        title="elu at 0",
        question="What is the derivative of elu with alpha = 2 at 0?",
        truth=Derivative(elu, at=0.0, left=2.0, right=1.0),
        why="elu is smooth for alpha = 1 only. Both count 0 to the exponential piece, whose slope "
        "there is alpha. selu is an elu with alpha = 1.67, and has the kink always.",
        portable="elu is portable; the kink goes away with alpha = 1.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.elu.html",
        ),
    ),
    Probe(
        id="hardtanh-at-bound",
        title="hardtanh at its upper bound",
        question="What is the derivative of hardtanh at 1?",
        truth=Derivative(lambda m, x: min(max(x, -1), 1), at=1.0, left=1.0, right=0.0),
        why="PyTorch lets the gradient through strictly inside the bounds. JAX defines the "
        "function by -1 <= x <= 1 and so counts the bound to the inner piece. PyTorch's own clip, "
        "the same function, does as JAX does here: see clip-at-bound.",
        portable="Two nested where, which say what happens at a bound.",
        cure=hardtanh_cured,
        references=(
            "https://github.com/pytorch/pytorch/pull/7049",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.hard_tanh.html",
        ),
    ),
    Probe(
        id="hardswish-at-3",
        title="hardswish at its upper joint",
        question="What is the derivative of hardswish at 3?",
        truth=Derivative(hardswish, at=3.0, left=1.5, right=1.0),
        why="PyTorch's kernel takes the outer piece, x, at the joint. JAX writes "
        "x relu6(x + 3) / 6, and its relu6 has the derivative 0 at 6, which comes to the same.",
        portable="hardswish is portable.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.hard_swish.html",
        ),
    ),
    Probe(
        id="softplus-threshold",
        title="softplus beyond its threshold",
        question="How far below 1 is the derivative of softplus at 21, in float64?",
        truth=Value(
            1 / (1 + math.exp(21)),
            lambda mp: 1 - mp.diff(lambda x: mp.log(1 + mp.exp(x)), 21),
            remark="float64 has room for it, float32 rounds the derivative to 1.",
        ),
        scale=1.0,
        why="PyTorch turns to the identity above a threshold of 20, so value and derivative jump "
        "there by 2e-9: below the resolution of float32, far above that of float64. JAX computes "
        "logaddexp(x, 0) everywhere.",
        portable="threshold=inf in PyTorch, or logaddexp(x, 0).",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.softplus.html",
        ),
    ),
    Probe(
        id="gelu-by-default",
        title="gelu as it comes",
        question="What is the derivative of gelu, with its default options, at 1?",
        truth=Derivative(
            gelu,
            at=1.0,
            left=(1 + math.erf(math.sqrt(0.5))) / 2 + math.exp(-0.5) / math.sqrt(2 * math.pi),
            right=(1 + math.erf(math.sqrt(0.5))) / 2 + math.exp(-0.5) / math.sqrt(2 * math.pi),
        ),
        why="gelu is smooth; the names differ. JAX's default is the approximation by tanh, "
        "PyTorch's the exact function, and each has an option for the other.",
        portable='Say which: approximate="tanh" or "none" in PyTorch, True or False in JAX.',
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.gelu.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html",
        ),
    ),
    Probe(
        id="softshrink-at-joint",
        title="soft thresholding at its threshold",
        question="What is the derivative of soft thresholding by 0.5 at 0.5?",
        truth=Derivative(lambda m, x: max(x - 0.5, 0 * x), at=0.5, left=0.0, right=1.0),
        why="PyTorch ships it and counts the joint to the flat piece. JAX has none, and the usual "
        "formula sign(x) max(|x| - 0.5, 0) inherits half the gradient from the tie of maximum.",
        portable="Two nested where.",
        cure=softshrink_cured,
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Softshrink.html",
            "https://github.com/jax-ml/jax/issues/37821",
        ),
    ),
)
