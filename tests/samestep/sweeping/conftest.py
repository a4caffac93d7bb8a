"""Sweeps that tests share, each stored once, and the command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep_stores import LONG, RAGGED, arrays, equal_to_the_bit, markers

from samestep.sweeping.conduct import sweep
from samestep.sweeping.results import open_sweep


@pytest.fixture
def ragged() -> dict[str, Any]:
    return dict(RAGGED)


@pytest.fixture
def long() -> dict[str, Any]:
    return dict(LONG)


@pytest.fixture(scope="session")
def ragged_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ragged sweep on the oracle's backend, in both precisions, every step."""
    folder = tmp_path_factory.mktemp("sweep") / "ragged"
    sweep(**RAGGED, record="every step", on="numpy", dtype=["float32", "float64"], out=folder)
    return folder


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The arrays of the long sweep on the oracle's backend when nothing happens to it."""
    folder = tmp_path_factory.mktemp("sweep") / "long"
    return arrays(sweep(**LONG, on="numpy", out=folder))


@pytest.fixture
def assert_survived(undisturbed: dict[str, np.ndarray]) -> Callable[..., None]:
    """Run the long sweep to its end and compare it with the undisturbed one."""

    def check(folder: Path, before: dict[str, tuple[int, bytes]]) -> None:
        result = sweep(**LONG, on="numpy", out=folder)
        assert equal_to_the_bit(arrays(result), undisturbed)
        after = markers(folder)
        assert before.items() <= after.items()  # what was complete was not computed again
        assert open_sweep(folder).manifest["runs"] == 336

    return check


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``samestep sweep`` in a process of its own, on the oracle's backend."""

    def start(settings: dict[str, Any], folder: Path, before: str = "", **options: Any) -> Any:
        file = tmp_path / "sweep.toml"
        lines = [f"{name} = {value!r}" for name, value in settings.items()]
        file.write_text("\n".join([*lines, "on = 'numpy'"]) + "\n")
        script = (
            "import sys\nfrom pathlib import Path\n"
            f"{before}\n"
            "from samestep.cli.console import command\n"
            "from samestep.cli.sweep import sweep_file\n"
            "if __name__ == '__main__':\n"
            "    import typer\n"
            "    try:\n"
            f"        command(sweep_file)(Path({str(file)!r}), folder=Path({str(folder)!r}), "
            f"**{options!r})\n"
            "    except typer.Exit as ended:\n"
            "        sys.exit(ended.exit_code)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that a signal may go to it and to all that it started
        )

    return start
