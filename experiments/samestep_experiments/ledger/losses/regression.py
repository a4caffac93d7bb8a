"""Losses of a residual, and the cosine of two vectors."""

from __future__ import annotations

import numpy as np

from samestep.ledger.formula import absolute, logsumexp, maximum, reduce, relu, sqrt, stack, where
from samestep.ledger.loss_entry import Case, LossEntry, factor, rename
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, normal, rounded, signs

__all__ = ["REGRESSION"]

_ROWS = 42

# Residuals at and beside every kink (0, 0.5, 1), tiny, large, and with a square beyond float32.
_RESIDUALS = [0.0, -0.0]
_RESIDUALS += [sign * r for r in (1e-30, 1e-9, 1e-4, 0.3, 1e4, 1e19) for sign in (-1, 1)]
_RESIDUALS += [
    sign * float(np.nextafter(np.float32(kink), np.float32(side)))
    for kink in (0.5, 1.0)
    for side in (0, kink, 2)
    for sign in (-1, 1)
]
_RESIDUALS += [0.0] * (_ROWS - len(_RESIDUALS))

_EXTREME = rounded(_RESIDUALS)


def _elementwise(*deltas: dict[str, float]) -> tuple[Case, ...]:
    """Return random and adversarial residuals for each set of options."""
    random = {"prediction": normal(1, _ROWS, scale=2), "target": normal(2, _ROWS)}
    extreme = {"prediction": _EXTREME, "target": np.zeros(_ROWS)}
    one = {"prediction": rounded([0.7]), "target": rounded([-0.4])}
    cases = []
    for options in deltas or ({},):
        name = "".join(f", {key} = {value:g}" for key, value in options.items())
        cases.append(Case(f"random{name}", random, options))
        cases.append(Case(f"kinks and extremes{name}", extreme, options, adversarial=True))
    return (*cases, Case("one element", one, deltas[0] if deltas else {}))


