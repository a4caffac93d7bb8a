"""Bad input: one clear message on standard error, status 2, no traceback, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from samestep_numpy import NumpyBackend

from samestep import registry
from samestep.errors import SamestepError

pytestmark = pytest.mark.usefixtures("stubs")

ON = ("--on", "steady", "--seeds", "5")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("run", "suond"), "Unknown exercise 'suond'.", "Did you mean 'sound'? Known: defective,"),
        (("run", "xyz"), "Unknown exercise 'xyz'.", "Known: defective, idle"),
        (("run", "sound", "--on", "stedy"), "Unknown backend 'stedy'.", "Did you mean 'steady'?"),
        (("run", "sound", "--on", "steady@gpu"), "Device 'gpu' is not there.", "Devices here: cpu"),
        (("run", "sound", *ON, "--dtype", "float46"), "Unknown dtype 'float46'.", "'float64'?"),
        (("run", "sound", "--seeds", "0"), "seeds is 0.", "Expected a positive whole number."),
        (("run", "sound", "--seeds", "-1"), "seeds is -1.", "Expected a positive whole number."),
        (("run", "sound", *ON, "--set", "count"), "--set 'count'", "Expected PARAMETER=VALUE"),
        (("run", "sound", *ON, "--set", "=3"), "--set '=3'", "Expected PARAMETER=VALUE"),
        (("run", "sound", *ON, "--set", "cuont=3"), "Unknown parameter 'cuont'.", "'count'?"),
        (("run", "idle", *ON, "--set", "count=3"), "Unknown parameter 'count'.", "Known: none."),
        (("run", "sound", *ON, "--set", "count=3.5"), "Parameter count is '3.5'.", "whole number"),
        (("run", "sound", *ON, "--set", "learning_rate=x"), "learning_rate is 'x'.", "finite"),
        (("run", "sound", *ON, "--set", "learning_rate=nan"), "learning_rate is 'nan'.", "finite"),
        (("run", "sound", *ON, "--set", "learning_rate=-1"), "learning_rate is -1.0.", "positive"),
        (("step", "--on", "steady", "--loss", "huberr"), "Unknown loss 'huberr'.", "'huber'?"),
        (("step", "--on", "steady", "--reduction", "avg"), "Unknown reduction 'avg'.", "mean, sum"),
        (("step", "--on", "steady", "--learning-rate", "nan"), "learning_rate is nan.", "finite"),
        (("step", "--on", "steady", "--learning-rate", "inf"), "learning_rate is inf.", "finite"),
        (("step", "--on", "steady", "--learning-rate", "-1"), "learning_rate is -1.0.", "positive"),
        (("step", "--on", "steady", "--steps", "0"), "steps is 0.", "positive whole number"),
        (("step", "--on", "steady", "--batch-size", "0"), "batch_size is 0.", "positive whole"),
        (("step", "--on", "steady", "--delta", "0"), "delta is 0.0.", "positive"),
        (("step", "--on", "steady", "--momentum", "-1"), "momentum is -1.0.", "positive"),
        (("step", "--on", "steady", "--seed", "-1"), "seed is -1.", "Expected 0 or"),
        (
            ("step", "--on", "steady", "--dtype", "half"),
            "Unknown dtype 'half'.",
            "float32, float64",
        ),
        (
            ("step", "--on", "steady", "--python", "steady=python"),
            "--python and --in-process were both given.",
            "a process of its own",
        ),
        (("step", "--on", "alnoe"), "Unknown backend 'alnoe'.", "Did you mean 'alone'?"),
        (("step", "--on", "broken"), "RuntimeError: out of [/bold] memory", "samestep --debug"),
    ],
)
def test_message(samestep, tmp_path, arguments, message, hint):
    done = samestep(*arguments)
    assert done.status == 2
    first, second, *others = done.errors.splitlines()
    assert first.startswith("Error: ")
    assert message in first
    assert hint in second
    assert "Traceback" not in done.errors
    assert all("nothing was written" in line for line in others)
    assert not list(tmp_path.rglob("summary.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--bogus"), "--bogus"),
        (("run", "--seeds", "many"), "--seeds"),
        (("run", "--out"), "--out"),
        (("rnu",), "rnu"),
        (("step", "--steps", "1.5"), "--steps"),
    ],
)
def test_usage_of_the_command_line_itself(samestep, arguments, message):
    done = samestep(*arguments)
    assert done.status == 2
    assert message in done.errors
    assert done.output == ""
    assert "Traceback" not in done.errors


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "results"


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("kept")
    return folder / "file"


def figures_is_a_file(folder: Path) -> Path:
    (folder / "results").mkdir()
    (folder / "results" / "figures").write_text("kept")
    return folder / "results"


def read_only(folder: Path) -> Path:
    (folder / "results").mkdir(mode=0o500)
    return folder / "results"


@pytest.mark.parametrize(
    "place",
    [
        below_a_file,
        a_file,
        figures_is_a_file,
        pytest.param(
            read_only,
            marks=pytest.mark.skipif(
                not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere"
            ),
        ),
        pytest.param(
            lambda folder: Path("/proc/samestep"),
            marks=pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc"),
        ),
    ],
)
def test_output_folder_is_tried_before_the_work(samestep, stubs, monkeypatch, tmp_path, place):
    monkeypatch.setattr("cli_stubs.Sound.run", lambda *arguments: pytest.fail("it was run"))
    folder = place(tmp_path)
    done = samestep("run", "sound", *ON, "--out", folder)
    assert done.status == 2
    assert done.errors.startswith(f"Error: Cannot write to the output folder '{folder}'")
    assert "--out DIR" in done.errors
    if folder.is_file():
        assert folder.read_text() == "kept"


def test_framework_that_is_not_installed(samestep, monkeypatch):
    needed = (Requirement("framework>=2"),)
    requirements = property(lambda entry: needed if entry.name == "steady" else ())
    monkeypatch.setattr(registry.BackendEntry, "requirements", requirements)
    done = samestep("run", "sound", "--on", "steady")
    assert done.status == 2
    assert "Backend 'steady' needs framework>=2, which is not installed." in done.errors
    assert "Install it: pip install '?[steady]'" in done.errors


def test_no_framework_at_all(samestep, stubs):
    stubs(backends={"numpy": NumpyBackend})
    done = samestep("run", "sound")
    assert done.status == 2
    assert "No framework is installed." in done.errors


def test_exercise_that_cannot_be_imported(samestep, stubs):
    stubs(experiments={"gone": ModuleNotFoundError("No module named 'gone'")})
    done = samestep("run", "gone")
    assert done.status == 2
    assert "Exercise 'gone' cannot be imported: ModuleNotFoundError: No module" in done.errors
    assert "name the exercises to run without it" in done.errors
    assert "Traceback" not in done.errors


def test_backend_that_cannot_be_imported(samestep, stubs):
    stubs(backends={"torn": OSError("libtorn.so: cannot open shared object file")})
    done = samestep("run", "sound", "--on", "torn")
    assert done.status == 2
    assert "'torn' is installed but cannot be imported: OSError: libtorn.so" in done.errors
    assert "--force-reinstall" in done.errors


def test_legal_though_unusual(samestep):
    assert samestep("step", "--on", "steady", "--learning-rate", "0").status == 0
    assert samestep("step", "--on", "steady", "--batch-size", "5000").status == 0
    assert samestep("run", "idle", "--on", "steady", "--seeds", "1").status == 0


def test_debug_keeps_the_message(samestep):
    done = samestep("--debug", "run", "suond")
    assert done.status == 2
    assert "Traceback" in done.errors
    assert "Error: Unknown exercise 'suond'." in done.errors


def test_errors_of_the_library_carry_message_and_hint():
    error = SamestepError("what", "mend")
    assert (error.message, error.hint, str(error)) == ("what", "mend", "what\nmend")
