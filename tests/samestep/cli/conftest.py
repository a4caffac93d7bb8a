"""The command line in this process, on stub participants and exercises."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cli_stubs
import pytest

from samestep import registry
from samestep.cli import main


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str
    errors: str


Samestep = Callable[..., Outcome]
Process = Callable[..., subprocess.CompletedProcess[str]]

COMMAND_LINE = """
import sys
from samestep.cli import main
sys.argv = ["samestep", *sys.argv[1:]]
try:
    main()
finally:
    print("imported:", *sorted({"jax", "torch", "optax"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register stubs in place of what is installed; call it to register others, by name."""

    def register(
        backends: dict[str, object] | None = None, experiments: dict[str, object] | None = None
    ) -> None:
        found = {
            "samestep.backends": backends or {b.name: b for b in cli_stubs.BACKENDS},
            "samestep.experiments": experiments or {e.id: e for e in cli_stubs.EXPERIMENTS},
        }

        def entry_points(group: str) -> list[cli_stubs.StubEntry]:
            return [cli_stubs.StubEntry(name, what) for name, what in found[group].items()]

        monkeypatch.setattr(registry, "entry_points", entry_points)

    register()
    return register


@pytest.fixture
def samestep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Samestep:
    """Run the command line in this process, in an empty folder, 100 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str | Path) -> Outcome:
        given = list(map(str, arguments))
        # Stubs are known to this process alone.
        for command in ("run", "step", "attribute", "doctor"):
            if command in given:
                given.insert(given.index(command) + 1, "--in-process")
        monkeypatch.setattr(sys, "argv", ["samestep", *given])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Run the installed command in a process of its own, in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("samestep"), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def parent(tmp_path: Path) -> Process:
    """Run the command line in a process that says last which frameworks it imported itself.

    ``first`` is done there before.
    """

    def run(
        *arguments: str, first: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", first + COMMAND_LINE, *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
