"""Ports of real models: the faithful ones agree, and every planted bug is caught and named."""

from __future__ import annotations

import functools
import importlib
import sys

import pytest
import torch

import samestep
from samestep.errors import UsageError
from samestep.port_bugs import FAITHFUL, MODELS, TRIALS, PortTrial
from samestep.port_trials import PortTrialResult, try_port
from samestep.port_trials_outcome import PortTrials

pytestmark = pytest.mark.slow


@functools.cache
def tried(trial: PortTrial) -> PortTrialResult:
    """Try each port once; one thread, because the arrays are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return try_port(trial)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("trial", FAITHFUL, ids=lambda t: f"{t.model}-{t.dtype}")
def test_a_faithful_port_takes_the_same_steps(trial: PortTrial) -> None:
    result = tried(trial).result
    assert result is not None
    assert result.holds, str(result)
    assert result.steps == 3
    assert result.dtype == trial.dtype
    assert len(result.activations.pairs) >= 5


@pytest.mark.parametrize("trial", TRIALS, ids=lambda t: t.id)
def test_a_planted_bug_is_caught_located_and_named(trial: PortTrial) -> None:
    found = tried(trial)
    assert found.caught
    assert found.located, f"{found.place}, expected {trial.place}\n{found.result}"
    assert found.cause_right, f"{found.cause}, expected {trial.causes}\n{found.result}"


@pytest.mark.parametrize("model", MODELS)
def test_every_bug_of_a_port_is_tried(model: str) -> None:
    module = importlib.import_module(f"samestep_jax.examples.{model}")
    assert [trial.bug for trial in TRIALS if trial.model == model] == list(module.BUGS)


def test_an_unknown_bug_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="Unknown bug of the MLP's port 'epsilom'"):
        samestep.backend("jax").native["port/mlp"]("epsilom")


def test_without_flax_the_trials_that_need_it_are_said_to_be_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "samestep_jax.examples.cnn", raising=False)
    monkeypatch.setitem(sys.modules, "flax", None)
    trial = next(t for t in TRIALS if t.model == "cnn")
    found = try_port(trial)
    assert found.result is None
    assert "flax" in found.not_run
    outcome = PortTrials([], [found])
    assert not outcome.holds
    assert "1 trials were not run" in outcome.summary()
    assert "flax" in outcome.table().to_markdown()


def test_the_table_counts_what_was_found() -> None:
    trial = TRIALS[0]
    outcome = PortTrials([tried(FAITHFUL[0])], [tried(trial)])
    assert outcome.holds
    assert outcome.table().id == "port-bugs"
    assert "1 of 1 caught, 1 in the right layer" in outcome.summary()
    (row,) = outcome.table().rows
    assert row.cells[:3] == ("mlp", trial.description, "step 0, activation norm")
    assert outcome.to_dict()["bugs"][0]["causes"][0] == "epsilon"


def test_a_bug_that_is_not_found_and_a_false_alarm_fail() -> None:
    faithful, buggy = tried(FAITHFUL[0]), tried(TRIALS[0])
    missed = PortTrialResult(TRIALS[0], faithful.result)
    assert not PortTrials([faithful], [missed]).holds
    assert not PortTrials([buggy], [buggy]).holds
    elsewhere = PortTrialResult(TRIALS[1], buggy.result)
    assert not PortTrials([faithful], [elsewhere]).holds
