"""The fairness gate: every reason for which it refuses a ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from samestep.benchmarking.gate import Conditions, rule

OURS = Conditions(
    name="ours",
    problem="",
    dtype="float32",
    device="cpu",
    threads=1,
    recording="every step",
    compiler="none",
    does_more="",
    stacked=False,
)
THEIRS = replace(OURS, name="theirs")

DIFFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "precision": ({"dtype": "float64"}, "float32 against float64"),
    "device": ({"device": "gpu"}, "cpu against gpu"),
    "threads": ({"threads": 4}, "1 against 4"),
    "recording": ({"recording": "final"}, "every step against final"),
    "compile effort": ({"compiler": "LLVM"}, "eager against compiled"),
    "stacking": ({"stacked": True}, "one by one against stacked"),
    "work": (
        {"does_more": "validates after each epoch"},
        "theirs validates after each epoch",
    ),
}


def test_equal_conditions_are_fair() -> None:
    ruling = rule(OURS, THEIRS)
    assert ruling.fair
    assert (ruling.refusals, ruling.named) == ((), ())


@pytest.mark.parametrize("condition", DIFFERENCES)
def test_a_condition_that_differs_is_refused_and_named(condition: str) -> None:
    change, difference = DIFFERENCES[condition]
    ruling = rule(OURS, replace(THEIRS, **change))
    assert not ruling.fair
    assert ruling.refusals == (f"{condition} differs: {difference}",)


@pytest.mark.parametrize("condition", DIFFERENCES)
def test_the_condition_that_is_compared_is_named_and_no_other_let_through(condition: Any) -> None:
    change, difference = DIFFERENCES[condition]
    ruling = rule(OURS, replace(THEIRS, **change), (condition,))
    assert ruling.fair
    assert ruling.named == (difference,)
    other = {"device": "gpu:1"} if condition != "device" else {"dtype": "float64"}
    assert len(rule(OURS, replace(THEIRS, **change, **other), (condition,)).refusals) == 1


def test_a_difference_is_found_whichever_side_it_is_on() -> None:
    for change, _ in DIFFERENCES.values():
        assert not rule(replace(OURS, **change), THEIRS).fair


def test_two_compilers_are_the_same_effort() -> None:
    assert rule(replace(OURS, compiler="XLA"), replace(THEIRS, compiler="LLVM")).fair


@pytest.mark.parametrize("side", [0, 1])
def test_nobody_is_compared_who_has_not_proved_parity(side: int) -> None:
    pair = [OURS, THEIRS]
    pair[side] = replace(pair[side], problem="gradient of step 3")
    ruling = rule(pair[0], pair[1], tuple(DIFFERENCES))  # type: ignore[arg-type]  # all of them
    assert ruling.refusals == (f"{pair[side].name}: gradient of step 3",)


def test_all_reasons_are_given() -> None:
    worse = replace(THEIRS, problem="it is wrong", dtype="float64", recording="final")
    assert len(rule(OURS, worse).refusals) == 3
