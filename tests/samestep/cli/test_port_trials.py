"""``samestep port --selftest``: what it prints, keeps and returns."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from samestep.cli import port_trials
from samestep.port_bugs import FAITHFUL, TRIALS, PortTrial
from samestep.port_trials import PortTrialResult, try_port
from samestep.table import load_tables

show_port_trials = partial(port_trials.show_port_trials, in_process=True)


@pytest.fixture(scope="module")
def found() -> dict[PortTrial, PortTrialResult]:
    return {trial: try_port(trial) for trial in (FAITHFUL[0], TRIALS[0])}


@pytest.fixture(autouse=True)
def two_trials(found: dict[PortTrial, PortTrialResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """A faithful port and a bug, each really checked, once for all tests."""
    monkeypatch.setattr(port_trials, "FAITHFUL", FAITHFUL[:1])
    monkeypatch.setattr(port_trials, "TRIALS", TRIALS[:1])
    monkeypatch.setattr(port_trials, "try_port", found.__getitem__)


def test_the_table_is_printed_and_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert show_port_trials(as_json=False, markdown=False, folder=tmp_path) == 0
    printed = capsys.readouterr().out
    assert "1 of 1 caught" in printed
    assert "eps=1e-06" in "".join(printed.split())
    assert list(load_tables(tmp_path)) == ["port-bugs"]


def test_json_and_markdown_are_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_port_trials(as_json=True, markdown=False, folder=None) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["holds"]
    assert content["bugs"][0]["quantity"] == "activation norm"
    assert show_port_trials(as_json=False, markdown=True, folder=None) == 0
    assert capsys.readouterr().out.startswith("## Planted bugs of ports")


def test_a_false_alarm_is_printed_and_fails(
    capsys: pytest.CaptureFixture[str],
    found: dict[PortTrial, PortTrialResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port_trials, "try_port", lambda _: found[TRIALS[0]])
    assert show_port_trials(as_json=False, markdown=False, folder=None) == 1
    assert "FALSE ALARM mlp/epsilon in float32: activation norm" in capsys.readouterr().out
