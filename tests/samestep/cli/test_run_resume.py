"""``samestep run --out`` again: what is complete is taken up, all else is run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import cli_stubs
import pytest

from samestep import runner
from samestep.storage import load_trace
from samestep.summary import load_summary

ON = ("--on", "steady", "--on", "alone", "--seeds", "50", "--out", "here")
NOT_AGAIN = "from this command and these versions, and not run again. --fresh runs all anew."


@pytest.fixture
def runs(stubs, monkeypatch) -> list[str]:
    """Exercises that were run, in order."""
    ids: list[str] = []
    original = cli_stubs.Sound.run

    def run(self, lab):
        ids.append(self.id)
        return original(self, lab)

    monkeypatch.setattr(cli_stubs.Sound, "run", run)
    return ids


def files(folder: Path) -> dict[str, int]:
    """Files of a folder and when each was last written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_what_is_complete_is_not_run_again(samestep, runs, tmp_path):
    first = samestep("run", "sound", "pictured", *ON)
    written, figures = load_summary(tmp_path / "here"), files(tmp_path / "here" / "figures")
    second = samestep("run", "sound", "pictured", *ON)
    assert runs == ["sound", "pictured"]
    assert "earlier" not in first.errors
    assert f"sound, pictured: complete in here, {NOT_AGAIN}" in second.errors
    assert (first.status, second.status) == (0, 0)
    # The total says how long it took.
    assert second.output.splitlines()[:4] == first.output.splitlines()[:4]
    again = load_summary(tmp_path / "here")
    assert again.ok
    assert again.exercises == written.exercises
    assert files(tmp_path / "here" / "figures") == figures
    assert (tmp_path / "here" / "report.html").exists()


def test_fresh_runs_all_anew(samestep, runs):
    samestep("run", "sound", *ON)
    done = samestep("run", "sound", *ON, "--fresh")
    assert runs == ["sound", "sound"]
    assert "holds an earlier run" in done.errors
    assert "not run again" not in done.errors


@pytest.mark.parametrize(
    "changed", [("--seeds", "51"), ("--dtype", "float32"), ("--set", "count=4"), ("--on", "numpy")]
)
def test_another_command_takes_nothing_up(samestep, runs, changed):
    samestep("run", "sound", *ON)
    done = samestep("run", "sound", *ON, *changed)
    assert runs == ["sound", "sound"]
    assert "holds an earlier run" in done.errors


def test_other_code_takes_nothing_up(samestep, runs, monkeypatch):
    samestep("run", "sound", *ON)
    monkeypatch.setattr(runner, "code_digest", lambda module: f"another {module}")
    samestep("run", "sound", *ON)
    assert runs == ["sound", "sound"]


def test_what_was_interrupted_is_gone_on_with(samestep, runs, tmp_path, monkeypatch):
    assert samestep("run", "sound", "interrupted", "wrong", *ON).status == 130
    monkeypatch.setattr(cli_stubs.Interrupted, "run", cli_stubs.Sound.run)
    done = samestep("run", "sound", "interrupted", "wrong", *ON)
    assert runs == ["sound", "interrupted", "wrong"]
    assert done.status == 1
    written = load_summary(tmp_path / "here")
    assert [e.id for e in written.exercises] == ["sound", "interrupted", "wrong"]
    # A false claim is a result like another.
    assert samestep("run", "sound", "interrupted", "wrong", *ON).status == 1
    assert len(runs) == 3
    # All three gave their plan one name: no trace took another's place.
    names = [name for e in written.exercises for by in e.traces.values() for name in by.values()]
    assert len(set(names)) == len(names) == 3 * 4
    assert all(load_trace(tmp_path / "here" / name).plan.steps for name in names)


def test_what_broke_down_is_run_again(samestep, runs):
    samestep("run", "defective", *ON)
    done = samestep("run", "defective", *ON)
    assert runs == ["defective", "defective"]
    assert "holds an earlier run" in done.errors


def test_what_a_participant_failed_in_is_run_again(samestep, runs):
    arguments = ("run", "sound", "--on", "steady", "--on", "broken", "--out", "here")
    assert samestep(*arguments).status == samestep(*arguments).status == 2
    assert runs == ["sound", "sound"]


@pytest.mark.parametrize(
    ("pattern", "content", "said"),
    [
        ("figures/wrong-line.png", None, "is missing"),
        ("traces/*wrong*steady*32.npz", None, "is no stored trace"),
        ("traces/*wrong*steady*32.npz", b"PK", "is no stored trace"),
    ],
)
def test_what_is_missing_or_damaged_is_run_again(samestep, runs, tmp_path, pattern, content, said):
    samestep("run", "sound", "wrong", *ON)
    (path,) = (tmp_path / "here").glob(pattern)
    path.unlink() if content is None else path.write_bytes(content)
    done = samestep("run", "sound", "wrong", *ON)
    assert runs == ["sound", "wrong", "wrong"]
    assert "wrong is run again: " in done.errors
    assert said in done.errors
    assert f"sound: complete in here, {NOT_AGAIN}" in done.errors
    assert path.stat().st_size > 100


def test_a_damaged_summary_takes_nothing_up(samestep, runs, tmp_path):
    samestep("run", "sound", *ON)
    (tmp_path / "here" / "summary.json").write_text("{")
    assert samestep("run", "sound", *ON).status == 0
    assert runs == ["sound", "sound"]


def test_figures_of_another_run_are_not_taken_for_its_own(samestep, runs, tmp_path, monkeypatch):
    samestep("run", "sound", *ON)
    with monkeypatch.context() as patch:  # killed before anything is drawn
        patch.setattr("samestep.cli.run.FigureWriter.add", lambda *_: None)
        patch.setattr("samestep.cli.run._Session._save", lambda _: 0)
        samestep("run", "sound", *ON, "--set", "learning_rate=0.01")
    done = samestep("run", "sound", *ON, "--set", "learning_rate=0.01")
    assert runs == ["sound"] * 3
    assert "sound is run again: here/figures/sound-line.svg is missing." in done.errors


@pytest.mark.slow
def test_kill_of_the_parent_keeps_what_is_complete(tmp_path):
    command = [Path(sys.executable).with_name("samestep"), "run", "book-versions"]
    command += ["gradient-access", "--seeds", "20", "--out", "here"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("book-versions"):
                break
        figures = [figure.name for figure in load_summary(tmp_path / "here").exercises[0].figures]
        while not all((tmp_path / "here/figures" / f"{name}.png").exists() for name in figures):
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    before = load_summary(tmp_path / "here")
    # The second exercise goes on while figures of the first are drawn, and may be through by now.
    kept = [e.id for e in before.exercises]
    assert kept + before.not_run == ["book-versions", "gradient-access"]
    assert kept
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "book-versions: complete in here" in done.stderr
    after = load_summary(tmp_path / "here")
    assert [e.id for e in after.exercises] == ["book-versions", "gradient-access"]
    assert after.exercises[0].seconds == before.exercises[0].seconds
    assert after.ok
