"""Angles and moduli, of points in the plane and of complex numbers."""

from __future__ import annotations

import math
from typing import Any

from samestep.probes import Derivative, Probe, Value
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS, FORMULAS

NEAR_POLE = 1.57079637050628662109375
"""The number of float32 next to pi / 2."""


def angle(m: Any, y: Any, x: Any) -> Any:
    return m.atan2(y, x) if x != 0 or y != 0 else m.nan


PROBES = (
    Probe(
        id="atan2-at-origin",
        title="atan2 at the origin",
        question="What is the gradient of atan2(y, x) at (0, 0)?",
        truth=Derivative(
            angle,
            at=(0.0, 0.0),
            left=(None, None),
            right=(None, None),
            remark="The origin has no direction; that atan2(0, 0) = 0 is a convention.",
        ),
        why="The formula divides by x^2 + y^2. PyTorch masks the zero since a recent version, so "
        "that training survives; JAX returns 0 / 0.",
        portable="Replace such points by (0, 1) with where, before atan2.",
        references=(
            "https://github.com/pytorch/pytorch/pull/166787",
            "https://github.com/pytorch/pytorch/issues/93998",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.arctan2.html",
        ),
    ),
    Probe(
        id="arccos-at-1",
        title="arccos at 1",
        question="What is the derivative of arccos(x) at 1?",
        truth=Derivative(lambda m, x: m.acos(x), at=1.0, left=-math.inf, right=None),
        why="The formula -1 / sqrt(1 - x^2) is -inf at the end of the domain, and right from the "
        "left. Angles between equal directions land here, and rounding puts them past 1, where "
        "the value is NaN.",
        portable="atan2(|a x b|, a . b) for angles; or clip x to the inside first.",
        references=(FORMULAS, CONVENTIONS),
    ),
    Probe(
        id="tan-next-to-pole",
        title="tan next to its pole",
        question="What is the derivative of tan(x) at pi / 2, as float32 rounds it?",
        truth=Value(
            1 / math.cos(NEAR_POLE) ** 2,
            lambda mp: mp.diff(mp.tan, mp.mpf(NEAR_POLE)),
            remark="The rounded pi / 2 is 4.4e-8 past the pole.",
        ),
        why="No floating-point number is pi / 2, so tan has no pole on a computer: the derivative "
        "1 + tan(x)^2 is large and right.",
        portable="tan is portable.",
        references=(
            FORMULAS,
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.tan.html",
        ),
    ),
    Probe(
        id="complex-abs-at-0",
        title="modulus of a complex 0",
        question="What is the gradient of |z| at z = 0, as real and imaginary part?",
        truth=Derivative(
            lambda m, a, b: m.sqrt(a * a + b * b),
            at=(0.0, 0.0),
            left=(-1.0, -1.0),
            right=(1.0, 1.0),
            diagonal=(-math.sqrt(2), math.sqrt(2)),
            remark="The subdifferential is the unit disc.",
        ),
        why="Both return 0: PyTorch multiplies by sgn(0) = 0, JAX divides conj(z) by a modulus in "
        "which 0 is replaced by 1. So JAX has three answers for one function of the plane: 0 "
        "here, NaN for the norm, (1/2, 1/2) for hypot; and 1 for abs of a real 0.",
        portable="The modulus of complex numbers is portable.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.sgn.html",
            FORMULAS,
            "https://github.com/jax-ml/jax/issues/37820",
        ),
    ),
    Probe(
        id="complex-angle-at-0",
        title="argument of a complex 0",
        question="What is the gradient of the angle of z at z = 0, as real and imaginary part?",
        truth=Derivative(
            lambda m, x, y: angle(m, y, x),
            at=(0.0, 0.0),
            left=(None, None),
            right=(None, None),
        ),
        why="PyTorch masks the point and returns 0. JAX computes atan2 of the parts, which is NaN "
        "at the origin: see atan2-at-origin. Phases of spectra meet it in every silent bin.",
        portable="Replace such numbers by 1 with where, before the angle.",
        references=(
            "https://github.com/pytorch/pytorch/issues/98276",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.angle.html",
        ),
    ),
)
