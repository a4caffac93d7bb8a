"""Backends of other distributions, found by their entry points and certified by the kit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST = 120

DISTRIBUTIONS = sorted(path.parent for path in HERE.glob("*/pyproject.toml"))

of_each = pytest.mark.parametrize("source", DISTRIBUTIONS, ids=lambda path: path.name)


def install(source: Path, folder: Path) -> str:
    """Lay a distribution of one module out as pip does; return the name of its backend.

    pip would fetch the build backend, which a test must not.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    shutil.copy(source / f"{source.name}.py", folder)
    info = folder / f"{source.name}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((name, target),) = project["entry-points"]["samestep.backends"].items()
    (info / "entry_points.txt").write_text(f"[samestep.backends]\n{name} = {target}\n")
    return str(name)


@of_each
def test_a_backend_takes_one_short_module(source: Path) -> None:
    assert len((source / f"{source.name}.py").read_text().splitlines()) < LONGEST


@pytest.mark.slow
@of_each
def test_the_kit_certifies_it(source: Path, tmp_path: Path) -> None:
    framework = source.name.removeprefix("samestep_")
    assert find_spec(framework), f"this test needs {framework}: pip install '.[test]'"
    name = install(source, tmp_path)
    kit = ["-p", "samestep.testing.plugin", "--pyargs", "samestep.testing", "--backend", name]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *kit, "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Certificate: {name} on cpu conforms" in done.stdout
