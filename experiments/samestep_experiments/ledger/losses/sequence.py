"""Losses of sequences whose alignment is unknown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from samestep.interface import Array, Backend
from samestep.ledger.formula import exp, log, log_softmax, logsumexp, reduce, stack
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step, rename
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Integers, normal, rounded

__all__ = ["SEQUENCE"]

T, N, C, S = 5, 4, 3, 3


def ctc(
    prediction: Term,
    target: Integers,
    input_lengths: Integers,
    target_lengths: Integers,
    *,
    blank: int,
    reduction: str,
) -> Term:
    """By definition: the probability of every path that collapses to the target, added up."""
    log_p = log_softmax(prediction)
    losses = []
    for n in range(len(target)):
        steps = int(input_lengths[n])
        paths = _paths(steps, tuple(target[n, : target_lengths[n]]), blank)
        if len(paths):
            each = log_p[np.arange(steps), n, paths].sum(-1)
            losses.append(-logsumexp(each))
        else:
            losses.append(-log(0.0 * exp(log_p[:steps, n].sum())))
    if reduction == "mean":
        weights = 1 / np.maximum(target_lengths, 1)
        return (stack(losses) * weights).sum() / len(losses)
    return reduce(stack(losses), reduction)


def _paths(steps: int, target: tuple[int, ...], blank: int) -> Integers:
    """All labellings of the steps that become the target without repeats and blanks."""
    found = [
        path
        for path in itertools.product(range(C), repeat=steps)
        if tuple(k for k, _ in itertools.groupby(path) if k != blank) == target
    ]
    return np.array(found, dtype=np.int64).reshape(-1, steps)


def _batch_first(backend: Backend, call: Call) -> Call:
    x = call.arguments["prediction"]
    rows = [x[:, n] for n in range(x.shape[1])]
    return call.without("prediction").with_arguments(logits=backend.xp.stack(rows, axis=0))


def _padding(backend: Backend, lengths: Array, size: int) -> Array:
    """One where a sequence has ended, zero before."""
    ended = backend.asarray(np.arange(size))[None, :] >= lengths[:, None]
    return backend.xp.where(ended, backend.asarray(1.0), backend.asarray(0.0))


def _input_padding(backend: Backend, call: Call) -> Call:
    padding = _padding(backend, call.arguments["input_lengths"], T)
    return call.without("input_lengths").with_arguments(logit_paddings=padding)


def _target_padding(backend: Backend, call: Call) -> Call:
    padding = _padding(backend, call.arguments["target_lengths"], S)
    return call.without("target_lengths").with_arguments(label_paddings=padding)


def _divide_by_lengths(backend: Backend, call: Call) -> Call:
    if call.options["reduction"] != "mean":
        return call
    one, length = backend.asarray(1.0), call.arguments["target_lengths"]
    # Multiplied by a number of the working precision: a quotient of integers may have another.
    return call.with_arguments(weight=one / backend.xp.where(length > 1, one * length, one))


_TARGET = np.array([[1, 2, 1], [2, 2, 0], [1, 0, 0], [2, 1, 2]])
_RANDOM = {
    "prediction": normal(95, T, N, C, scale=1.5),
    "target": _TARGET,
    "input_lengths": np.array([5, 4, 3, 5]),
    "target_lengths": np.array([3, 2, 1, 2]),
}
_EDGES = {
    **_RANDOM,
    # Barely feasible; two steps for a repeated label, which needs three; empty; longer than its
    # input.
    "input_lengths": np.array([3, 2, 4, 2]),
    "target_lengths": np.array([3, 2, 0, 3]),
}
_EXTREME = {**_RANDOM, "prediction": rounded(np.resize([0, 200, -200, 88, -1e4], (T, N, C)))}

_LAYOUT = (
    Step("arguments", "(time, batch, classes) becomes (batch, time, classes)", _batch_first),
    Step("mask", "input_lengths become a padding of 0 and 1", _input_padding),
    Step("mask", "target_lengths become a padding of 0 and 1", _target_padding),
    rename("arguments", "target is called labels", "target", "labels"),
    rename("parameter", "blank is called blank_id", "blank", "blank_id"),
)
_LENGTHS = Step(
    "reduction", "mean: each loss is divided by its target's length", _divide_by_lengths
)

_CTC = LossEntry(
    id="ctc",
    family="sequence",
    title="Connectionist temporal classification",
    formula="-log(sum over paths that collapse to the target of prod(softmax(z_t)[path_t]))",
    latex=r"\ell = -\log \sum_{\pi : B(\pi) = y} \prod_t \operatorname{softmax}(z_t)_{\pi_t}",
    purpose="Speech and handwriting: labels without their positions in time.",
    remarks=(
        "The input is logits or log-probabilities: the logarithm of softmax leaves the latter as "
        "they are.",
        "The gradient with respect to log-probabilities is that of the loss after a log_softmax, "
        "on either side: as a function of log-probabilities alone it would lack e^z.",
        "A target that does not fit gives infinity on one side, about 1e5 on the other.",
        "The mean divides each loss by the length of its target first.",
    ),
    reference=ctc,
    cases=(
        Case("random", _RANDOM, {"blank": 0}),
        Case("infeasible and empty targets", _EDGES, {"blank": 0}, adversarial=True),
        Case("extreme logits", _EXTREME, {"blank": 0}, adversarial=True),
    ),
    reductions=("none", "mean"),
    # The lengths are used up by the padding, so the reduction comes first.
    conversion=(_LENGTHS, *_LAYOUT),
)

SEQUENCE = (
    _CTC,
    replace(
        _CTC,
        id="ctc-forward-probabilities",
        title="Connectionist temporal classification, with its forward variables",
        reductions=("none",),
        conversion=_LAYOUT,
    ),
)
