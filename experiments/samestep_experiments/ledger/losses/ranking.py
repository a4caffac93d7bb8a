"""Losses of an order of items."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from samestep.interface import Backend
from samestep.ledger.formula import log_softmax, reduce, stack
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, normal, rounded, uniform

__all__ = ["RANKING"]

N, ITEMS = 6, 5
_SCORES = normal(60, N, ITEMS, scale=2)
_RELEVANCE = rounded(np.random.default_rng(61).integers(0, 4, (N, ITEMS)))

_FAR_BELOW = -1e30
"""A score that no softmax sees beside others, and that is finite."""


def ranking_softmax(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``-sum(y log softmax(s))`` for each list."""
    return reduce(-(log_softmax(prediction) * target).sum(-1), reduction)


def masked_ranking_softmax(
    prediction: Term,
    target: Float64,
    mask: npt.NDArray[np.bool_],
    weight: Float64,
    *,
    reduction: str,
) -> Term:
    """The same over the items of the mask; the mean is over the lists that have any."""
    losses = []
    for n, kept in enumerate(mask):
        log_p = log_softmax(prediction[n][kept]) if kept.any() else prediction[n][kept]
        losses.append(-(log_p * target[n, kept] * weight[n, kept]).sum())
    if reduction != "mean":
        return reduce(stack(losses), reduction)
    return stack(losses).sum() / float(mask.any(-1).sum())


def _mask_scores(backend: Backend, call: Call) -> Call:
    scores, mask = call.arguments["prediction"], call.arguments["mask"]
    far_below = backend.asarray(_FAR_BELOW) + backend.xp.zeros_like(scores)
    return call.with_arguments(prediction=backend.xp.where(mask, scores, far_below))


def _mask_targets(backend: Backend, call: Call) -> Call:
    target, mask = call.arguments["target"], call.arguments["mask"]
    return call.with_arguments(target=backend.xp.where(mask, target, backend.xp.zeros_like(target)))


def _weigh_targets(backend: Backend, call: Call) -> Call:
    weighted = call.arguments["target"] * call.arguments["weight"]
    return call.with_arguments(target=weighted).without("weight")


def _divide_by_lists(backend: Backend, call: Call) -> Call:
    mask = call.arguments["mask"]
    rest = call.without("mask")
    if call.options["reduction"] != "mean":
        return rest
    one = backend.asarray(1.0)
    lists = backend.xp.sum(backend.xp.where(backend.xp.any(mask, axis=-1), one, 0 * one))
    return rest.with_options(reduction="sum").times(1 / lists)


def _masked_cases() -> tuple[Case, ...]:
    mask = np.random.default_rng(62).random((N, ITEMS)) < 0.6
    mask[:, 0] = True
    mask[1] = False
    mask[2] = np.arange(ITEMS) == 1
    arguments = {"prediction": _SCORES, "target": _RELEVANCE, "weight": uniform(63, N, ITEMS)}
    some = mask.copy()
    some[1, 2] = True
    return (
        Case("random", {**arguments, "mask": some}),
        Case("a list without items", {**arguments, "mask": mask}, adversarial=True),
    )


RANKING = (
    LossEntry(
        id="ranking-softmax",
        family="ranking",
        title="Ranking by softmax",
        formula="-sum(y log(softmax(s))) over the items of a list",
        latex=r"\ell = -\sum_i y_i \log \frac{e^{s_i}}{\sum_j e^{s_j}}",
        purpose="Lists of items with relevances, as in a search engine (ListNet).",
        remarks=("It is cross-entropy with targets that need not sum to 1.",),
        reference=ranking_softmax,
        cases=(
            Case("random", {"prediction": _SCORES, "target": _RELEVANCE}),
            Case(
                "no relevant item, extreme scores",
                {
                    "prediction": rounded(np.resize([0, 1e4, -1e4, 88, 1e30], (N, ITEMS))),
                    "target": rounded(np.where(np.arange(N)[:, None] % 2 == 0, 0, _RELEVANCE)),
                },
                adversarial=True,
            ),
        ),
    ),
    LossEntry(
        id="ranking-softmax-masked",
        family="ranking",
        title="Ranking by softmax, with a mask and weights",
        formula="-sum(w y log(softmax(s))) over the items kept; the mean is over lists with any",
        latex=r"\ell = -\sum_{i \in M} w_i y_i \log \frac{e^{s_i}}{\sum_{j \in M} e^{s_j}}",
        purpose="Lists of different length.",
        remarks=("Scores of masked items must not become minus infinity: 0 times that is NaN.",),
        reference=masked_ranking_softmax,
        cases=_masked_cases(),
        conversion=(
            Step("mask", "scores of masked items are far below all others: -1e30", _mask_scores),
            Step("mask", "targets of masked items are 0", _mask_targets),
            Step("target", "targets are multiplied by the weights", _weigh_targets),
            Step("reduction", "mean: the sum, divided by the lists with items", _divide_by_lists),
        ),
    ),
)
