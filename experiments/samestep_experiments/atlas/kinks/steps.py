"""Functions with jumps: constant, or linear, in between."""

from __future__ import annotations

import math

from samestep.probes import Derivative, Probe
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS, FORMULAS

SORTED = (
    "https://docs.jax.dev/en/latest/faq.html"
    "#why-are-gradients-zero-for-functions-based-on-sort-order"
)
"""JAX on functions that are piecewise constant."""

PROBES = (
    Probe(
        id="sign-at-0",
        title="sign at 0",
        question="What is the derivative of sign(x) at 0?",
        truth=Derivative(
            lambda m, x: (x > 0) - (x < 0),
            at=0.0,
            left=math.inf,
            right=math.inf,
            remark="It jumps by 1 on both sides; as a distribution its derivative is 2 delta(x).",
        ),
        why="Both return 0 everywhere, which is the derivative at every other point, and teaches a "
        "parameter behind a sign nothing at all. At the jump no number is right.",
        portable="It is portable. To train through a sign use a straight-through estimator, or "
        "tanh(k x).",
        references=(
            CONVENTIONS,
            SORTED,
            FORMULAS,
        ),
    ),
    Probe(
        id="floor-at-integer",
        title="floor at an integer",
        question="What is the derivative of floor(x) at 1?",
        truth=Derivative(lambda m, x: m.floor(x), at=1.0, left=math.inf, right=0.0),
        why="Both define it to be 0 everywhere; at an integer that is the derivative from the "
        "right.",
        portable="It is portable. A loss behind floor does not train.",
        references=(
            SORTED,
            FORMULAS,
        ),
    ),
    Probe(
        id="round-at-half",
        title="round at one half",
        question="What is the derivative of round(x) at 0.5?",
        truth=Derivative(
            lambda m, x: m.ceil(x - 0.5),
            at=0.5,
            left=0.0,
            right=math.inf,
            remark="Half is rounded to even: round(0.5) = 0.",
        ),
        why="Both round half to even, so 0.5 belongs to the step on its left, and both define the "
        "derivative to be 0 everywhere.",
        portable="It is portable. Quantised training puts a straight-through estimator in place.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.round.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.round.html",
            SORTED,
        ),
    ),
    Probe(
        id="remainder-in-divisor",
        title="remainder with respect to the divisor",
        question="What is the gradient of remainder(a, b) at (5.5, 2)?",
        truth=Derivative(
            lambda m, a, b: a - b * m.floor(a / b),
            at=(5.5, 2.0),
            left=(1.0, -2.0),
            right=(1.0, -2.0),
        ),
        why="remainder(a, b) = a - b floor(a / b), and with floor constant nearby the derivative "
        "with respect to b is -floor(a / b). Both have it, away from the jumps.",
        portable="remainder is portable, also with respect to the divisor.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.remainder.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.remainder.html",
        ),
    ),
    Probe(
        id="argmax-gradient",
        title="argmax",
        question="What is the gradient of argmax(x), as a number, at (1, 2)?",
        truth=Derivative(
            lambda m, a, b: 0 if a >= b else 1, at=(1.0, 2.0), left=(0.0, 0.0), right=(0.0, 0.0)
        ),
        why="The function is constant nearby, so its gradient is 0, and JAX says so. In PyTorch an "
        "integer result has no history: it is cut from the graph, and backward raises. The "
        "exception tells what a silent 0 does not: nothing can be learnt through argmax.",
        portable="Do not differentiate it: softmax(k x) has a gradient that means something.",
        references=(
            SORTED,
            "https://docs.pytorch.org/docs/stable/generated/torch.argmax.html",
            CONVENTIONS,
        ),
    ),
)
