"""Divergences of distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from samestep.interface import Backend
from samestep.ledger.formula import exp, reduce
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Float64, distributions, normal, rounded

__all__ = ["DIVERGENCE"]

N, C = 8, 5


def _log_of(p: Float64) -> Float64:
    return rounded(np.log(p))


def _reduce_rows(losses: Term, reduction: str) -> Term:
    """Reduce elements (n, classes): ``"batchmean"`` divides their sum by n."""
    return losses.sum() / losses.shape[0] if reduction == "batchmean" else reduce(losses, reduction)


def kl(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``p (log(p) - q)``, and ``0`` where p is."""
    logarithm = np.log(target, where=target > 0, out=np.zeros_like(target))
    return _reduce_rows(target * (logarithm - prediction), reduction)


def kl_of_logarithms(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``e^p (p - q)``, both being logarithms."""
    return _reduce_rows(exp(prediction.tape.constant(target)) * (target - prediction), reduction)


def generalized_kl(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``sum(p (log(p) - q) + e^q - p)`` for each row."""
    rows = (kl(prediction, target, reduction="none") + exp(prediction) - target).sum(-1)
    return reduce(rows, reduction)


def _rows_from_elements(backend: Backend, call: Call) -> Call:
    """The other side has summed over the classes already."""
    if call.options["reduction"] != "mean":
        return call
    return call.times(1 / call.arguments["prediction"].shape[-1])


def _batch_mean(backend: Backend, call: Call) -> Call:
    batch = call.options["reduction"] == "batchmean"
    return call.with_options(reduction="mean") if batch else call


def _cases(of: Callable[[Float64], Float64]) -> tuple[Case, ...]:
    q = rounded(normal(70, N, C) - 2)
    p = distributions(71, N, C) + 2.0**-10
    edge = rounded(
        np.array(
            [[0, 0, 0, 0, 1.0], [0, 0.5, 0.5, 0, 0], [0.2] * 5, [0.0] * 5, [1e-30, 1, 0, 0, 0]]
            + [[0.25, 0.25, 0.5, 0, 0]] * 3
        )
    )
    low = rounded([[-1e4] * 5, [-1.0, -1, -1, -np.inf, -np.inf], [-100.0] * 5, [-2.0] * 5] * 2)
    return (
        Case("random", {"prediction": q, "target": of(p)}),
        Case(
            "probabilities 0, logarithms far below 0",
            {"prediction": low, "target": of(edge)},
            adversarial=True,
        ),
    )


def _same(p: Float64) -> Float64:
    return p


def _logarithms(p: Float64) -> Float64:
    with np.errstate(divide="ignore"):
        return _log_of(p)


_CONVERSION = (
    Step(
        "factor",
        "mean: divided by the number of classes, as the rows are sums",
        _rows_from_elements,
    ),
    Step("reduction", "batchmean is the mean of the rows", _batch_mean),
)
_OF_ROWS = ("batchmean", "mean", "sum")
_MEAN = (
    "The mean over all elements divides by the classes too, so it is no mean divergence; batchmean "
    "is."
)
_GENERALIZED = LossEntry(
    id="generalized-kl",
    family="divergence",
    title="Generalised Kullback-Leibler divergence",
    formula="sum(p (log(p) - q) + e^q - p) for each row, q a logarithm",
    latex=r"\ell = \sum_j p_j (\log p_j - q_j) + e^{q_j} - p_j",
    purpose="Distance of positive numbers that need not sum to 1.",
    reference=generalized_kl,
    cases=_cases(_same),
)

DIVERGENCE = (
    LossEntry(
        id="kl",
        family="divergence",
        title="Kullback-Leibler divergence",
        formula="p (log(p) - q), q a logarithm",
        latex=r"\ell = p (\log p - q)",
        purpose="Distance of a predicted distribution from a given one.",
        remarks=(_MEAN, "Unreduced, one side has every element and the other the sums of rows."),
        reference=kl,
        cases=_cases(_same),
        reductions=_OF_ROWS,
        conversion=_CONVERSION,
    ),
    LossEntry(
        id="kl-log-target",
        family="divergence",
        title="Kullback-Leibler divergence, both as logarithms",
        formula="e^p (p - q), p and q logarithms",
        latex=r"\ell = e^p (p - q)",
        purpose="Distance of a predicted distribution from a given one, without underflow.",
        remarks=(_MEAN,),
        reference=kl_of_logarithms,
        cases=_cases(_logarithms),
        reductions=_OF_ROWS,
        conversion=_CONVERSION,
    ),
    _GENERALIZED,
    replace(
        _GENERALIZED,
        id="convex-kl",
        title="Generalised Kullback-Leibler divergence, by its old name",
        purpose="The same as generalized-kl; the name is deprecated.",
    ),
)
