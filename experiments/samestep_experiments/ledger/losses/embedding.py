"""Losses of distances between embeddings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from samestep.ledger.formula import absolute, exp, log, maximum, reduce, relu, sqrt
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.tape import Term
from samestep_experiments.ledger.losses.inputs import Integers, normal, rounded

__all__ = ["EMBEDDING"]

N, D = 10, 4
_TRIPLETS = ("prediction", "positive", "negative")


def _hinge(near: Term, far: Term, margin: float, reduction: str) -> Term:
    return reduce(relu(margin + near - far), reduction)


def _distance(a: Term, b: Term, p: int, eps: float) -> Term:
    """``|a - b + eps|_p``: eps is added to each difference."""
    d = a - b + eps
    return absolute(d).sum(-1) if p == 1 else sqrt((d * d).sum(-1))


def triplet(
    prediction: Term,
    positive: Term,
    negative: Term,
    *,
    margin: float,
    p: int,
    eps: float,
    swap: bool,
    reduction: str,
) -> Term:
    """``max(0, margin + d(a, p) - d(a, n))``; swap takes d(p, n) where it is smaller."""
    near = _distance(prediction, positive, p, eps)
    far = _distance(prediction, negative, p, eps)
    if swap:
        far = -maximum(-far, -_distance(positive, negative, p, eps))
    return _hinge(near, far, margin, reduction)


def triplet_of_power_sums(
    prediction: Term, positive: Term, negative: Term, *, margin: float, eps: float, reduction: str
) -> Term:
    """The same with distances ``sqrt(sum((a - b)^2) + eps)``."""
    near, far = (
        sqrt(((prediction - x) * (prediction - x)).sum(-1) + eps) for x in (positive, negative)
    )
    return _hinge(near, far, margin, reduction)


def triplet_of_squares(
    prediction: Term, positive: Term, negative: Term, *, margin: float, reduction: str
) -> Term:
    """The same with squared distances."""
    near, far = (((prediction - x) * (prediction - x)).sum(-1) for x in (positive, negative))
    return _hinge(near, far, margin, reduction)


def ntxent(prediction: Term, target: Integers, *, temperature: float) -> Term:
    """Mean over pairs of one class of ``log(e^c + sum of the other classes' e^c) - c``."""
    n, d = prediction.shape
    least = float(np.finfo(prediction.tape.dtype).eps)  # what squared norms are clamped at
    unit = prediction / sqrt(maximum((prediction * prediction).sum(-1, keepdims=True), least))
    cosines = (unit.reshape(n, 1, d) * unit.reshape(1, n, d)).sum(-1) / temperature
    alike: npt.NDArray[np.bool_] = target[:, None] == target[None, :]
    pairs: npt.NDArray[np.bool_] = alike & ~np.eye(n, dtype=bool)
    others = (exp(cosines) * ~alike).sum(-1, keepdims=True)
    return ((log(exp(cosines) + others) - cosines) * pairs).sum() / float(pairs.sum())


def _triplets() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = {name: normal(80 + k, N, D) for k, name in enumerate(_TRIPLETS)}
    anchor = np.zeros((N, D))
    positive, negative = normal(84, N, D), normal(85, N, D)
    positive[0] = negative[0] = 0  # all three coincide
    positive[1] = 0
    negative[2] = 0
    positive[3], negative[3] = [3, 0, 0, 0], [4, 0, 0, 0]  # the margin is met exactly
    positive[4] = negative[4]
    positive[5], negative[5] = 1e20, 1
    positive[6], negative[6] = 1e-30, 1e-25
    positive[7], negative[7] = 1e-4, 1e-3
    special = {"prediction": anchor, "positive": positive, "negative": negative}
    return random, {name: rounded(x) for name, x in special.items()}


_RANDOM, _SPECIAL = _triplets()


def _cases(*settings: dict[str, float | bool]) -> tuple[Case, ...]:
    return tuple(
        Case(name, arguments, options, adversarial)
        for options in settings
        for name, arguments, adversarial in (
            ("random" + _describe(options), _RANDOM, False),
            ("vectors that coincide, tiny and huge" + _describe(options), _SPECIAL, True),
        )
    )


def _describe(options: dict[str, float | bool]) -> str:
    return ", p = 1, swapped" if options.get("swap") else ""


_CLASSES = np.array([0, 1, 0, 1, 2, 2, 0, 3, 1, 2])

EMBEDDING = (
    LossEntry(
        id="triplet",
        family="embedding",
        title="Triplet margin",
        formula="max(0, margin + d(a, p) - d(a, n)), d(a, b) = |a - b + eps|_p",
        latex=r"\ell = \max(0, m + d(a, p) - d(a, n)), \quad d(a, b) = \|a - b + \epsilon\|_p",
        purpose="Embeddings: an anchor nearer to its like than to another, by a margin.",
        remarks=(
            "eps is added to every difference, so the distance is not quite symmetric and has a "
            "gradient where both points coincide.",
        ),
        reference=triplet,
        cases=_cases(
            {"margin": 1.0, "p": 2, "eps": 1e-6, "swap": False},
            {"margin": 0.5, "p": 1, "eps": 1e-6, "swap": True},
        ),
        predictions=_TRIPLETS,
    ),
    LossEntry(
        id="triplet-power-sum",
        family="embedding",
        title="Triplet margin, eps under the root",
        formula="max(0, margin + d(a, p) - d(a, n)), d(a, b) = sqrt(sum((a - b)^2) + eps)",
        latex=r"\ell = \max(0, m + d(a, p) - d(a, n)),"
        r" \quad d(a, b) = \sqrt{\|a - b\|^2 + \epsilon}",
        purpose="As triplet; the distance is smooth where points coincide.",
        remarks=(
            "Of points that coincide the distance is sqrt(eps) = 1e-3, a thousand times eps.",
            "Its norm_degree other than 2 raises signed differences to that power: for odd degrees "
            "the result is no distance and may be negative or NaN.",
        ),
        reference=triplet_of_power_sums,
        cases=_cases({"margin": 1.0, "eps": 1e-6}),
        predictions=_TRIPLETS,
    ),
    LossEntry(
        id="triplet-with-distance",
        family="embedding",
        title="Triplet margin with a distance of one's own",
        formula="max(0, margin + d(a, p) - d(a, n)); here d(a, b) = sum((a - b)^2)",
        latex=r"\ell = \max(0, m + d(a, p) - d(a, n))",
        purpose="As triplet, with any distance.",
        reference=triplet_of_squares,
        cases=_cases({"margin": 1.0}),
        predictions=_TRIPLETS,
    ),
    LossEntry(
        id="ntxent",
        family="embedding",
        title="Normalised temperature-scaled cross-entropy",
        formula="mean over pairs (i, j) of one class of log(e^c_ij + sum(e^c_ik)) - c_ij, k of "
        "other classes, c = cosine / temperature",
        latex=r"\ell = \frac1{|P|}\sum_{(i,j) \in P} \log\Big(e^{c_{ij}} +"
        r" \sum_{k : y_k \ne y_i} e^{c_{ik}}\Big) - c_{ij}",
        purpose="Contrastive learning: views of one thing near each other, far from all others.",
        remarks=(
            "Unlike SimCLR's, the other positives of an anchor are not in the denominator.",
            "Without any pair of one class it is 0/0.",
        ),
        reference=ntxent,
        cases=(
            Case(
                "random",
                {"prediction": normal(86, N, D), "target": _CLASSES},
                {"temperature": 0.5},
            ),
            Case(
                "no pair of one class",
                {"prediction": normal(86, N, D), "target": np.arange(N)},
                {"temperature": 0.5},
                adversarial=True,
            ),
            Case(
                "zero vectors",
                {
                    "prediction": rounded(normal(86, N, D) * (np.arange(N) % 3 > 0)[:, None]),
                    "target": _CLASSES,
                },
                {"temperature": 0.5},
                adversarial=True,
            ),
        ),
        reductions=(),
    ),
)
