"""Virtual environments that hold what a wheel's requirements ask for, and nothing else.

Each distribution is linked from the environment that runs the tests, so nothing is downloaded. What
is not declared is not there: an import that leaks fails, as it would at a user's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LONGEST = 300
"""Seconds after which a command counts as hung."""


class FreshEnvironment:
    """A virtual environment with one wheel installed, used from a folder elsewhere.

    Parameters
    ----------
    folder : Path
        Is made; holds the environment and the folder in which its commands run.
    wheel : Path
        What is installed, by pip.
    extras : iterable of str
        Extras of the wheel whose requirements are there too.
    """

    def __init__(self, folder: Path, wheel: Path, extras: Iterable[str] = ()) -> None:
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir(parents=True)
        root = folder / "environment"
        venv.create(root, symlinks=True)
        self.binaries = root / "bin"
        self.python = self.binaries / "python"
        paths = sysconfig.get_paths("venv", {"base": str(root), "platbase": str(root)})
        site = Path(paths["purelib"])
        for found in closure(requirements(wheel), extras):
            _link(found, site)
        done = self.pip("install", "--no-deps", "--no-compile", str(wheel))
        assert done.returncode == 0, done.stderr

    def pip(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pip of the tests' environment on this one, without a network."""
        offline = [] if command == "check" else ["--no-index"]
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), command]
        return self._run([*pip, *offline, *arguments])

    def samestep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as it was installed."""
        return self._run([str(self.binaries / "samestep"), *arguments])

    def code(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run Python code."""
        return self._run([str(self.python), "-c", script])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP", "PYTEST"))
        }
        return subprocess.run(
            command,
            cwd=self.elsewhere,
            env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )


def requirements(wheel: Path) -> list[Requirement]:
    """What a wheel declares, extras included."""
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata, _ = parse_email(archive.read(name))
    return [Requirement(text) for text in metadata.get("requires_dist", [])]


def closure(declared: Iterable[Requirement], extras: Iterable[str]) -> Iterable[Distribution]:
    """Find all that pip would install for some requirements, each in a version that is allowed."""
    found: dict[str, Distribution] = {}
    followed: set[tuple[str, frozenset[str]]] = set()
    waiting = [(requirement, frozenset({"", *extras})) for requirement in declared]
    while waiting:
        requirement, asked = waiting.pop()
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in asked):
            continue
        name = canonicalize_name(requirement.name)
        found[name] = distribution(name)
        version = found[name].version
        assert requirement.specifier.contains(version, prereleases=True), (requirement, version)
        inner = frozenset({"", *requirement.extras})
        if (name, inner) not in followed:
            followed.add((name, inner))
            waiting += [(Requirement(text), inner) for text in found[name].requires or ()]
    return found.values()


def _link(found: Distribution, site: Path) -> None:
    """Link what a distribution has put into its folder; scripts and byte code are left out."""
    for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
        assert not (site / top).exists(), f"{top} is of two distributions; one is {found.name}"
        (site / top).symlink_to(Path(str(found.locate_file(top))).resolve())
