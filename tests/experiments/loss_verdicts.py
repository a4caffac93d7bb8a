"""What the proofs of losses are expected to come to, shared by the modules that run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from samestep.ledger.page import LossPage
from samestep.ledger.verdict import Verdict

SAME, CONVERTED = Verdict.SAME, Verdict.CONVERTED
NONE, DIFFERENT = Verdict.NO_COUNTERPART, Verdict.DIFFERENT

Expected = Mapping[str, tuple[Verdict, set[str]]]
"""For each entry its verdict, and the kinds of single points at which the sides differ."""


def check(pages: Iterable[LossPage], expected: Expected) -> None:
    """Compare verdicts and kinds of points; a failure shows what was not proven."""
    found = {page.entry.id: page for page in pages}
    unproven = {
        f"{id}, {name}": side.failures
        for id, page in found.items()
        for name, side in page.proof.sides.items()
        if side.failures
    }
    assert not unproven
    summary = {
        id: (page.verdict, {point.kind for point in page.proof.points})
        for id, page in found.items()
    }
    assert summary == expected


def check_ordinary(page: LossPage) -> None:
    """On ordinary inputs all sides keep their bounds, and differ nowhere but by rounding."""
    ordinary = {case.name for case in page.entry.cases if not case.adversarial}
    assert not [point for point in page.proof.points if point.case in ordinary]
    assert page.largest_ratio < 1
    for step in page.proof.steps:
        assert step.without, f"{page.entry.id}: {step.step.text!r} is not needed"
