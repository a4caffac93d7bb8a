"""Keras asks for its framework once in a process, so each of its peers gets one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from peer_cases import SMALL, cases, installed

from samestep.benchmarking.crew import Crew
from samestep.benchmarking.parity import prove
from samestep.benchmarking.task import open_fit
from samestep.benchmarking.workload import Workload

KERAS = ["keras torch", "keras jax"]
END = replace(SMALL, record="final")


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """One process for each peer."""
    with Crew() as crew:
        yield crew


@pytest.mark.parametrize(("name", "workload"), cases(KERAS, [END]))
def test_the_end_is_that_of_the_plan(crew: Crew, name: str, workload: Workload) -> None:
    peer = installed(name)
    _, outcome = crew.ask(name, peer.backend, open_fit, peer, workload)
    assert outcome.record is None
    parity = prove(workload, outcome, name)
    assert parity.holds, parity
    assert {values.dtype.name for values in outcome.final.values()} == {workload.dtype}
    spoiled = replace(workload, learning_rate=0.0301)
    _, outcome = crew.ask(name, peer.backend, open_fit, peer, spoiled)
    assert not prove(workload, outcome, name).holds


def test_keras_stays_with_the_framework_that_it_was_imported_for(crew: Crew) -> None:
    for name in KERAS:
        installed(name)
    first, second = (installed(name) for name in KERAS)
    crew.ask(first.name, first.backend, open_fit, first, END)
    with pytest.raises(Exception, match="Keras works on torch in this process, not on jax"):
        crew.ask(first.name, first.backend, open_fit, second, END)
