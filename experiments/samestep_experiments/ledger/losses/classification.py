"""Classification in many classes, other than by plain cross-entropy."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.ledger.formula import log_softmax, logsumexp, reduce, softmax, stack
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.cross_entropy import (
    EXTREME_LOGITS,
    LABELS,
    LOGITS,
    WEIGHT,
)
from samestep_experiments.ledger.losses.inputs import (
    Float64,
    Integers,
    classes,
    distributions,
    normal,
    one_hot,
    rounded,
)

__all__ = ["CLASSIFICATION"]

N, C = LOGITS.shape
TARGETS = distributions(30, N, C)
_ROWS = np.arange(N)


def negative_log_likelihood(
    prediction: Term, target: Integers, weight: Float64, *, reduction: str
) -> Term:
    """``-w[y] log_p[y]``; the mean divides by the sum of ``w[y]``."""
    losses = -prediction[_ROWS, target] * weight[target]
    total = reduce(losses, "sum" if reduction == "mean" else reduction)
    return total / weight[target].sum() if reduction == "mean" else total


def linear_cross_entropy(
    prediction: Term, projection: Term, target: Integers, *, reduction: str
) -> Term:
    """Cross-entropy of ``x W^T``."""
    n, d = prediction.shape
    products = prediction.reshape(n, 1, d) * projection.reshape(1, *projection.shape)
    return reduce(-log_softmax(products.sum(-1))[np.arange(n), target], reduction)


def adaptive(prediction: Term, target: Integers, head: Term, down: Term, up: Term) -> Term:
    """Two clusters: the head's own classes, and one entry for all the others."""
    cutoff = head.shape[0] - 1
    losses = []
    for n, y in enumerate(target):
        x = prediction[n]
        by_head = log_softmax((head * x).sum(-1))
        if y < cutoff:
            losses.append(-by_head[y])
        else:
            hidden = (down * x).sum(-1)
            within = log_softmax((up * hidden).sum(-1))
            losses.append(-(by_head[cutoff] + within[y - cutoff]))
    return reduce(stack(losses), "mean")


def poly(prediction: Term, target: Float64, *, epsilon: float, reduction: str) -> Term:
    """Cross-entropy plus ``epsilon (1 - p_t)``."""
    entropy = -(log_softmax(prediction) * target).sum(-1)
    missed = ((1 - softmax(prediction)) * target).sum(-1)
    return reduce(entropy + epsilon * missed, reduction)


def fenchel_young(prediction: Term, target: Float64, *, reduction: str) -> Term:
    """``logsumexp(z) - t.z``."""
    return reduce(logsumexp(prediction) - (prediction * target).sum(-1), reduction)


def multiclass_sparsemax(prediction: Term, target: Integers, *, reduction: str) -> Term:
    """``p.z - p.p / 2 + 1/2 - z_y``, where p is the point of the simplex nearest to z."""
    losses = []
    for n, y in enumerate(target):
        z = prediction[n]
        descending = np.sort(z.value)[::-1]
        k = np.arange(1, z.shape[0] + 1)
        size = int(np.sum(1 + k * descending > np.cumsum(descending)))
        support = np.argsort(-z.value, kind="stable")[:size]
        # Differences to the target's score, so that large scores cancel exactly.
        d = z[support] - z[y]
        p = d - (d.sum() - 1) / size
        losses.append((p * d).sum() + 0.5 * (1 - (p * p).sum()))
    return reduce(stack(losses), reduction)


def _project(backend: Backend, call: Call) -> Call:
    x, projection = call.arguments["prediction"], call.arguments["projection"]
    return call.without("projection").with_arguments(prediction=backend.xp.matmul(x, projection.T))


def _likelihood_cases() -> tuple[Case, ...]:
    log_p = rounded(LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True)))
    certain = np.where(one_hot(LABELS, C) == 1, 0.0, -np.inf)
    return (
        Case("random", {"prediction": log_p, "target": LABELS, "weight": WEIGHT}),
        Case(
            "probabilities 0 and 1",
            {"prediction": certain, "target": LABELS, "weight": WEIGHT},
            adversarial=True,
        ),
        Case(
            "every row of weight 0",
            {"prediction": log_p, "target": np.full(N, 2), "weight": WEIGHT},
            adversarial=True,
        ),
    )


