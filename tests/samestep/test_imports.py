"""Frameworks stay out of the core: in fresh processes, and by the contracts of the imports."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import samestep

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {"torch", "jax", "jaxlib", "optax", "flax", "keras", "tensorflow"}
MODULES = ["samestep", *(m.name for m in pkgutil.walk_packages(samestep.__path__, "samestep."))]


def imported_by(script: str) -> set[str]:
    """Top-level names of what a fresh process has imported after a script."""
    told = f"{script}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_all_modules_of_the_core_together_import_no_framework() -> None:
    assert len(MODULES) > 20
    loaded = imported_by("\n".join(f"import {name}" for name in MODULES))
    assert "samestep" in loaded
    assert not loaded & FRAMEWORKS


def test_importing_the_package_imports_next_to_nothing() -> None:
    loaded = imported_by("import samestep")
    assert not loaded & (FRAMEWORKS | {"numpy", "scipy", "matplotlib", "xarray", "pydantic"})


def test_every_public_name_loads_without_a_framework() -> None:
    loaded = imported_by("import samestep\nfor name in samestep.__all__: getattr(samestep, name)")
    assert not loaded & (FRAMEWORKS | {"matplotlib", "xarray"})


def test_the_exercises_and_the_oracle_import_no_framework() -> None:
    loaded = imported_by(
        "from samestep import registry\n"
        "for name in registry.experiment_names()[:6]: registry.experiment(name)\n"
        "registry.oracle()"
    )
    assert {"samestep_experiments", "samestep_numpy"} <= loaded
    assert not loaded & (FRAMEWORKS | {"samestep_torch", "samestep_jax"})


def test_the_check_sees_a_framework() -> None:
    assert "optax" in imported_by("from samestep import registry\nregistry.backend('jax')")


def test_public_names_are_those_that_are_listed() -> None:
    for name in samestep.__all__:
        assert getattr(samestep, name).__module__.startswith("samestep.")
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        samestep.trian  # noqa: B018


def test_the_contracts_of_the_imports_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kept, 0 broken" in done.stdout
