"""Smooth functions that are put together from kinks, and kinks differentiated twice."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient

KINKS_COMPOSED = (
    "https://papers.nips.cc/paper/2020/hash/4aaa76178f8567e05c8e8295c96171d8-Abstract.html"
)
"""Lee et al., On Correctness of Automatic Differentiation for Non-Differentiable Functions."""

JAX_ABS = "https://github.com/jax-ml/jax/issues/37820"


def relu_difference_cured(backend: Backend) -> object:
    def difference(xp: TensorOps, x: Array) -> Array:
        zero = xp.zeros_like(x)
        return xp.maximum(x, zero) - xp.maximum(-x, zero)

    return gradient(backend, difference, 0.0)


def hessian_of_square(mp: Any) -> object:
    def square(a: Any, b: Any) -> Any:
        return mp.sqrt(a * a + b * b) ** 2

    orders = (((2, 0), (1, 1)), ((1, 1), (0, 2)))
    return mp.matrix([[mp.chop(mp.diff(square, (0, 0), n)) for n in row] for row in orders])


PROBES = (
    Probe(
        id="relu-minus-relu",
        title="relu(x) - relu(-x)",
        question="What is the derivative of relu(x) - relu(-x) at 0?",
        truth=Derivative(
            lambda m, x: max(x, 0 * x) - max(-x, 0 * x),
            at=0.0,
            left=1.0,
            right=1.0,
            remark="It is x.",
        ),
        cure=relu_difference_cured,
        why="Each relu has the derivative 0 at 0, a valid choice for each, and the difference is "
        "wrong: the chain rule does not hold for a choice of subgradients. So a kink is not "
        "harmless for being rare, and a network of zeros has such points in every unit.",
        portable="maximum(x, 0) shares the tie and gives 1 here; no choice is right for all "
        "compositions.",
        references=(KINKS_COMPOSED, "https://github.com/pytorch/pytorch/pull/2195"),
    ),
    Probe(
        id="abs-second-derivative",
        title="second derivative of abs at 0",
        question="What is the second derivative of |x| at 0?",
        truth=Derivative(
            lambda m, x: (x > 0) - (x < 0),
            at=0.0,
            left=math.inf,
            right=math.inf,
            remark="Of sign(x), the derivative of |x|: as a distribution, 2 delta(x).",
        ),
        why="Both differentiate a step and get 0, as everywhere else. In PyTorch it is a tensor "
        "without memory, known to be zero, which refuses to become a NumPy array unless forced.",
        portable="It is portable: curvature at a kink is invisible to second-order methods.",
        references=(JAX_ABS, "https://github.com/jax-ml/jax/issues/12142"),
    ),
    Probe(
        id="abs-squared-second-derivative",
        title="second derivative of |x| squared",
        question="What is the second derivative of |x| ** 2 at 0?",
        truth=Value(2.0, lambda mp: mp.diff(lambda x: abs(x) ** 2, 0, 2), remark="It is x^2."),
        why="The first derivative 2 |x| abs'(x) is 0 on both. The second one is 2 abs'(0)^2: 2 "
        "with JAX's abs'(0) = 1, and 0 with PyTorch's 0, the subgradient of least norm. So the "
        "convention that looks better for |x| is the worse for |x|^2.",
        portable="x ** 2.",
        references=(JAX_ABS, KINKS_COMPOSED),
    ),
    Probe(
        id="squared-norm-hessian",
        title="Hessian of a norm squared",
        question="What is the Hessian of |x|^2, written norm(x) ** 2, at (0, 0)?",
        truth=Value([[2.0, 0.0], [0.0, 2.0]], hessian_of_square, remark="It is 2 I."),
        why="The square is smooth and the norm is not. PyTorch masks the first derivative of the "
        "norm at 0 and not the second; JAX has no finite first one.",
        portable="sum(x * x), or dot(x, x).",
        references=(
            "https://github.com/jax-ml/jax/issues/21723",
            "https://github.com/pytorch/pytorch/issues/2421",
        ),
    ),
)
