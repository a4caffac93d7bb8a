"""The book's two versions: different as printed, the same step once both differences are mended."""

from __future__ import annotations

import pytest

import samestep
from samestep.results import Result


@pytest.fixture(scope="module")
def result() -> Result:
    return samestep.run("book-versions", on=["torch", "jax"], seeds=64)


def test_every_claim_holds_on_every_participant(result: Result) -> None:
    assert result.ok
    assert [claim.holds for claim in result.claims] == [True] * 4
    exact = {claim.id: claim for claim in result.claims}["mended-loss"]
    assert len(exact.evidence) == 4


def test_one_mended_difference_is_not_enough(result: Result) -> None:
    start = result.traces["first version, start mended"]["torch/cpu/float64"]
    half = result.traces["second version, as printed"]["torch/cpu/float64"]
    assert abs(start.parameters() - half.parameters()).max() > 0.05
    assert not samestep.judge(half, plan=start.plan).holds


def test_the_mended_versions_are_judged_as_the_same_step(result: Result) -> None:
    start = result.traces["first version, start mended"]["jax/cpu/float32"]
    half = result.traces["second version, as printed"]["jax/cpu/float32"].plan
    twice = samestep.train(samestep.backend("jax"), half.vary(learning_rate=0.06))
    assert samestep.judge(twice, plan=start.plan).holds


def test_one_seed_leaves_the_typical_run_undecided() -> None:
    found = samestep.run("book-versions", on="numpy", dtype="float64", seeds=1)
    assert found.ok
    assert [claim.holds for claim in found.claims] == [True, True, None, None]
