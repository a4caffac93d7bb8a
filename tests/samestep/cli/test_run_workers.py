"""``samestep run`` with a process per participant: real frameworks, really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from samestep import Evidence, Experiment, Lab, Plan, SyntheticRegression, UsageError, runner
from samestep.cli.run import run_exercises
from samestep.summary import load_summary

Process = Callable[..., subprocess.CompletedProcess[str]]


def test_the_parent_imports_no_framework_and_finds_the_same(parent: Process) -> None:
    command = ["run", "book-versions", "--seeds", "20", "--dtype", "float64"]
    command += ["--out", "here", "--json"]
    apart = parent(*command)
    assert apart.returncode == 0, apart.stderr
    assert apart.stderr == "imported:\n"
    # The workers of one of them have one thread; see its process.toml.
    together = parent(*command, "--in-process", "--fresh", OMP_NUM_THREADS="1")
    assert together.stderr.endswith("imported: jax optax torch\n")
    (first,), (second,) = (json.loads(r.stdout)["exercises"] for r in (apart, together))
    for exercise in (first, second):
        del exercise["seconds"], exercise["fingerprint"]
    assert first == second


@pytest.mark.slow
def test_every_exercise_can_be_sent_to_a_worker(parent: Process) -> None:
    command = ["run", "--json", "--out", "here", "--on", "jax"]
    done = parent(*command, "--seeds", "2", "--dtype", "float32")
    assert done.returncode == 0, done.stderr
    exercises = json.loads(done.stdout)["exercises"]
    assert len(exercises) >= 6
    assert not [e["id"] for e in exercises if e["error"] or e["failures"]]


class Deadly(Experiment):
    """Trains, has one participant's process end in the middle of its work, and trains again."""

    id: ClassVar = "deadly"
    title: ClassVar = "Deadly"
    question: ClassVar = "?"
    victims: ClassVar = ("jax",)
    hangs: ClassVar = False

    def run(self, lab: Lab) -> str:
        problem = SyntheticRegression(num_train=12, num_val=4, batch_size=4).draw(0)
        lab.train(Plan.of(problem, name="before"), keep=True)
        victims, hangs = self.victims, self.hangs

        def work(backend: Any) -> str:
            if backend.name in victims:
                sys.stderr.write("last words\n")
                sys.stderr.flush()
                if hangs:
                    time.sleep(60)
                os.kill(os.getpid(), signal.SIGKILL)
            return str(backend.label)

        survivors = lab.each(work)
        traces = lab.train(Plan.of(problem, name="after"), keep=True)
        assert list(survivors) == list(traces)
        lab.claim("lives", "They live.", {label: Evidence(True, "seen") for label in traces})
        return "Yes."


class Harmless(Deadly):
    id: ClassVar = "harmless"
    victims: ClassVar = ()


class Sleepy(Deadly):
    """Has one participant hang in the middle of its work."""

    id: ClassVar = "sleepy"
    hangs: ClassVar = True


@pytest.fixture(autouse=True)
def exercises(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {e.id: e for e in (Deadly(), Harmless(), Sleepy())}
    monkeypatch.setattr(runner, "experiment", known.__getitem__)


def run_here(folder: Path, *names: str, **changes: Any) -> int:
    arguments: dict[str, Any] = {
        "on": ["jax", "torch"],
        "dtypes": ["float64"],
        "seeds": 5,
        "settings": [],
        "folder": folder,
        "open_report": False,
        "json": False,
    }
    return run_exercises(names, **(arguments | changes))


def test_a_killed_worker_is_reported_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(tmp_path, "deadly", "harmless") == 2
    said = capsys.readouterr().err
    assert "jax/cpu/float64 raised in deadly: The worker of jax was ended by SIGKILL" in said
    one_is_lost_and_the_rest_is_kept(tmp_path, said)


def test_a_worker_that_hangs_is_ended_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    assert run_here(tmp_path, "sleepy", "harmless", timeout=10.0) == 2
    assert time.monotonic() - started < 50
    said = capsys.readouterr().err
    assert "jax/cpu/float64 raised in sleepy: The worker of jax gave no answer in 10 s" in said
    one_is_lost_and_the_rest_is_kept(tmp_path, said)


def one_is_lost_and_the_rest_is_kept(folder: Path, said: str) -> None:
    assert "last words" in said
    deadly, harmless = load_summary(folder).exercises
    assert list(deadly.failures) == ["jax/cpu/float64"]
    assert "last words" in deadly.failures["jax/cpu/float64"]
    assert deadly.answer == "Yes."
    assert not deadly.complete
    assert not deadly.contradicted
    pairs = {a.plan: a.participants for a in deadly.agreements}
    assert pairs == {
        "before": ["jax/cpu/float64", "torch/cpu/float64"],
        "after": ["torch/cpu/float64", "oracle/float64"],
    }
    assert list(deadly.claims[0].evidence) == ["torch/cpu/float64"]
    # The next exercise has a new process.
    assert harmless.ok
    assert list(harmless.claims[0].evidence) == ["jax/cpu/float64", "torch/cpu/float64"]


def test_if_all_are_lost_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(tmp_path, "deadly", on=["jax"]) == 2
    assert "deadly: Every participant failed. jax/cpu/float64: " in capsys.readouterr().err


def test_an_interpreter_that_cannot_be_used_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="takes no part"):
        run_here(tmp_path, "harmless", python=["other=/bin/python"])
    with pytest.raises(UsageError, match="--python and --in-process"):
        run_here(tmp_path, "harmless", python=["jax=python"], in_process=True)
    with pytest.raises(UsageError, match="--timeout and --in-process"):
        run_here(tmp_path, "harmless", timeout=10.0, in_process=True)
    with pytest.raises(Exception, match=r"The worker of jax cannot be started: /not/there"):
        run_here(tmp_path, "harmless", python=["jax=/not/there"])
    assert not (tmp_path / "summary.json").exists()


def test_an_interpreter_is_used_and_recorded(tmp_path: Path) -> None:
    script = tmp_path / "interpreter"
    script.write_text(f'#!/bin/sh\necho used > "{tmp_path}/used"\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    assert run_here(tmp_path / "out", "harmless", python=[f"jax={script}"]) == 0
    assert (tmp_path / "used").exists()
    command = load_summary(tmp_path / "out").environment["command"]
    assert command.endswith(f"--python jax={script}")
