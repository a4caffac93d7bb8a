"""Reductions at points where their formula divides by zero or subtracts infinities."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, gradient


def logsumexp(m: Any, a: Any, b: Any) -> Any:
    return m.log(m.exp(a) + m.exp(b))


def std_cured(backend: Backend) -> object:
    def std(xp: TensorOps, x: Array) -> Array:
        return xp.sqrt(xp.mean(xp.square(x - xp.mean(x))) + 1e-6)

    return gradient(backend, std, [1.0, 1.0])


PROBES = (
    Probe(
        id="prod-with-zero",
        title="product with a zero factor",
        question="What is the gradient of prod(x) at x = (0, 2, 3)?",
        truth=Derivative(
            lambda m, a, b, c: a * b * c,
            at=(0.0, 2.0, 3.0),
            left=(6.0, 0.0, 0.0),
            right=(6.0, 0.0, 0.0),
        ),
        why="The textbook formula prod(x) / x_i is 0 / 0 for the zero factor. Both multiply the "
        "other factors instead: PyTorch treats zeros apart, JAX differentiates a tree of products.",
        portable="prod is portable; exp(sum(log(x))), a workaround of old, is not.",
        references=(
            "https://github.com/pytorch/pytorch/issues/773",
            "https://github.com/jax-ml/jax/issues/672",
        ),
    ),
    Probe(
        id="std-of-constant",
        title="standard deviation of a constant",
        question="What is the gradient of std(x), with divisor n, at x = (1, 1)?",
        truth=Derivative(
            lambda m, a, b: abs(a - b) / 2,
            at=(1.0, 1.0),
            left=(-0.5, -0.5),
            right=(0.5, 0.5),
            diagonal=(0.0, 0.0),
            remark="For two numbers it is |a - b| / 2.",
        ),
        why="The variance has the gradient 0 there, and the root an infinite slope. PyTorch masks "
        "the product to 0, a subgradient; JAX computes 0 * inf = NaN, and its maintainers think "
        "that this is right.",
        portable="sqrt(var(x) + eps), as normalisation layers do.",
        cure=std_cured,
        references=(
            "https://github.com/pytorch/pytorch/issues/4320",
            "https://github.com/jax-ml/jax/issues/11716",
        ),
    ),
    Probe(
        id="logsumexp-one-inf",
        title="logsumexp with one -inf",
        question="What is the gradient of logsumexp(x) at x = (-inf, 0)?",
        truth=Derivative(logsumexp, at=(-math.inf, 0.0), left=(0.0, 1.0), right=(0.0, 1.0)),
        why="The gradient is the softmax, and a term of exp(-inf) = 0 takes no part in it. Both "
        "subtract the maximum, which is finite here.",
        portable="logsumexp is portable as long as one entry is finite.",
        references=("https://github.com/jax-ml/jax/issues/6811",),
    ),
    Probe(
        id="logsumexp-all-inf",
        title="logsumexp of nothing but -inf",
        question="What is the gradient of logsumexp(x) at x = (-inf, -inf)?",
        truth=Derivative(
            logsumexp, at=(-math.inf, -math.inf), left=(None, None), right=(None, None)
        ),
        why="The value, -inf, is right, but the softmax is 0 / 0. Dynamic programs in log space, "
        "such as CTC, meet it wherever a state cannot be reached, and want 0 there.",
        portable="Replace -inf by the least finite number, or mask such rows before and after.",
        references=(
            "https://github.com/pytorch/pytorch/issues/31829",
            "https://github.com/jax-ml/jax/issues/6811",
        ),
    ),
)
