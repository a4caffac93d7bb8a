"""What is imported is declared, and the constraints for tests are the lower bounds."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = BUILD["project"]
PACKAGES = [ROOT / p for p in BUILD["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
EXTRAS = PROJECT["optional-dependencies"]
USERS = ("torch", "jax", "sweep", "cluster", "testing", "bench")
"""Extras that ask for something and are no developer's."""

OPTIONAL = {"flax", "equinox"}
"""A model that is given to the port check may be written with these: who gives one has them."""


def declared() -> dict[str, Requirement]:
    """Requirements of the package and of its users' extras by name."""
    texts = [*PROJECT["dependencies"], *(text for name in USERS for text in EXTRAS[name])]
    found = {canonicalize_name(r.name): r for r in map(Requirement, texts)}
    del found["samestep"]  # the extra for a cluster contains that for sweeps
    return found


def imported(folder: Path) -> Iterator[str]:
    """Top-level names that the modules of a folder import, wherever in the code."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_what_is_imported_is_declared():
    ours = {package.name for package in PACKAGES}
    names = {name for package in PACKAGES for name in imported(package)}
    others = names - ours - sys.stdlib_module_names - OPTIONAL
    assert {"numpy", "torch", "jax", "zarr"} <= others
    providers = packages_distributions()
    for name in others:
        assert name in providers, f"{name} is not installed: pip install '.[test]'"
        assert {canonicalize_name(p) for p in providers[name]} & declared().keys(), name


def test_the_constraints_are_the_lower_bounds():
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    constraints = [Requirement(line) for line in lines if not line.startswith("#")]
    assert {str(c) for c in constraints} == {
        f"{requirement.name}=={bound.version}"
        for requirement in declared().values()
        for bound in requirement.specifier
        if bound.operator == ">="
    }
