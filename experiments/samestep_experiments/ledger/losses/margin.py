"""Losses with a margin, of one score or of two."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.ledger.formula import reduce, relu, where
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, normal, pairs, signs

__all__ = ["MARGIN"]

_SCORES, _SIGNS = pairs([0.0, -0.0, 0.5, 1.0, -1.0, 1 - 2.0**-24, 1e-30, 1e30], [-1.0, 1.0])
_ROWS = len(_SCORES)


def hinge(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``max(0, 1 - y z)``."""
    return reduce(relu(1 - prediction * target), reduction)


def perceptron(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``max(0, -y z)``."""
    return reduce(relu(-(prediction * target)), reduction)


def margin_ranking(
    prediction: Term, other: Term, target: Float64, *, margin: float, reduction: str
) -> Term:
    """``max(0, margin - y (a - b))``."""
    return reduce(relu(margin - (prediction - other) * target), reduction)


def hinge_embedding(prediction: Term, target: Float64, *, margin: float, reduction: str) -> Term:
    """The distance itself if y = 1, ``max(0, margin - distance)`` if y = -1."""
    return reduce(where(target == 1, prediction, relu(margin - prediction)), reduction)


def _against_zero(backend: Backend, call: Call) -> Call:
    score = call.arguments["prediction"]
    return call.with_arguments(other=backend.xp.zeros_like(score))


def _difference(backend: Backend, call: Call) -> Call:
    a, b = call.arguments["prediction"], call.arguments["other"]
    return call.with_arguments(prediction=a - b).without("other")


def _unit_margin(backend: Backend, call: Call) -> Call:
    margin = call.options["margin"]
    scaled = call.arguments["prediction"] / margin
    return call.with_arguments(prediction=scaled).without("margin").times(margin)


def _ranking(random_margin: float) -> tuple[Case, ...]:
    options = {"margin": random_margin}
    random = {
        "prediction": normal(43, _ROWS),
        "other": normal(44, _ROWS),
        "target": signs(45, _ROWS),
    }
    exact = {"prediction": _SCORES, "other": np.zeros(_ROWS), "target": _SIGNS}
    return (
        Case("random", random, options),
        Case("ties and margins met exactly", exact, options, adversarial=True),
    )


_SIGNED = (
    Case("random", {"prediction": normal(46, _ROWS, scale=2), "target": signs(47, _ROWS)}),
    Case(
        "margins met exactly, zero, extremes",
        {"prediction": _SCORES, "target": _SIGNS},
        adversarial=True,
    ),
)
_SECOND_SCORE = Step("arguments", "the second score is 0", _against_zero)

MARGIN = (
    LossEntry(
        id="hinge",
        family="margin",
        title="Hinge",
        formula="max(0, 1 - y z), y in {-1, 1}",
        latex=r"\ell = \max(0, 1 - y z)",
        purpose="Binary classification with a margin, as in a support vector machine.",
        reference=hinge,
        cases=_SIGNED,
        conversion=(
            _SECOND_SCORE,
            Step("parameter", "margin = 1", lambda _, call: call.with_options(margin=1.0)),
        ),
    ),
    LossEntry(
        id="perceptron",
        family="margin",
        title="Perceptron",
        formula="max(0, -y z), y in {-1, 1}",
        latex=r"\ell = \max(0, -y z)",
        purpose="Binary classification without a margin.",
        reference=perceptron,
        cases=_SIGNED,
        conversion=(
            _SECOND_SCORE,
            Step("parameter", "margin = 0", lambda _, call: call.with_options(margin=0.0)),
        ),
    ),
    LossEntry(
        id="margin-ranking",
        family="margin",
        title="Margin ranking",
        formula="max(0, margin - y (a - b)), y in {-1, 1}",
        latex=r"\ell = \max(0, m - y (a - b))",
        purpose="Two scores, the first of which should be larger (y = 1) or smaller (y = -1).",
        remarks=("Its default margin is 0: then it is the perceptron's loss of a - b.",),
        reference=margin_ranking,
        cases=_ranking(0.5),
        predictions=("prediction", "other"),
        conversion=(
            Step("prediction", "z = a - b", _difference),
            Step("factor", "margin m: m hinge(z / m)", _unit_margin),
        ),
    ),
    LossEntry(
        id="hinge-embedding",
        family="margin",
        title="Hinge embedding",
        formula="x if y = 1, max(0, margin - x) if y = -1",
        latex=r"\ell = \begin{cases} x & y = 1 \\ \max(0, m - x) & y = -1\end{cases}",
        purpose="A distance x that should be small (y = 1) or at least the margin (y = -1).",
        remarks=("It is no hinge of a score: for y = 1 it has no margin and no lower bound.",),
        reference=hinge_embedding,
        cases=tuple(
            Case(case.name, case.arguments, {"margin": 1.0}, case.adversarial) for case in _SIGNED
        ),
    ),
)
