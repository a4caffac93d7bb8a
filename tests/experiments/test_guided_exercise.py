"""The exercise that the guide writes: it is short, and sees that weight decay is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from guides import ROOT, Guide

import samestep
from samestep import Experiment, Lab
from samestep.interface import Backend
from samestep.planted import BUGS, BrokenBackend

SOURCE = next(
    b.text for b in Guide(ROOT / "experiments/README.md").blocks if b.language == "python"
)
LONGEST = 60

HELD = {"overfits": True, "shorter": True, "training": True, "validation": True}
IGNORED = {"overfits": True, "shorter": False, "training": False, "validation": False}


@pytest.fixture(scope="module")
def exercise() -> Experiment:
    namespace: dict[str, Any] = {"__name__": "weight_decay"}
    exec(compile(SOURCE, "weight_decay.py", "exec"), namespace)
    found = namespace["EXPERIMENT"]
    assert isinstance(found, Experiment)
    return found


def conduct(exercise: Experiment, backend: Backend) -> Lab:
    lab = Lab(exercise, [backend], seeds=16)
    exercise.run(lab)
    return lab


def test_an_exercise_is_short() -> None:
    assert len(SOURCE.splitlines()) < LONGEST


def test_a_backend_that_decays_the_weights_bears_the_claims_out(
    exercise: Experiment, dtype: str
) -> None:
    lab = conduct(exercise, samestep.backend("torch", dtype=dtype))
    assert {claim.id: claim.holds for claim in lab.claims} == HELD
    assert lab.agreements
    assert all(agreement.holds for agreement in lab.agreements)


def test_a_backend_that_ignores_the_decay_contradicts_them(exercise: Experiment) -> None:
    bug = next(bug for bug in BUGS if bug.id == "no-decay")
    lab = conduct(exercise, BrokenBackend(samestep.backend("torch"), bug))
    assert {claim.id: claim.holds for claim in lab.claims} == IGNORED
    # The laboratory says so as well, of every plan with decay and of nothing else.
    failed = {(a.plan, a.quantity) for a in lab.agreements if not a.holds}
    assert {quantity for _, quantity in failed} == {"update"}
    assert all(a.holds for a in lab.agreements if a.plan == "weight decay 0")
