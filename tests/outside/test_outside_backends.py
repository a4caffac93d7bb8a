"""Backends of other distributions: certified by the kit, and in step with the built-in ones."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.tags import platform_tags

import samestep
from samestep import Backend, Plan, SyntheticRegression

HERE = Path(__file__).parent
LONGEST = 120

WHEELS = {"mlx": {"manylinux_2_35_x86_64", "manylinux_2_35_aarch64", "macosx_14_0_arm64"}}
"""Platforms on which a framework can be installed, where that is not all; by its name."""

MISTAKES = {
    # Its own take has no gradient.
    "samestep_autograd": ('"take": take', "", "gradients_are_the_closed_forms"),
    # A float becomes float32, and so the rate of a fit in float64.
    "samestep_mlx": (
        "mx.array(learning_rate, self._float)",
        "mx.array(learning_rate)",
        "steps_are_the_written_out_rule",
    ),
}
"""What an author may well write, of which there is one in each: right, wrong, and the check."""

DISTRIBUTIONS = sorted(path.parent for path in HERE.glob("*/pyproject.toml"))

of_each = pytest.mark.parametrize(
    "source", DISTRIBUTIONS, ids=lambda path: path.name, indirect=True
)


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Path:
    """Folder of a distribution whose framework is installed, as the test extra does."""
    folder: Path = request.param
    framework = folder.name.removeprefix("samestep_")
    if not find_spec(framework):
        here = list(platform_tags())
        if framework in WHEELS and WHEELS[framework].isdisjoint(here):
            pytest.skip(f"{framework} has no wheel for {here[0]}")
        pytest.fail(f"this test needs {framework}: pip install '.[test]'")
    return folder


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


def run_kit(name: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the conformance kit on a backend of the folder, as its author would."""
    kit = ["-p", "samestep.testing.plugin", "--pyargs", "samestep.testing", "--backend", name]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *kit, "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@of_each
def test_a_backend_takes_one_short_module(source: Path) -> None:
    assert len((source / f"{source.name}.py").read_text().splitlines()) < LONGEST


@pytest.mark.slow
@of_each
def test_the_kit_certifies_it(source: Path, tmp_path: Path) -> None:
    name = install(source, tmp_path)
    done = run_kit(name, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Certificate: {name} on cpu conforms" in done.stdout


@pytest.mark.slow
@of_each
def test_the_kit_finds_an_authors_mistake(source: Path, tmp_path: Path) -> None:
    right, wrong, check = MISTAKES[source.name]
    name = install(source, tmp_path)
    module = tmp_path / f"{source.name}.py"
    text = module.read_text()
    assert text.count(right) == 1
    module.write_text(text.replace(right, wrong))
    done = run_kit(name, tmp_path, "-k", check)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"No certificate: {name} on cpu fails" in done.stdout


@of_each
def test_it_takes_the_steps_of_the_built_in_ones(
    source: Path, framework: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(source)
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    (target,) = project["entry-points"]["samestep.backends"].values()
    module, _, cls = target.partition(":")
    backend = getattr(importlib.import_module(module), cls)(dtype=framework.dtype)
    problems = [SyntheticRegression().draw(seed) for seed in range(3)]
    rates = (0.003, 0.01, 0.03)
    plans = [
        Plan.of(problems[0], learning_rate=0.03),
        samestep.stack(
            [
                Plan.of(p, learning_rate=r, momentum=0.9, nesterov=True, weight_decay=0.01)
                for p, r in zip(problems, rates, strict=True)
            ]
        ),
    ]
    for plan in plans:
        ours, theirs = (samestep.train(b, plan) for b in (backend, framework))
        assert samestep.compare(ours, theirs).holds
