"""Commands that let frameworks work in processes of their own: the parent imports none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from small_distributions import lay_out

Process = Callable[..., subprocess.CompletedProcess[str]]

CRASHING = """
[project]
name = "samestep-crashing"
version = "1"
[project.entry-points."samestep.backends"]
crashing = "samestep_crashing:CrashingBackend"
"""

CRASH = """
import os, sys
print("cannot find its driver", file=sys.stderr, flush=True)
os.abort()
"""

TWO_TRIALS = """
from samestep.cli import port_trials
port_trials.FAITHFUL, port_trials.TRIALS = port_trials.FAITHFUL[:1], port_trials.TRIALS[:1]
"""

STEP = ["step", "--steps", "1", "--on", "jax", "--on", "torch", "--dtype", "float64"]


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """An interpreter that notes that it was used."""
    script = tmp_path / "interpreter"
    script.write_text(f'#!/bin/sh\necho used > "{tmp_path}/used"\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return script


def test_step(parent: Process) -> None:
    apart = parent(*STEP)
    assert apart.returncode == 0, apart.stderr
    assert apart.stderr == "imported:\n"
    together = parent(*STEP, "--in-process", OMP_NUM_THREADS="1")
    assert together.stderr == "imported: jax optax torch\n"
    assert apart.stdout == together.stdout


def test_step_with_another_interpreter(parent: Process, interpreter: Path) -> None:
    done = parent("step", "--on", "numpy", "--python", f"numpy={interpreter}")
    assert done.returncode == 0, done.stderr
    assert (interpreter.parent / "used").exists()


def test_attribute(parent: Process, interpreter: Path) -> None:
    done = parent("attribute", "data-size", "--on", "torch", "--python", f"torch={interpreter}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "imported:\n"
    assert (interpreter.parent / "used").exists()
    assert "compiled, step by step" in done.stdout


def test_selftest(parent: Process, interpreter: Path) -> None:
    done = parent("selftest", "--on", "torch", "--python", f"torch={interpreter}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("imported:\n")
    assert (interpreter.parent / "used").exists()
    assert "torch/cpu/float64" in done.stdout


@pytest.mark.parametrize(
    ("command", "first", "said"),
    [
        (["losses", "L1Loss"], "", "kink: gradient by prediction"),
        (["optimizers", "sgd-plain"], "", "(sgd-plain): same"),
        (["port", "--selftest"], TWO_TRIALS, "1 of 1 caught"),
        (["atlas", "abs-at-0"], "", "Verdict: values differ."),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_frameworks_side_by_side_in_one_worker(
    command: list[str], first: str, said: str, parent: Process
) -> None:
    done = parent(*command, first=first, COLUMNS="100")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "imported:\n"
    assert said in " ".join(done.stdout.split())


def test_doctor_outlives_a_framework_that_crashes(parent: Process, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(CRASHING)
    (tmp_path / "samestep_crashing.py").write_text(CRASH)
    lay_out(tmp_path, tmp_path)
    done = parent("doctor", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert done.stderr == "imported:\n"
    assert "- The worker of crashing was ended by SIGABRT in the middle of a task." in done.stdout
    assert "cannot find its driver" in done.stdout
    assert done.stdout.count("takes the oracle's step in each of 4 steps") >= 6


def test_ctrl_c_ends_an_examination(tmp_path: Path, gone: Callable[[int], bool]) -> None:
    command = Path(sys.executable).with_name("samestep")
    with subprocess.Popen(
        [command, "losses"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        while not (workers := psutil.Process(parent.pid).children()):
            assert parent.poll() is None
            time.sleep(0.02)
        time.sleep(1)  # it imports the frameworks
        started = time.monotonic()
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
        _, said = parent.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert parent.returncode == 130
    assert said == "Interrupted.\n"
    assert all(gone(worker.pid) for worker in workers)
