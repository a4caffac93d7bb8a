"""Losses of numbers, in correspondence: every verdict is proven on both frameworks."""

from __future__ import annotations

import pytest
from loss_verdicts import CONVERTED, NONE, SAME, check, check_ordinary

from samestep.ledger.book import Ledger
from samestep.ledger.conduct import losses
from samestep.ledger.page import LossPage

EXPECTED = {
    "squared-error": (SAME, set()),
    "half-squared-error": (CONVERTED, set()),
    "absolute-error": (NONE, {"kink"}),
    "huber": (SAME, {"digits lost"}),
    "smooth-l1": (CONVERTED, {"digits lost"}),
    "log-cosh": (NONE, set()),
    "cosine-similarity": (CONVERTED, set()),
    "cosine-distance": (NONE, set()),
    "cosine-embedding": (NONE, set()),
    "poisson-nll": (NONE, set()),
    "gaussian-nll": (NONE, set()),
    "sigmoid-bce": (SAME, {"digits lost"}),
    "sigmoid-bce-weighted": (CONVERTED, {"digits lost"}),
    "sigmoid-bce-positives": (NONE, {"digits lost"}),
    "bce": (CONVERTED, {"not finite", "not the formula"}),
    "soft-margin": (CONVERTED, {"not finite"}),
    "focal": (NONE, {"digits lost"}),
    "sparsemax": (NONE, set()),
}


@pytest.fixture(scope="module")
def ledger() -> Ledger[LossPage]:
    return losses("regression", "likelihood", "binary")


def test_verdicts_are_those_that_are_known(ledger: Ledger[LossPage]) -> None:
    check(ledger.pages, EXPECTED)
    assert ledger.holds


@pytest.mark.parametrize("id", EXPECTED)
def test_ordinary_inputs_differ_by_rounding_alone(ledger: Ledger[LossPage], id: str) -> None:
    check_ordinary(ledger[id])


def test_a_small_residual_gets_no_gradient_from_one_sides_huber(ledger: Ledger[LossPage]) -> None:
    lost = [p for p in ledger["huber"].proof.points if p.dtypes == ("float32",)]
    assert {(p.values["jax"], abs(p.values["torch"]) > 0) for p in lost} == {(0.0, True)}


def test_the_table_has_a_row_for_each_and_its_page_behind_it(ledger: Ledger[LossPage]) -> None:
    table = ledger.table()
    assert [row.cells[0] for row in table.rows] == list(EXPECTED)
    titles = {detail.title for row in table.rows for detail in row.details}
    assert {"Formula", "Purpose", "Errors", "torch: torch.nn.HuberLoss"} <= titles
