"""``samestep list``, ``doctor``, ``--version``, ``--help``: what they say, what they import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import cli_stubs
import pytest
from packaging.requirements import Requirement

from samestep.cli.app import app
from samestep.cli.root import LAB, MAIN

FRAMEWORKS = {"torch", "jax", "jaxlib", "optax"}
HEAVY = {"matplotlib", "xarray", "scipy", "pydantic", "samestep_numpy"}

PROBE = """
import sys
from samestep.cli import main
sys.argv = ["samestep", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    print("MODULES", *sorted({name.partition(".")[0] for name in sys.modules}))
    raise
"""


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {*FRAMEWORKS, *HEAVY}),
        (["--version"], {*FRAMEWORKS, *HEAVY}),
        # From here on the option parser imports pydantic.
        (["run", "--help"], {*FRAMEWORKS, *HEAVY} - {"pydantic"}),
        (["step", "--help"], {*FRAMEWORKS, *HEAVY} - {"pydantic"}),
        (["list"], {*FRAMEWORKS, *HEAVY} - {"pydantic"}),
    ],
)
def test_nothing_heavy_is_imported(arguments, absent):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *shown, modules = done.stdout.splitlines()
    assert shown
    imported = set(modules.split())
    assert imported & absent == set()
    assert "samestep" in imported


def test_wrong_usage_imports_no_framework():
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "run", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert FRAMEWORKS.isdisjoint(done.stdout.split())


def test_version(samestep):
    assert samestep("--version").output == f"samestep {version('samestep')}\n"


def test_help_names_the_commands_and_the_exit_statuses(samestep):
    done = samestep("--help")
    assert done.status == 0
    assert all(name in done.output for name in ("run", "step", "list", "doctor", "Exit status"))


def test_help_groups_the_commands():
    answers = {"run", "step", "explain", "port", "atlas", "losses", "optimizers", "report"}
    groups = {
        command.callback.__name__: command.rich_help_panel for command in app.registered_commands
    }
    assert {name for name, group in groups.items() if group == MAIN} == answers
    assert {group for name, group in groups.items() if name not in answers} == {LAB}


def test_list_shows_what_is_installed(process):
    done = process("list")
    assert done.returncode == 0
    for expected in (
        "loss-reduction",
        "Do the book's two versions do the same thing?",
        "--set epochs=8",
        f"installed: torch {version('torch')}",
        f"jax {version('jax')}, optax {version('optax')}",
        "smooth_l1",
    ):
        assert expected in done.stdout


@pytest.mark.usefixtures("stubs")
def test_list_shows_the_command_for_what_is_missing(samestep, monkeypatch):
    needed = (Requirement("framework>=2"),)
    requirements = property(lambda entry: needed if entry.name == "steady" else ())
    monkeypatch.setattr("samestep.registry.BackendEntry.requirements", requirements)
    done = samestep("list")
    assert done.status == 0
    assert "not installed (framework>=2): pip install '?[steady]'" in done.output
    assert "--set count=3  a whole number" in done.output


def test_list_goes_on_after_an_exercise_that_cannot_be_imported(samestep, stubs):
    stubs(experiments={"gone": ImportError("no"), "sound": cli_stubs.Sound()})
    done = samestep("list")
    assert done.status == 2
    assert "Is it <sound> & well?" in done.output
    assert "Error: Exercise 'gone' cannot be imported: ImportError: no" in done.errors


def test_doctor_on_this_machine(samestep):
    done = samestep("doctor")
    assert done.status == 0
    assert done.errors == ""
    assert f"torch: installed: torch {version('torch')}" in done.output
    assert done.output.count("takes the oracle's step in each of 4 steps") >= 6
    assert "float32 matmul precision" in done.output
    assert "What would go wrong" in done.output


@pytest.mark.usefixtures("stubs")
def test_doctor_names_what_is_wrong_and_what_mends_it(samestep, stubs):
    done = samestep("doctor")
    assert done.status == 2
    assert "restless@cpu does not take the oracle's step in float32." in done.output
    assert "samestep step --on restless@cpu --dtype float32 shows where." in done.output
    assert "broken@cpu raises in float64: RuntimeError: out of [/bold] memory" in done.output
    stubs(backends={b.name: b for b in cli_stubs.BACKENDS[:3]})
    assert samestep("doctor").status == 1
    stubs(backends={b.name: b for b in cli_stubs.BACKENDS[:2]})
    done = samestep("doctor")
    assert done.status == 0
    assert "Only steady is installed: it is compared with the oracle alone." in done.output
    stubs(backends={"numpy": cli_stubs.NumpyBackend}, experiments={"gone": ImportError("no")})
    done = samestep("doctor")
    assert done.status == 2
    assert "No framework is installed" in done.output
    assert "Exercise 'gone' cannot be imported" in done.output


@pytest.mark.usefixtures("stubs")
def test_doctor_says_what_is_not_installed(samestep, monkeypatch):
    needed = (Requirement("framework>=2"),)
    requirements = property(lambda entry: needed if entry.name == "broken" else ())
    monkeypatch.setattr("samestep.registry.BackendEntry.requirements", requirements)
    done = samestep("doctor")
    assert done.status == 1  # restless
    assert "broken cannot take part: framework>=2 is not installed." in done.output
    assert "pip install '?[broken]'" in done.output
