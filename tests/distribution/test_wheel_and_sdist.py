"""What is in the wheel and in the source distribution, and that the latter builds the former."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
SOURCES = {"src", "backends", "experiments", "tests", ".ci"}
PAPERS = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}


def in_tree(folder: str, *, below: Path) -> set[str]:
    """Files of a folder, byte code left out, as paths below another one."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {p.relative_to(below).as_posix() for p in found if "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> set[str]:
    """Names of the files of the wheel, its metadata left out."""
    with ZipFile(wheel) as archive:
        return {n for n in archive.namelist() if ".dist-info" not in PurePosixPath(n).parts[0]}


@pytest.fixture(scope="module")
def in_sdist(sdist: Path) -> set[str]:
    """Names of the files of the source distribution, below its one folder."""
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_the_import_packages_and_nothing_else(in_wheel):
    expected = set()
    for package in PACKAGES:
        expected |= in_tree(package, below=(ROOT / package).parent)
    assert in_wheel == expected


def test_the_wheel_holds_what_is_no_python(in_wheel):
    assert {f"{Path(package).name}/py.typed" for package in PACKAGES} <= in_wheel
    assert {"samestep_torch/process.toml", "samestep_jax/process.toml"} <= in_wheel
    assert {
        "samestep/templates/table.html.j2",
        "samestep/templates/report/page.html.j2",
    } <= in_wheel


def test_every_entry_point_is_in_the_wheel(in_wheel):
    points = [*PROJECT["project"]["scripts"].values()]
    for group in PROJECT["project"]["entry-points"].values():
        points += group.values()
    assert len(points) > 20
    for point in points:
        module = point.partition(":")[0].replace(".", "/")
        assert {f"{module}.py", f"{module}/__init__.py"} & in_wheel, point


def test_the_sdist_holds_sources_and_tests_and_nothing_else(in_sdist):
    assert {name.partition("/")[0] for name in in_sdist} == SOURCES | PAPERS
    for folder in SOURCES:
        assert {n for n in in_sdist if n.startswith(f"{folder}/")} == in_tree(folder, below=ROOT)


def test_the_sdist_builds_the_same_wheel(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line for line in changelog.splitlines() if line.startswith("## ")]
    released = [line for line in headings if line != "## [Unreleased]"]
    assert released[0].startswith(f"## [{PROJECT['project']['version']}]")
