"""Functions that are put together from smooth pieces, at their joints."""

from __future__ import annotations

from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, gradient

CONVENTIONS = (
    "https://docs.pytorch.org/docs/stable/notes/autograd.html"
    "#gradients-for-non-differentiable-functions"
)
"""PyTorch's order of preference: subgradient of least norm for convex functions."""

FORMULAS = "https://github.com/pytorch/pytorch/blob/main/tools/autograd/derivatives.yaml"
"""PyTorch's derivatives, operation by operation, for reverse and for forward mode."""


def abs_at_0(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.abs(x), 0.0)


def abs_cured(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.where(x == 0, 0 * x, xp.abs(x)), 0.0)


def maximum_tie(backend: Backend) -> object:
    return gradient(backend, lambda xp, a, b: xp.maximum(a, b), 1.0, 1.0)


def clip_cured(backend: Backend) -> object:
    def clip(xp: TensorOps, x: Array) -> Array:
        return xp.where(x <= 0, 0 * x, xp.where(x >= 1, xp.ones_like(x), x))

    return gradient(backend, clip, 0.0)


def where_nan_trap(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.where(x > 0, xp.sqrt(x), 0 * x), -1.0)


def where_nan_cure(backend: Backend) -> object:
    def root(xp: TensorOps, x: Array) -> Array:
        safe = xp.where(x > 0, x, xp.ones_like(x))
        return xp.where(x > 0, xp.sqrt(safe), 0 * x)

    return gradient(backend, root, -1.0)


def huber(m: Any, x: Any) -> Any:
    return x * x / 2 if abs(x) <= 1 else abs(x) - 0.5


def masked_root(m: Any, x: Any) -> Any:
    return m.sqrt(x) if x > 0 else 0 * x


PROBES = (
    Probe(
        id="abs-at-0",
        title="abs at 0",
        question="What is the derivative of |x| at 0?",
        truth=Derivative(lambda m, x: abs(x), at=0.0, left=-1.0, right=1.0),
        shared=abs_at_0,
        why="Both pick an element of the subdifferential [-1, 1]. PyTorch takes the one of least "
        "norm, sign(0) = 0; JAX selects by x >= 0 and so takes the derivative from the right.",
        portable="Choose the subgradient with where; sqrt(x^2 + eps) is smooth. Best is not to "
        "rely on the value at one point.",
        cure=abs_cured,
        references=(
            CONVENTIONS,
            "https://github.com/jax-ml/jax/issues/37820",
            "https://github.com/jax-ml/jax/issues/12142",
        ),
    ),
    Probe(
        id="relu-at-0",
        title="relu at 0",
        question="What is the derivative of the shipped relu at 0?",
        truth=Derivative(lambda m, x: max(x, 0 * x), at=0.0, left=0.0, right=1.0),
        why="Both define the derivative at 0 to be 0. In JAX it is a rule of jax.nn.relu alone: "
        "jax.numpy.maximum(x, 0), the same function, has the derivative 1/2 there.",
        portable="Use the framework's relu, not maximum(x, 0).",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu.html",
            "https://github.com/jax-ml/jax/issues/37821",
            CONVENTIONS,
        ),
    ),
    Probe(
        id="maximum-tie",
        title="maximum of two equal numbers",
        question="Which argument of maximum(a, b) gets the gradient at a = b?",
        truth=Derivative(
            lambda m, a, b: max(a, b),
            at=(1.0, 1.0),
            left=(0.0, 0.0),
            right=(1.0, 1.0),
            diagonal=(1.0, 1.0),
            remark="The subdifferential is the segment from (1, 0) to (0, 1).",
        ),
        shared=maximum_tie,
        why="Both split the gradient evenly, which is the subgradient of least norm. Reductions "
        "need not do the same: torch.max with a dimension gives all of it to one index.",
        portable="maximum(a, b) is portable; do not rely on it being 0 or 1.",
        references=(
            CONVENTIONS,
            "https://github.com/jax-ml/jax/issues/37821",
            "https://docs.pytorch.org/docs/stable/generated/torch.amax.html",
        ),
    ),
    Probe(
        id="clip-at-bound",
        title="clip at its lower bound",
        question="What is the derivative of clip(x, 0, 1) at 0?",
        truth=Derivative(lambda m, x: min(max(x, 0 * x), 1), at=0.0, left=0.0, right=1.0),
        why="PyTorch lets the gradient through at the bounds on purpose, so that a parameter that "
        "sits on one can move back. In JAX clip is a maximum and a minimum, whose ties are split "
        "evenly. The convention of least norm would give 0, as PyTorch's own hardtanh does.",
        portable="Two nested where, which pass a gradient strictly inside only.",
        cure=clip_cured,
        references=(
            "https://github.com/pytorch/pytorch/pull/7049",
            "https://github.com/pytorch/pytorch/issues/184574",
            "https://github.com/jax-ml/jax/issues/37821",
        ),
    ),
    Probe(
        id="huber-at-joint",
        title="Huber's loss at its joint",
        question="What is the derivative of Huber's loss at |r| = delta?",
        truth=Derivative(huber, at=1.0, left=1.0, right=1.0),
        why="The parabola and the line meet with the same slope, so the derivative exists and it "
        "does not matter which piece a framework takes. Only the second derivative jumps.",
        portable="Nothing to do at the joint; mind the reduction, which differs by default.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html",
            "https://optax.readthedocs.io/en/latest/api/losses.html",
        ),
    ),
    Probe(
        id="where-nan-trap",
        title="where and the branch that is not taken",
        question="Does where(x > 0, sqrt(x), 0) have the derivative 0 at x = -1?",
        truth=Derivative(masked_root, at=-1.0, left=0.0, right=0.0),
        shared=where_nan_trap,
        cure=where_nan_cure,
        why="where hands the branch that was not taken the gradient 0, and the chain rule "
        "multiplies it by the derivative of sqrt at -1, which is NaN: 0 * NaN is NaN. Both "
        "frameworks differentiate both branches.",
        portable="Make the argument harmless before the singular function as well: see the probe "
        "where-nan-cure.",
        references=(
            "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where",
            "https://github.com/pytorch/pytorch/issues/23395",
        ),
    ),
    Probe(
        id="where-nan-cure",
        title="where twice",
        question="Does a second where, on the argument, cure the NaN of where(x > 0, sqrt(x), 0)?",
        truth=Derivative(masked_root, at=-1.0, left=0.0, right=0.0),
        shared=where_nan_cure,
        why="With the argument replaced by 1 wherever the branch is not taken, its derivative is "
        "finite, and 0 times it is 0.",
        portable="This is the portable form.",
        references=(
            "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where",
            "https://docs.kidger.site/equinox/api/debug",
        ),
    ),
)
