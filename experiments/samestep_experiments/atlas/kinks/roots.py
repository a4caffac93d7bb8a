"""Roots, norms and powers where the radicand or the base is 0."""

from __future__ import annotations

import math

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, gradient
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS


def sqrt_at_0(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.sqrt(x), 0.0)


def norm_cured(backend: Backend) -> object:
    def norm(xp: TensorOps, x: Array) -> Array:
        squared = xp.sum(x * x)
        zero = squared == 0
        safe = xp.where(zero, xp.ones_like(squared), squared)
        return xp.where(zero, 0 * squared, xp.sqrt(safe))

    return gradient(backend, norm, [0.0, 0.0])


def power_0_0_base(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x ** xp.zeros_like(x), 0.0)


def integer_power(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x**0, 0.0)


def power_0_0_exponent(backend: Backend) -> object:
    return gradient(backend, lambda xp, y: xp.zeros_like(y) ** y, 0.0)


PROBES = (
    Probe(
        id="sqrt-at-0",
        title="sqrt at 0",
        question="What is the derivative of sqrt(x) at 0?",
        truth=Derivative(lambda m, x: m.sqrt(x), at=0.0, left=None, right=math.inf),
        shared=sqrt_at_0,
        why="The derivative 1 / (2 sqrt(x)) grows without bound as x -> 0+, and both evaluate the "
        "formula at 0. The infinity turns into NaN as soon as the chain rule multiplies it by 0, "
        "as in the gradient of sqrt(x^2).",
        portable="sqrt(x + eps), or where on the argument before and on the root after.",
        references=(
            CONVENTIONS,
            "https://github.com/jax-ml/jax/issues/8893",
        ),
    ),
    Probe(
        id="norm-at-0",
        title="Euclidean norm of the zero vector",
        question="What is the gradient of the Euclidean norm at the zero vector?",
        truth=Derivative(
            lambda m, a, b: m.sqrt(a * a + b * b),
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-math.sqrt(2), math.sqrt(2)),
            remark="The subdifferential is the unit ball.",
        ),
        why="PyTorch masks the point and returns the subgradient of least norm, 0. JAX makes the "
        "norm of a root and a sum of squares, and the chain rule multiplies the infinite slope of "
        "the root by 0; its maintainers call the NaN intended.",
        portable="Make the squared sum safe with where before the root, and mask the result; or "
        "use the squared norm.",
        cure=norm_cured,
        references=(
            "https://github.com/pytorch/pytorch/issues/2421",
            "https://github.com/jax-ml/jax/issues/3058",
            "https://github.com/jax-ml/jax/issues/21723",
        ),
    ),
    Probe(
        id="power-0-0-base",
        title="0 ** 0 with respect to the base",
        question="What is the derivative of x ** 0.0 with respect to x at 0?",
        truth=Derivative(lambda m, x: x ** (0 * x), at=0.0, left=0.0, right=0.0),
        shared=power_0_0_base,
        why="x ** 0 is 1 for every x, 0 included, so the derivative is 0; the formula y x^(y-1) "
        "says 0 * inf. PyTorch returns 0 wherever the exponent is 0. JAX does so only for an "
        "exponent of integer type: as a function of two real numbers x ** y is not differentiable "
        "at (0, 0).",
        portable="Use an integer exponent.",
        cure=integer_power,
        references=(
            "https://github.com/pytorch/pytorch/issues/8940",
            "https://github.com/jax-ml/jax/pull/16419",
        ),
    ),
    Probe(
        id="power-0-0-exponent",
        title="0 ** 0 with respect to the exponent",
        question="What is the derivative of 0.0 ** y with respect to y at 0?",
        truth=Derivative(
            lambda m, y: (0 * y) ** y,
            at=0.0,
            left=None,
            right=-math.inf,
            remark="0 ** y is 1 at y = 0 and 0 for y > 0: it jumps.",
        ),
        shared=power_0_0_exponent,
        why="The formula x^y log(x) is 1 * -inf at (0, 0), which is the derivative from the right. "
        "Both frameworks replace it by 0 for a base of 0, which is right for y > 0 only.",
        portable="Both say 0, so it is portable; it is not a derivative. Keep the base positive.",
        references=(
            "https://github.com/pytorch/pytorch/issues/27134",
            "https://github.com/jax-ml/jax/pull/16419",
        ),
    ),
)
