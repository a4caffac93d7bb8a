"""``samestep run``: results, files, exit statuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import cli_stubs
import pytest
from json_schema import violations

from samestep.storage import load_trace
from samestep.summary import Summary

pytestmark = pytest.mark.usefixtures("stubs")

ON = ("--on", "steady", "--on", "alone", "--seeds", "50")


def summary(folder: Path) -> Summary:
    return Summary.model_validate_json((folder / "summary.json").read_text())


def test_everything_held(samestep, tmp_path):
    done = samestep("run", "pictured", "idle", *ON)
    assert done.status == 0, done.errors
    assert done.errors == ""
    lines = done.output.splitlines()
    assert lines[0].startswith("Exercises on steady, alone in float32 and float64")
    assert lines[2].split()[:2] == ["pictured", "yes"]
    assert "1 held" in lines[2]
    assert "3 undecided" in lines[2]
    assert lines[3].split()[:5] == ["idle", "-", "-", "-", "-"]
    assert "Nothing failed, 9 held, of 1 claim, 8 agreements, 3 published numbers" in done.output
    assert "3 undecided: too few seeds" in done.output
    assert lines[-1] == "Report: samestep-results/report.html"
    assert max(map(len, lines)) <= 100
    folder = tmp_path / "samestep-results"
    assert {p.name for p in folder.iterdir()} == {
        "figures",
        "report.html",
        "summary.json",
        "summary.schema.json",
        "traces",
    }
    written = summary(folder)
    assert written.ok
    assert [e.id for e in written.exercises] == ["pictured", "idle"]
    assert len(written.exercises[0].figures) == 3
    for figure in written.exercises[0].figures:
        assert [Path(name).suffix for name in figure.files] == [".svg", ".png"]
        assert all((folder / name).stat().st_size > 0 for name in figure.files)
    traces = sorted((folder / "traces").iterdir())
    assert len(traces) == 4
    assert load_trace(traces[0]).participant == "alone/cpu/float32"


def test_a_person_can_read_it_on_a_narrow_terminal(samestep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = samestep("run", "sound", *ON)
    lines = done.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "same step yes" in done.output
    assert "claims 1 held" in done.output


def test_json_is_all_there_is_on_stdout(samestep, tmp_path):
    done = samestep("run", "sound", *ON, "--json", "--out", "here")
    assert done.status == 0
    data = json.loads(done.output)
    assert data == json.loads((tmp_path / "here" / "summary.json").read_text())
    schema = json.loads((tmp_path / "here" / "summary.schema.json").read_text())
    assert violations(data, schema, schema) == []
    assert data["exercises"][0]["claims"][0]["evidence"]["steady/cpu/float32"]["holds"] is True


def test_schema_rejects_what_it_does_not_describe(samestep, tmp_path):
    samestep("run", "sound", *ON, "--out", "here")
    schema = json.loads((tmp_path / "here" / "summary.schema.json").read_text())
    data = json.loads((tmp_path / "here" / "summary.json").read_text())
    data["exercises"][0]["agreements"][0]["gap"] = "Infinity"
    assert violations(data, schema, schema) == []
    data["exercises"][0]["agreements"][0]["gap"] = "large"
    data["exercises"][0]["extra"] = 1
    del data["environment"]
    assert len(violations(data, schema, schema)) == 3


def test_every_field_is_described(samestep, tmp_path):
    samestep("run", "idle", *ON)
    schema = json.loads((tmp_path / "samestep-results" / "summary.schema.json").read_text())
    models = [schema, *schema["$defs"].values()]
    assert all("description" in model for model in models)
    undescribed = [
        f"{model['title']}.{name}"
        for model in models
        for name, field in model["properties"].items()
        if "description" not in field and "$ref" not in str(field)
    ]
    assert undescribed == []


@pytest.mark.parametrize(
    ("exercise", "seeds", "said"),
    [
        ("wrong", "50", "claim first: The first statement"),
        ("unlikely", "10000", "published b: 400 lies outside"),
    ],
)
def test_contradiction_is_status_1(samestep, tmp_path, exercise, seeds, said):
    done = samestep("run", exercise, *ON[:4], "--seeds", seeds)
    assert done.status == 1
    assert said in done.output
    assert "1 failed of 1 claim" in done.output
    assert not summary(tmp_path / "samestep-results").ok


def test_disagreement_is_status_1(samestep):
    done = samestep("run", "wrong", "--on", "steady", "--on", "restless", "--seeds", "50")
    assert done.status == 1
    assert "NO (4x)" in done.output
    text = " ".join(done.output.split())
    assert "claim first: The first statement, which says <something>." in text
    # The gradient and the update of one participant are one divergence, of two precisions two.
    assert "not the same step: a small fit: restless/cpu/float32: gradient at step 0, w[0]" in text
    assert "and 1 more: the report has them all" in done.output
    assert "5 failed of 1 claim, 8 agreements, 3 published numbers" in done.output


def test_participant_that_raises_is_named_and_the_others_are_kept(samestep, tmp_path):
    on = ("--on", "steady", "--on", "broken", "--seeds", "50")
    done = samestep("run", "sound", "pictured", *on)
    assert done.status == 2
    message = "Error: broken/cpu/float32 raised in sound: RuntimeError: out of [/bold] memory\n"
    assert message in done.errors
    assert done.errors.count("raised in") == 2  # float32 and float64, in the first exercise
    assert "page of details" not in done.errors
    assert "Traceback" not in done.errors
    written = summary(tmp_path / "samestep-results").exercises[0]
    assert set(written.failures) == {"broken/cpu/float32", "broken/cpu/float64"}
    assert set(written.claims[0].evidence) == {"steady/cpu/float32", "steady/cpu/float64"}
    assert written.claims[0].holds
    assert len(written.agreements) == 8
    assert "Not finished, or not by all participants: sound, pictured." in done.output


def test_all_participants_raise(samestep, tmp_path):
    done = samestep("run", "sound", "idle", "--on", "broken", "--dtype", "float32", "--seeds", "5")
    assert done.status == 2
    assert "sound: Every participant failed." in done.errors
    assert [e.id for e in summary(tmp_path / "samestep-results").exercises] == ["sound", "idle"]


def test_defective_exercise_loses_nothing(samestep, tmp_path):
    done = samestep("run", "defective", "sound", *ON)
    assert done.status == 2
    assert "Error: defective: KeyError: 'missing'" in done.errors
    assert "Traceback" not in done.errors
    written = summary(tmp_path / "samestep-results").exercises
    assert written[0].error == "KeyError: 'missing'"
    assert written[0].claims[0].holds
    assert written[1].ok


def test_debug_shows_where(samestep):
    done = samestep("--debug", "run", "defective", *ON)
    assert 'raise KeyError("missing")' in done.errors
    done = samestep("--debug", "run", "sound", "--on", "broken", "--on", "steady", "--seeds", "5")
    assert "raise RuntimeError" in done.errors


def test_wrong_use_in_the_middle_stops(samestep, tmp_path):
    done = samestep("run", "sound", "misused", "idle", *ON)
    assert done.status == 2
    assert "Error: misused: count is 3.\n       Expected 4." in done.errors
    written = summary(tmp_path / "samestep-results")
    assert [e.id for e in written.exercises] == ["sound", "misused"]
    assert written.not_run == ["idle"]
    assert not written.ok


def test_figure_that_cannot_be_drawn_loses_nothing_else(samestep, tmp_path):
    done = samestep("run", "undrawable", *ON)
    assert done.status == 2
    assert "Figure 'undrawable-nothing' cannot be drawn: ValueError: no such line" in done.errors
    written = summary(tmp_path / "samestep-results").exercises[0]
    assert [bool(figure.files) for figure in written.figures] == [False, True]
    assert (tmp_path / "samestep-results" / "report.html").exists()


def test_interrupt_writes_what_is_complete(samestep, tmp_path):
    done = samestep("run", "sound", "interrupted", "idle", *ON)
    assert done.status == 130
    assert "Interrupted: writing what is complete." in done.errors
    assert "Not run: interrupted, idle." in done.output
    written = summary(tmp_path / "samestep-results")
    assert [e.id for e in written.exercises] == ["sound"]
    assert all(figure.files for figure in written.exercises[0].figures)
    assert not written.ok


def test_interrupt_at_once_keeps_what_was_there(samestep, tmp_path):
    samestep("run", "sound", *ON)
    before = (tmp_path / "samestep-results" / "summary.json").read_bytes()
    done = samestep("run", "interrupted", *ON)
    assert done.status == 130
    assert "nothing was written" in done.errors
    assert (tmp_path / "samestep-results" / "summary.json").read_bytes() == before


def test_settings_reach_the_exercises_that_know_them(samestep, tmp_path):
    done = samestep("run", "sound", "idle", *ON, "--set", "learning_rate=0", "--set", "colour=a=b")
    assert done.status == 0
    written = summary(tmp_path / "samestep-results")
    assert written.exercises[0].answer == "Yes, at 0."
    assert written.environment["command"] == (
        "samestep run sound idle --on steady --on alone --dtype float32 --dtype float64 "
        "--seeds 50 --set learning_rate=0 --set colour=a=b"
    )


def test_open_shows_the_report(samestep, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    samestep("run", "sound", *ON, "--open", "--out", "a b")
    assert opened == [(tmp_path / "a b" / "report.html").as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    done = samestep("run", "sound", *ON, "--open")
    assert "No browser was found" in done.errors


def test_all_exercises_and_backends_by_default(samestep, stubs, monkeypatch, tmp_path):
    monkeypatch.setattr(cli_stubs.Idle, "weight", 5.0)
    stubs(
        {"numpy": cli_stubs.NumpyBackend, "steady": cli_stubs.SteadyBackend},
        {"sound": cli_stubs.Sound(), "idle": cli_stubs.Idle()},
    )
    done = samestep("run", "--seeds", "5")
    assert done.status == 0
    assert done.output.startswith("Exercises on steady in float32 and float64;")
    # The quick one is shown first; what is written has the usual order.
    assert [line.split()[0] for line in done.output.splitlines()[2:4]] == ["sound", "idle"]
    written = summary(tmp_path / "samestep-results")
    assert [e.id for e in written.exercises] == ["idle", "sound"]


def test_one_seed_on_the_real_participants_is_quiet(process, tmp_path):
    done = process("run", "book-versions", "--seeds", "1", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    data = json.loads(done.stdout)
    schema = json.loads((tmp_path / "samestep-results" / "summary.schema.json").read_text())
    assert violations(data, schema, schema) == []
    assert data["ok"]
    assert None in [claim["holds"] for claim in data["exercises"][0]["claims"]]


@pytest.mark.slow
def test_ctrl_c_in_a_process(tmp_path):
    command = Path(sys.executable).with_name("samestep")
    with subprocess.Popen(
        [command, "run", "book-versions", "data-size", "--seeds", "500"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("book-versions"):
                break
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate()
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Not run: data-size." in output
    assert [e.id for e in summary(tmp_path / "samestep-results").exercises] == ["book-versions"]
