"""What works with each extra alone, installed from the wheel, in another folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fresh_environments import FreshEnvironment

pytestmark = pytest.mark.slow

FRAMEWORKS = ("torch", "jax")
SWEEP = 'on = ["numpy"]\ndtype = ["float64"]\nseeds = 2\nepochs = [1]\n'


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> FreshEnvironment:
    """An environment without any extra."""
    return FreshEnvironment(tmp_path_factory.mktemp("bare"), wheel)


@pytest.fixture(scope="module")
def sweeping(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> FreshEnvironment:
    """An environment for stores, without a framework, and a store there."""
    made = FreshEnvironment(tmp_path_factory.mktemp("sweep"), wheel, ["sweep"])
    (made.elsewhere / "sweep.toml").write_text(SWEEP)
    done = made.samestep("sweep", "sweep.toml", "--out", "store")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module", params=FRAMEWORKS)
def single(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheel: Path
) -> tuple[str, FreshEnvironment]:
    """An environment with one framework, and the results of an exercise there."""
    name: str = request.param
    made = FreshEnvironment(tmp_path_factory.mktemp(name), wheel, [name])
    done = made.samestep("run", "book-versions", "--dtype", "float32", "--seeds", "8")
    assert done.returncode == 0, done.stderr
    return name, made


def lacking(environment: FreshEnvironment, *modules: str) -> None:
    """Assert that some modules cannot be imported there."""
    for module in modules:
        done = environment.code(f"import {module}")
        assert f"No module named '{module}'" in done.stderr


def refused(environment: FreshEnvironment, *arguments: str) -> str:
    """Run a command that must be refused; return what mends it."""
    done = environment.samestep(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


class TestWithoutExtras:
    """Neither framework: what is stored can be read, and the rest says what it needs."""

    def test_nothing_is_missing_but_the_extras(self, bare):
        assert "No broken requirements found" in bare.pip("check").stdout
        lacking(bare, *FRAMEWORKS, "optax", "zarr", "pytest")

    def test_what_there_is_is_listed(self, bare):
        assert bare.samestep("--version").stdout.startswith("samestep ")
        done = bare.samestep("list")
        assert done.returncode == 0, done.stderr
        assert "loss-reduction" in done.stdout
        for name in FRAMEWORKS:
            assert f"pip install 'samestep[{name}]'" in done.stdout

    def test_the_doctor_says_what_is_missing(self, bare):
        done = bare.samestep("doctor")
        assert done.returncode == 2
        assert "No framework is installed" in done.stdout
        assert "takes the oracle's step" in done.stdout

    @pytest.mark.parametrize(
        "arguments",
        [["run"], ["step"], ["attribute", "book-versions"], ["atlas"], ["losses"]],
        ids=lambda arguments: arguments[0],
    )
    def test_a_command_that_needs_a_framework_says_how_to_get_it(self, bare, arguments):
        assert "pip install 'samestep[" in refused(bare, *arguments)

    def test_stores_and_certificates_say_which_extra_they_need(self, bare, sweeping):
        store = str(sweeping.elsewhere / "store")
        assert "pip install 'samestep[sweep]'" in refused(bare, "show", store)
        assert "pip install 'samestep[testing]'" in refused(bare, "check", "numpy")

    def test_stored_results_are_reported(self, bare, single):
        _, other = single
        results = other.elsewhere / "samestep-results"
        page = bare.elsewhere / "page.html"
        done = bare.samestep("report", str(results), "-o", str(page))
        assert done.returncode == 0, done.stderr
        assert "book-versions" in page.read_text()


class TestOneFramework:
    """One framework: everything, against the oracle alone."""

    def test_nothing_is_missing_but_the_others(self, single):
        name, environment = single
        assert "No broken requirements found" in environment.pip("check").stdout
        lacking(environment, *{*FRAMEWORKS} - {name}, "zarr", "pytest")

    def test_the_exercise_was_judged(self, single):
        name, environment = single
        results = environment.elsewhere / "samestep-results"
        summary = json.loads((results / "summary.json").read_text())
        assert summary["ok"]
        # The framework's own version and the shared one: their sources are read from the wheel.
        (exercise,) = summary["exercises"]
        assert [version["label"] for version in exercise["code"]] == [name, "shared"]

    def test_the_doctor_is_content(self, single):
        name, environment = single
        done = environment.samestep("doctor")
        assert done.returncode == 0, done.stdout
        assert f"Only {name} is installed" in done.stdout

    def test_a_step_is_shown(self, single):
        name, environment = single
        done = environment.samestep("step", "--steps", "1")
        assert done.returncode == 0, done.stderr
        assert f"{name}/cpu" in done.stdout

    def test_the_other_framework_is_missed(self, single):
        name, environment = single
        (other,) = {*FRAMEWORKS} - {name}
        said = refused(environment, "run", "book-versions", "--on", other)
        assert f"pip install 'samestep[{other}]'" in said


class TestSweep:
    """The extra for stores: a sweep of the closed forms, kept and read, without a framework."""

    def test_a_store_is_read_again(self, sweeping):
        lacking(sweeping, *FRAMEWORKS, "pytest", "distributed")
        shown = sweeping.samestep("show", "store")
        assert shown.returncode == 0, shown.stderr
        assert "1 of 1" in shown.stdout

    def test_a_cluster_is_another_extra(self, sweeping):
        said = refused(sweeping, "sweep", "sweep.toml", "--out", "other", "--cluster", "local")
        assert "pip install 'samestep[cluster]'" in said


class TestTesting:
    """The extra for backends' authors: the kit, without a framework."""

    def test_the_kit_certifies_a_backend(self, tmp_path, wheel):
        environment = FreshEnvironment(tmp_path, wheel, ["testing"])
        lacking(environment, *FRAMEWORKS, "zarr")
        done = environment.samestep("check", "numpy")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Certificate: numpy on cpu conforms" in done.stdout
