"""Powers of zero and of negative numbers."""

from __future__ import annotations

import math

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient
from samestep_experiments.atlas.kinks.piecewise import FORMULAS

POW_AT_0 = "https://github.com/jax-ml/jax/pull/16419"


def root_by_power(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x**0.5, 0.0)


def power_negative_base(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x ** (3 * xp.ones_like(x)), -2.0)


def power_negative_base_exponent(backend: Backend) -> object:
    return gradient(backend, lambda xp, y: (-2 * xp.ones_like(y)) ** y, 3.0)


def power_fractional(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x ** (1 / 3), -8.0)


def odd_root(backend: Backend) -> object:
    def cube_root(xp: TensorOps, x: Array) -> Array:
        size = xp.abs(x) ** (1 / 3)
        return xp.where(x < 0, -size, size)

    return gradient(backend, cube_root, -8.0)


PROBES = (
    Probe(
        id="root-by-power",
        title="x ** 0.5 at 0",
        question="What is the derivative of x ** 0.5 at 0?",
        truth=Derivative(lambda m, x: m.sqrt(x), at=0.0, left=None, right=math.inf),
        shared=root_by_power,
        why="The formula 0.5 x^(-0.5) is inf at 0, as for sqrt: see sqrt-at-0.",
        portable="(x + eps) ** 0.5.",
        references=(FORMULAS, POW_AT_0),
    ),
    Probe(
        id="power-negative-base",
        title="a negative base, with respect to the base",
        question="What is the derivative of x ** 3.0 at -2?",
        truth=Derivative(lambda m, x: x**3, at=-2.0, left=12.0, right=12.0),
        shared=power_negative_base,
        why="y x^(y - 1) needs no logarithm, and a power with a whole exponent is real for a "
        "negative base, also when the exponent is of floating-point type.",
        portable="It is portable with respect to the base.",
        references=(FORMULAS, POW_AT_0),
    ),
    Probe(
        id="power-negative-base-exponent",
        title="a negative base, with respect to the exponent",
        question="What is the derivative of (-2) ** y with respect to y at 3?",
        truth=Derivative(
            lambda m, y: (0 * y - 2) ** y,
            at=3.0,
            left=None,
            right=None,
            remark="(-2) ** y is real for whole y only.",
        ),
        shared=power_negative_base_exponent,
        why="The formula x^y log(x) takes the logarithm of a negative number, NaN, and there is "
        "nothing better to say. An optimizer that trains the exponent meets it at once, where the "
        "value looks healthy.",
        portable="Keep the base positive when the exponent is trained.",
        references=(FORMULAS, POW_AT_0),
    ),
    Probe(
        id="power-fractional",
        title="a negative base with a fractional exponent",
        question="What is the derivative of x ** (1/3) at -8?",
        truth=Derivative(
            lambda m, x: x ** (1 / 3),
            at=-8.0,
            left=None,
            right=None,
            remark="The principal value is complex; the real cube root is another function.",
        ),
        shared=power_fractional,
        cure=odd_root,
        why="1/3 is no number of a floating-point type, so no power of it is a cube root: value "
        "and derivative are NaN.",
        portable="The power of the absolute value, with the sign put back; JAX has cbrt.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.power.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.pow.html",
        ),
    ),
    Probe(
        id="square-third-derivative",
        title="third derivative of x ** 2.0",
        question="What is the third derivative of x ** 2.0 at 0?",
        truth=Value(0.0, lambda mp: mp.chop(mp.diff(lambda x: x**2, 0, 3))),
        why="Differentiated twice it is 2 x^0, and the rule y x^(y - 1) makes of it 0 * 0^-1, NaN "
        "in JAX, where a floating-point exponent of 0 has no case of its own. PyTorch has one. "
        "Hessians of losses with ** 2.0 are fine, third derivatives are not.",
        portable="x ** 2 with an integer, or x * x.",
        references=(POW_AT_0, "https://github.com/jax-ml/jax/issues/14397"),
    ),
)
