"""Losses of classes, in correspondence: every verdict is proven on both frameworks."""

from __future__ import annotations

import pytest
from loss_verdicts import CONVERTED, NONE, SAME, check, check_ordinary

from samestep.ledger.book import Ledger
from samestep.ledger.conduct import losses
from samestep.ledger.page import LossPage

EXPECTED = {
    "cross-entropy": (SAME, {"not the formula"}),
    "cross-entropy-axis": (CONVERTED, set()),
    "cross-entropy-probabilities": (SAME, set()),
    "safe-softmax": (SAME, {"not finite"}),
    "cross-entropy-ignored": (CONVERTED, {"not finite"}),
    "cross-entropy-weighted": (CONVERTED, {"not the formula"}),
    "cross-entropy-probabilities-weighted": (CONVERTED, set()),
    "label-smoothing": (CONVERTED, set()),
    "label-smoothing-weighted": (CONVERTED, set()),
    "nll": (NONE, set()),
    "linear-cross-entropy": (CONVERTED, set()),
    "adaptive-softmax": (NONE, set()),
    "poly": (NONE, set()),
    "fenchel-young": (SAME, set()),
    "multiclass-sparsemax": (NONE, set()),
}


@pytest.fixture(scope="module")
def ledger() -> Ledger[LossPage]:
    return losses("softmax", "classification")


def test_verdicts_are_those_that_are_known(ledger: Ledger[LossPage]) -> None:
    check(ledger.pages, EXPECTED)


@pytest.mark.parametrize("id", EXPECTED)
def test_ordinary_inputs_differ_by_rounding_alone(ledger: Ledger[LossPage], id: str) -> None:
    check_ordinary(ledger[id])


def test_large_equal_logits_lose_the_value_on_one_side(ledger: Ledger[LossPage]) -> None:
    points = [p for p in ledger["cross-entropy"].proof.points if p.quantity == "value"]
    equal = next(p for p in points if p.reference == pytest.approx(0.6931472))
    assert equal.values["torch"] == pytest.approx(0.6931472, abs=1e-7)
    assert abs(equal.values["jax"] - 0.6931472) > 1e-4
