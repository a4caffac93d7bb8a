"""Losses with a margin, of lists and of distributions, proven on both frameworks."""

from __future__ import annotations

import pytest
from loss_verdicts import CONVERTED, DIFFERENT, NONE, SAME, check, check_ordinary

from samestep.ledger.book import Ledger
from samestep.ledger.conduct import losses
from samestep.ledger.page import LossPage

EXPECTED = {
    "hinge": (CONVERTED, {"kink"}),
    "perceptron": (CONVERTED, {"kink"}),
    "margin-ranking": (CONVERTED, {"kink"}),
    "hinge-embedding": (DIFFERENT, {"kink"}),
    "multi-margin": (DIFFERENT, {"kink"}),
    "multiclass-hinge": (DIFFERENT, set()),
    "multiclass-perceptron": (NONE, set()),
    "multilabel-margin": (NONE, {"kink"}),
    "multilabel-soft-margin": (CONVERTED, set()),
    "ranking-softmax": (SAME, set()),
    "ranking-softmax-masked": (CONVERTED, set()),
    "kl": (CONVERTED, set()),
    "kl-log-target": (CONVERTED, set()),
    "generalized-kl": (NONE, set()),
    "convex-kl": (NONE, set()),
}


@pytest.fixture(scope="module")
def ledger() -> Ledger[LossPage]:
    return losses("margin", "ranking", "divergence")


def test_verdicts_are_those_that_are_known(ledger: Ledger[LossPage]) -> None:
    check(ledger.pages, EXPECTED)


@pytest.mark.parametrize("id", EXPECTED)
def test_ordinary_inputs_differ_by_rounding_alone(ledger: Ledger[LossPage], id: str) -> None:
    check_ordinary(ledger[id])


def test_torch_itself_has_two_slopes_at_a_hinge(ledger: Ledger[LossPage]) -> None:
    """Where the margin is met exactly: 1 in one of its losses, 0 in another; 1/2 in JAX."""
    met = {id: ledger[id].proof.points[0].values for id in ("margin-ranking", "multi-margin")}
    assert abs(met["margin-ranking"]["torch"]) == 2 * abs(met["margin-ranking"]["jax"]) == 1
    assert met["multi-margin"]["torch"] == 0 != met["multi-margin"]["jax"]