def squared_error(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``r^2``."""
    r = prediction - target
    return reduce(r * r, reduction)


def half_squared_error(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``r^2 / 2``."""
    r = prediction - target
    return reduce(0.5 * r * r, reduction)


def absolute_error(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``|r|``."""
    return reduce(absolute(prediction - target), reduction)


def _huber(r: Term, delta: float) -> Term:
    """Quadratic up to delta, linear beyond; a slope may be computed as a difference from delta."""
    return r.map(
        lambda x: np.where(np.abs(x) <= delta, x * x / 2, delta * (np.abs(x) - delta / 2)),
        lambda x: np.clip(x, -delta, delta),
        slope_terms=delta,
    )


def huber(prediction: Term, target: Float64, *, delta: float, reduction: str) -> Term:
    """Half the squared error up to delta, linear beyond."""
    return reduce(_huber(prediction - target, delta), reduction)


def smooth_l1(prediction: Term, target: Float64, *, beta: float, reduction: str) -> Term:
    """Huber's loss over beta."""
    return reduce(_huber(prediction - target, beta) / beta, reduction)


def log_cosh(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``log(cosh(r))`` as ``log(e^r + e^-r) - log(2)``."""
    r = prediction - target
    return reduce(logsumexp(stack([r, -r]), axis=0) - np.log(2), reduction)


def cosine_similarity(prediction: Term, target: Float64, *, epsilon: float, reduction: str) -> Term:
    """Cosine of the angle between rows; squared norms are at least epsilon."""
    a, b = prediction, prediction.tape.constant(target)
    lengths = [sqrt(maximum((x * x).sum(-1), epsilon)) for x in (a, b)]
    return reduce((a * b).sum(-1) / (lengths[0] * lengths[1]), reduction)


def cosine_distance(prediction: Term, target: Float64, *, epsilon: float, reduction: str) -> Term:
    """One minus the cosine."""
    cosine = cosine_similarity(prediction, target, epsilon=epsilon, reduction="none")
    return reduce(1 - cosine, reduction)


_ADDED = float(np.float32(1e-12))  # a float32 constant, whatever the precision of the input


def cosine_embedding(
    prediction: Term, other: Term, target: Float64, *, margin: float, reduction: str
) -> Term:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1."""
    lengths = [(x * x).sum(-1) + _ADDED for x in (prediction, other)]
    cosine = (prediction * other).sum(-1) / sqrt(lengths[0] * lengths[1])
    return reduce(where(target == 1, 1 - cosine, relu(cosine - margin)), reduction)


# Random rows, then: zero vectors, parallel, opposite, orthogonal, tiny, and with squares beyond
# float32.
_A = normal(3, 7, 4)
_B = normal(4, 7, 4)
_SPECIAL_A = rounded(
    np.array([[0.0] * 4] * 2 + [[1.0, 2, 3, 4]] * 2 + [[1, 0, 0, 0], [1e-25] * 4, [1e20] * 4])
)
_SPECIAL_B = rounded(
    [[1, 1, 1, 1], [0, 0, 0, 0], [2, 4, 6, 8], [-1, -2, -3, -4], [0, 1, 0, 0]] + [[1, 2, 3, 4]] * 2
)


def _angles(second: str, **options: float) -> tuple[Case, ...]:
    random, special = {"prediction": _A, second: _B}, {"prediction": _SPECIAL_A, second: _SPECIAL_B}
    shown = "".join(f", {name} = {value:g}" for name, value in options.items())
    return (
        Case("random" + shown, random, options),
        Case("zero, parallel, tiny and huge vectors" + shown, special, options, adversarial=True),
    )


def _labelled(case: Case) -> Case:
    return Case(
        case.name,
        {**case.arguments, "target": signs(5, 7)},
        case.options,
        adversarial=case.adversarial,
    )


_CLAMPED = rename(
    "parameter",
    "epsilon bounds squared norms, eps bounds norms: eps = sqrt(epsilon)",
    "epsilon",
    "eps",
    via=np.sqrt,
)

REGRESSION = (
    LossEntry(
        id="squared-error",
        family="regression",
        title="Squared error",
        formula="r^2, r = prediction - target",
        latex=r"\ell = (\hat y - y)^2",
        purpose="Regression with Gaussian noise; its minimiser is the mean.",
        remarks=("There is no factor 1/2 here: half-squared-error has it.",),
        reference=squared_error,
        cases=_elementwise(),
    ),
    LossEntry(
        id="half-squared-error",
        family="regression",
        title="Half of the squared error",
        formula="r^2 / 2",
        latex=r"\ell = \tfrac12 (\hat y - y)^2",
        purpose="Squared error with a factor that makes the gradient equal to the residual.",
        reference=half_squared_error,
        cases=_elementwise(),
        conversion=(factor("half of the mean squared error", lambda call: 0.5),),
    ),
    LossEntry(
        id="absolute-error",
        family="regression",
        title="Absolute error",
        formula="|r|",
        latex=r"\ell = |\hat y - y|",
        purpose="Regression that outliers cannot dominate; its minimiser is the median.",
        reference=absolute_error,
        cases=_elementwise(),
    ),
    LossEntry(
        id="huber",
        family="regression",
        title="Huber's loss",
        formula="r^2 / 2 if |r| <= delta, else delta (|r| - delta / 2)",
        latex=r"\ell = \begin{cases} r^2/2 & |r| \le \delta \\"
        r" \delta(|r| - \delta/2) & \text{otherwise}\end{cases}",
        purpose="Squared error near zero, absolute error far away: gradients are clipped at delta.",
        remarks=(
            "One side computes the slope as r - delta + delta: it is 0 where |r| is below the unit "
            "roundoff times delta, and has few digits where |r| is small.",
        ),
        reference=huber,
        cases=_elementwise({"delta": 1.0}, {"delta": 0.5}),
    ),
    LossEntry(
        id="smooth-l1",
        family="regression",
        title="Smooth L1",
        formula="r^2 / (2 beta) if |r| <= beta, else |r| - beta / 2",
        latex=r"\ell = \begin{cases} r^2/(2\beta) & |r| \le \beta \\"
        r" |r| - \beta/2 & \text{otherwise}\end{cases}",
        purpose="Huber's loss with slope 1 in the tails, whatever beta is.",
        remarks=("At beta = 1 it is Huber's loss, which hides the difference.",),
        reference=smooth_l1,
        cases=_elementwise({"beta": 1.0}, {"beta": 0.5}),
        conversion=(
            factor("Huber's loss divided by beta", lambda call: 1 / call.options["beta"]),
            rename("parameter", "delta = beta", "beta", "delta"),
        ),
    ),
    LossEntry(
        id="log-cosh",
        family="regression",
        title="Logarithm of the hyperbolic cosine",
        formula="log(cosh(r)) = log(e^r + e^-r) - log(2)",
        latex=r"\ell = \log\cosh(\hat y - y)",
        purpose="A smooth relative of Huber's loss with delta = 1.",
        remarks=(
            "Near zero the loss is r^2 / 2, but it is computed as a difference of numbers near "
            "log(2): below |r| = 1e-4 nothing of it is left in float32. The gradient is fine.",
        ),
        reference=log_cosh,
        cases=_elementwise(),
    ),
    LossEntry(
        id="cosine-similarity",
        family="regression",
        title="Cosine similarity",
        formula="a.b / (sqrt(max(a.a, epsilon)) sqrt(max(b.b, epsilon)))",
        latex=r"\ell = \frac{a \cdot b}"
        r"{\sqrt{\max(\|a\|^2, \epsilon)\max(\|b\|^2, \epsilon)}}",
        purpose="How much two vectors point the same way; a similarity, not yet a loss.",
        remarks=(
            "The default epsilon is 0 on one side and 1e-8, for norms, on the other: zero vectors "
            "give NaN or 0.",
        ),
        reference=cosine_similarity,
        cases=(
            *_angles("target", epsilon=2.0**-20),
            *(c for c in _angles("target", epsilon=0.0) if c.adversarial),
        ),
        conversion=(_CLAMPED,),
    ),
    LossEntry(
        id="cosine-distance",
        family="regression",
        title="Cosine distance",
        formula="1 - a.b / (sqrt(max(a.a, epsilon)) sqrt(max(b.b, epsilon)))",
        latex=r"\ell = 1 - \frac{a \cdot b}"
        r"{\sqrt{\max(\|a\|^2, \epsilon)\max(\|b\|^2, \epsilon)}}",
        purpose="Distance of directions.",
        remarks=("cosine-embedding comes near it, but adds 1e-12 to the squared norms.",),
        reference=cosine_distance,
        cases=_angles("target", epsilon=2.0**-20),
        conversion=(_CLAMPED,),
    ),
    LossEntry(
        id="cosine-embedding",
        family="regression",
        title="Cosine embedding",
        formula="1 - cos if y = 1, max(0, cos - margin) if y = -1; 1e-12 added to squared norms",
        latex=r"\ell = \begin{cases} 1 - \cos(a, b) & y = 1 \\"
        r" \max(0, \cos(a, b) - m) & y = -1\end{cases}",
        purpose="Pairs that should point the same way, and pairs that should not.",
        remarks=("The 1e-12 is no option but a constant, rounded to float32: 9.99999996e-13.",),
        reference=cosine_embedding,
        cases=tuple(map(_labelled, _angles("other", margin=0.25))),
        predictions=("prediction", "other"),
    ),
)
