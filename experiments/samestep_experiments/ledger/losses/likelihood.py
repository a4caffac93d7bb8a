"""Negative log-likelihoods of a count and of a normal number."""

from __future__ import annotations

import numpy as np

from samestep.ledger.formula import exp, log, reduce
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, normal, rounded, uniform

__all__ = ["LIKELIHOOD"]

_ROWS = 16
_COUNTS = rounded(np.random.default_rng(6).poisson(3, _ROWS))


def poisson(
    prediction: Term, target: Float64, *, log_input: bool, full: bool, eps: float, reduction: str
) -> Term:
    """``rate - y log(rate)``, with Stirling's approximation of ``log(y!)`` if full and y > 1."""
    if log_input:
        loss = exp(prediction) - target * prediction
    else:
        loss = prediction - target * log(prediction + eps)
    if full:
        y = np.where(target > 1, target, 1)
        stirling = y * np.log(y) - y + 0.5 * np.log(2 * np.pi * y)
        loss = loss + np.where(target > 1, stirling, 0)
    return reduce(loss, reduction)


def gaussian(
    prediction: Term, target: Float64, variance: Term, *, full: bool, eps: float, reduction: str
) -> Term:
    """``(log(v) + r^2 / v) / 2`` with v at least eps, but differentiated as if it were not."""
    v = variance.map(lambda x: np.maximum(x, eps), np.ones_like)
    r = prediction - target
    loss = 0.5 * (log(v) + r * r / v)
    return reduce(loss + 0.5 * np.log(2 * np.pi) if full else loss, reduction)


def _poisson_cases() -> tuple[Case, ...]:
    logarithms = {"prediction": normal(7, _ROWS), "target": _COUNTS}
    extreme = {
        "prediction": rounded([-200, -90, -20, -0.0, 0, 20, 88, 89, 200, 710, 0, 0, 0, 0, 0, 0]),
        "target": rounded([0, 1, 2, 0, 1, 5, 1, 1, 1, 1, 0.5, 1, 1.5, 2, 1e4, 1e10]),
    }
    rates = {"prediction": uniform(8, _ROWS, low=0.1, high=6), "target": _COUNTS}
    zero = {
        "prediction": rounded([0, 0, 0, 1e-12, 1e-8, 1e-4, 1e4, 1e30] * 2),
        "target": rounded([0, 1, 2, 0, 1, 2, 0.5, 1] + [1e4] * 8),
    }
    as_log = {"log_input": True, "full": True, "eps": 1e-8}
    as_rate = {"log_input": False, "full": False, "eps": 1e-8}
    return (
        Case("random logarithms", logarithms, as_log),
        Case("extreme logarithms", extreme, as_log, adversarial=True),
        Case("random rates", rates, as_rate),
        Case("rates near zero", zero, as_rate, adversarial=True),
    )


def _gaussian_cases() -> tuple[Case, ...]:
    random = {
        "prediction": normal(9, _ROWS),
        "target": normal(10, _ROWS),
        "variance": uniform(11, _ROWS, low=0.1, high=3),
    }
    clamped = {
        "prediction": rounded([0, 1, 1e-3, 1e-4, 0, 1, 2, 1e4] * 2),
        "target": np.zeros(_ROWS),
        "variance": rounded([0, 0, 0, 1e-7, 1e-6, 1e-6, 1e-20, 1e-6, *[1e20] * 4, *[2e-6] * 4]),
    }
    options = {"full": True, "eps": 1e-6}
    return (
        Case("random", random, options),
        Case("variances below eps", clamped, options, adversarial=True),
    )


LIKELIHOOD = (
    LossEntry(
        id="poisson-nll",
        family="likelihood",
        title="Poisson negative log-likelihood",
        formula="e^p - y p, or p - y log(p + eps); full adds y log(y) - y + log(2 pi y)/2 if y > 1",
        latex=r"\ell = e^{\hat y} - y \hat y \quad\text{or}\quad"
        r" \hat y - y \log(\hat y + \epsilon)",
        purpose="Regression of counts; the prediction is the logarithm of the rate, or the rate.",
        remarks=("Without the full form it is the likelihood up to a constant.",),
        reference=poisson,
        cases=_poisson_cases(),
    ),
    LossEntry(
        id="gaussian-nll",
        family="likelihood",
        title="Gaussian negative log-likelihood",
        formula="(log(v) + r^2 / v) / 2, v = max(variance, eps); full adds log(2 pi) / 2",
        latex=r"\ell = \tfrac12\left(\log v + \frac{(\hat y - y)^2}{v}\right),"
        r" \quad v = \max(\sigma^2, \epsilon)",
        purpose="Regression that predicts its own variance.",
        remarks=(
            "A variance below eps still gets the gradient that eps would have: the clamp is not "
            "differentiated.",
        ),
        reference=gaussian,
        cases=_gaussian_cases(),
        predictions=("prediction", "variance"),
    ),
)
