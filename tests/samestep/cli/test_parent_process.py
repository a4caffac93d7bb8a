"""Commands that let frameworks work in processes of their own: the parent imports none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., subprocess.CompletedProcess[str]]

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