def _adaptive_cases() -> tuple[Case, ...]:
    arguments = {
        "prediction": normal(31, 6, 8),
        "head": normal(32, 3, 8, scale=0.5),
        "down": normal(33, 2, 8, scale=0.5),
        "up": normal(34, 3, 2),
    }
    return (
        Case("random", {**arguments, "target": np.array([0, 1, 2, 3, 4, 0])}),
        Case("no target in the tail", {**arguments, "target": np.array([0, 1, 1, 0, 0, 1])}),
    )


def _with_targets(**options: float) -> tuple[Case, ...]:
    return (
        Case("random", {"prediction": LOGITS, "target": TARGETS}, options),
        Case(
            "extreme logits, one-hot targets",
            {"prediction": EXTREME_LOGITS, "target": one_hot(LABELS, C)},
            options,
            adversarial=True,
        ),
    )


_LINEAR = {
    "prediction": normal(35, N, 4),
    "projection": normal(36, C, 4),
    "target": classes(37, N, C),
}
_TIED = rounded(np.round(LOGITS))
_LARGE = rounded(np.where(np.isin(_ROWS, (3, 4))[:, None], 0, EXTREME_LOGITS))

CLASSIFICATION = (
    LossEntry(
        id="nll",
        family="classification",
        title="Negative log-likelihood of log-probabilities",
        formula="-w[y] q[y]; the mean divides by the sum of w[y]",
        latex=r"\ell = -w_y q_y, \quad q = \log p",
        purpose="Cross-entropy after a log_softmax of one's own.",
        remarks=(
            "Cross-entropy of logits has the same value at log-probabilities, but not the same "
            "gradient: it differentiates through its own log_softmax.",
        ),
        reference=negative_log_likelihood,
        cases=_likelihood_cases(),
    ),
    LossEntry(
        id="linear-cross-entropy",
        family="classification",
        title="Cross-entropy of a linear layer",
        formula="-log(softmax(W x)[y])",
        latex=r"\ell = -\log \operatorname{softmax}(W x)_y",
        purpose="Large vocabularies: the logits need not be stored.",
        reference=linear_cross_entropy,
        cases=(Case("random", _LINEAR),),
        predictions=("prediction", "projection"),
        conversion=(Step("prediction", "logits = x W^T", _project),),
    ),
    LossEntry(
        id="adaptive-softmax",
        family="classification",
        title="Adaptive softmax",
        formula="-log(h[y]) if y < cutoff, else -log(h[cutoff]) - log(t[y - cutoff]); the mean",
        latex=r"\ell = \begin{cases} -\log h_y & y < c \\"
        r" -\log h_c - \log t_{y - c} & \text{otherwise}\end{cases}",
        purpose="Large vocabularies: rare words share one entry of a short head.",
        reference=adaptive,
        cases=_adaptive_cases(),
        predictions=("prediction", "head", "down", "up"),
        reductions=(),
    ),
    LossEntry(
        id="poly",
        family="classification",
        title="Poly-1 cross-entropy",
        formula="-sum(t log(p)) + epsilon sum(t (1 - p)), p = softmax(z)",
        latex=r"\ell = -\sum_j t_j \log p_j + \epsilon \sum_j t_j (1 - p_j)",
        purpose="Cross-entropy with the first coefficient of its expansion changed.",
        reference=poly,
        cases=_with_targets(epsilon=2.0),
    ),
    LossEntry(
        id="fenchel-young",
        family="classification",
        title="Fenchel-Young loss of the logarithm of a sum of exponentials",
        formula="log(sum(e^z)) - t.z",
        latex=r"\ell = \log\sum_j e^{z_j} - t \cdot z",
        purpose="A loss for any regularised maximum; of this one it is cross-entropy.",
        remarks=("It is cross-entropy only for targets that sum to 1.",),
        reference=fenchel_young,
        cases=_with_targets(),
    ),
    LossEntry(
        id="multiclass-sparsemax",
        family="classification",
        title="Sparsemax",
        formula="p.z - p.p / 2 + 1/2 - z[y], p nearest to z among the distributions",
        latex=r"\ell = p \cdot z - \tfrac12 \|p\|^2 + \tfrac12 - z_y,"
        r" \quad p = \operatorname{arg\,min}_{q \in \Delta} \|q - z\|",
        purpose="Classification with probabilities that may be exactly zero.",
        reference=multiclass_sparsemax,
        cases=(
            Case("random", {"prediction": LOGITS, "target": LABELS}),
            Case("ties", {"prediction": _TIED, "target": LABELS}, adversarial=True),
            Case("extreme logits", {"prediction": _LARGE, "target": LABELS}, adversarial=True),
        ),
    ),
)
