"""Losses of embeddings, images and sequences, proven on both frameworks."""

from __future__ import annotations

import math

import pytest
from loss_verdicts import CONVERTED, DIFFERENT, NONE, check, check_ordinary

from samestep.ledger.book import Ledger
from samestep.ledger.conduct import losses
from samestep.ledger.page import LossPage

EXPECTED = {
    "triplet": (DIFFERENT, {"kink"}),
    "triplet-power-sum": (DIFFERENT, {"kink"}),
    "triplet-with-distance": (NONE, set()),
    "ntxent": (NONE, set()),
    "dice": (NONE, set()),
    "binary-dice": (NONE, set()),
    "generalized-dice": (NONE, set()),
    "ctc": (CONVERTED, {"not finite"}),
    "ctc-forward-probabilities": (CONVERTED, {"not finite"}),
}


@pytest.fixture(scope="module")
def ledger() -> Ledger[LossPage]:
    return losses("embedding", "segmentation", "sequence")


def test_verdicts_are_those_that_are_known(ledger: Ledger[LossPage]) -> None:
    check(ledger.pages, EXPECTED)


@pytest.mark.parametrize("id", EXPECTED)
def test_ordinary_inputs_differ_by_rounding_alone(ledger: Ledger[LossPage], id: str) -> None:
    check_ordinary(ledger[id])


def test_an_infeasible_alignment_is_infinite_or_a_hundred_thousand(
    ledger: Ledger[LossPage],
) -> None:
    values = [p.values for p in ledger["ctc"].proof.points if p.quantity == "value" and p.index]
    assert len(values) == 2  # too few steps for a repeated label; longer than its input
    for value in values:
        assert math.isinf(value["torch"])
        assert value["jax"] == pytest.approx(1e5, rel=1e-4)
