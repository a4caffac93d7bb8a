"""``samestep explain``, ``attribute`` and ``selftest`` on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import samestep
import samestep.cli.selftest
from samestep.cli.app import app
from samestep.fuzz import random_plan, try_sound
from samestep.planted import BUGS, sound_plan
from samestep.selftest_outcome import SelfTest
from samestep.storage import save_trace
from samestep.table import load_tables

RUNNER = CliRunner()


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Two sound traces, and one with a wrong gradient at step 4."""
    plan = sound_plan()
    for name in ("torch", "jax"):
        save_trace(samestep.train(samestep.backend(name), plan), tmp_path / f"{name}.npz")
    trace = samestep.train(samestep.backend("jax"), plan)
    gradient = {name: values.copy() for name, values in trace.gradient.items()}
    gradient["b"][4] *= -1
    wrong = replace(trace, gradient=gradient, participant="wrong/cpu/float32")
    (tmp_path / "other").mkdir()
    save_trace(wrong, tmp_path / "other" / "wrong.npz")
    return tmp_path


def test_explain_says_that_sound_traces_took_the_same_step(stored: Path) -> None:
    result = RUNNER.invoke(app, ["explain", str(stored)])
    assert result.exit_code == 0
    assert "Same step, every step" in result.stdout


def test_explain_names_the_divergence_and_fails(stored: Path) -> None:
    paths = [str(stored / "torch.npz"), str(stored / "other" / "wrong.npz")]
    result = RUNNER.invoke(app, ["explain", *paths])
    assert result.exit_code == 1
    assert "first divergence at step 4, run 0: gradient, b" in result.stdout
    assert "the recorded gradient is not the one that the update used" in result.stdout


def test_explain_prints_the_bound_with_its_numbers(stored: Path) -> None:
    result = RUNNER.invoke(app, ["explain", str(stored), "--bound"])
    assert "unit roundoff 5.96e-08" in result.stdout
    assert "c(34) = 2.03e-06" in result.stdout
    assert "running error" in result.stdout


@pytest.mark.parametrize("arguments", [["one.npz"], ["missing.npz", "torch.npz"], ["other"]])
def test_explain_refuses_what_it_cannot_compare(stored: Path, arguments: list[str]) -> None:
    (stored / "one.npz").write_bytes((stored / "torch.npz").read_bytes())
    result = RUNNER.invoke(app, ["explain", *(str(stored / name) for name in arguments)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_selftest_as_json_finds_every_bug_and_raises_no_alarm() -> None:
    result = RUNNER.invoke(app, ["selftest", "--sound", "5", "--json"])
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert len(data["bugs"]) == len(BUGS)
    for bug in data["bugs"]:
        assert bug["caught"], bug
        assert bug["step_right"], bug
        assert bug["quantity_right"], bug
        assert bug["cause_right"], bug
    assert data["false_alarms"] == 0
    assert data["sound_runs"] > 10


def test_selftest_keeps_its_tables_and_its_figure_for_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samestep.cli.selftest, "_SIZES", ((8, 1), (8, 16)))
    result = RUNNER.invoke(app, ["selftest", "--sound", "40", "--teeth", "--out", str(tmp_path)])
    assert result.exit_code == 0
    tables = load_tables(tmp_path)
    assert [row.cells[0] for row in tables["planted-bugs"].rows] == [bug.id for bug in BUGS]
    assert all(row.cells[-1] is True for row in tables["planted-bugs"].rows)
    smallest = {(r.cells[0], r.cells[2]): r.cells[3] for r in tables["sensitivity"].rows}
    assert smallest["numpy/cpu/float32", 1] < 1e-5
    assert smallest["numpy/cpu/float64", 16] < 1e-13
    (figure,) = tables["sensitivity"].figures
    assert all((tmp_path / name).stat().st_size > 10_000 for name in figure.files)


def test_the_bound_is_less_than_a_hundred_times_too_wide_in_the_middle() -> None:
    sound = samestep.backend("torch")
    trials = [try_sound(sound, random_plan(seed)) for seed in range(120)]
    looseness = SelfTest([], trials, []).looseness()["float32"]
    assert all(0.01 <= ratio <= 1 for ratio in looseness.values()), looseness


def test_attribute_shows_that_the_batch_policy_matters_more_than_the_framework() -> None:
    result = RUNNER.invoke(app, ["attribute", "loss-reduction"])
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    axes = [words[0] for words in lines if words and words[0] in ("last", "dtype", "framework")]
    assert axes[0] == "last"
    assert set(axes) == {"last", "dtype", "framework"}
