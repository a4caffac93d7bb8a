"""Special functions at points where they are smooth and their formulas are not."""

from __future__ import annotations

import math
from typing import Any

from samestep.probes import Probe, Value


def derivatives_of_sinc(mp: Any) -> object:
    return {"first": mp.chop(mp.diff(mp.sincpi, 0)), "second": mp.diff(mp.sincpi, 0, 2)}


PROBES = (
    Probe(
        id="sinc-at-0",
        title="sinc at 0",
        question="What are the first and the second derivative of sinc(x) at 0?",
        truth=Value({"first": 0.0, "second": -(math.pi**2) / 3}, derivatives_of_sinc),
        why="sin(pi x) / (pi x) is 0 / 0 at 0, and so is the formula of its derivative. PyTorch "
        "repaired the first derivative with a where around the formula, and the next one falls "
        "into the trap of where-nan-trap; it is a known error. JAX's rule differentiates a series, "
        "so all orders are right.",
        portable="Once differentiated it is portable; else the series 1 - (pi x)^2 / 6 + "
        "(pi x)^4 / 120 near 0.",
        references=(
            "https://github.com/pytorch/pytorch/issues/56760",
            "https://github.com/pytorch/pytorch/issues/89459",
            "https://github.com/pytorch/pytorch/issues/196703",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.sinc.html",
        ),
    ),
    Probe(
        id="bessel-i0-at-0",
        title="Bessel's I0 at 0",
        question="What is the derivative of the modified Bessel function I0 at 0?",
        truth=Value(
            0.0,
            lambda mp: mp.besseli(1, 0),
            remark="I0' = I1; I0 is even and smooth, without a kink.",
        ),
        why="JAX computes exp(|x|) times the scaled function, a product of two kinks that cancel: "
        "with abs'(0) = 1 and sign(0) = 0 they do not, and a smooth function gets a wrong "
        "derivative. The threads tell of it and of its repair. PyTorch returns I1.",
        portable="where(x == 0, 1 + x^2 / 4, i0(x)), until the repaired version.",
        references=(
            "https://github.com/jax-ml/jax/issues/40628",
            "https://github.com/jax-ml/jax/pull/40640",
            "https://github.com/jax-ml/jax/issues/11479",
        ),
    ),
)
