"""``samestep report``: from what a folder holds, without any framework."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samestep.cli.report import make_report
from samestep.errors import UsageError
from samestep.summary import ExerciseModel, Summary


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with a small summary, as a run leaves it."""
    exercise = ExerciseModel(
        id="small",
        title="A title",
        question="A question?",
        answer="An answer.",
        claims=[],
        agreements=[],
        published=[],
        power=[],
        fits=[],
        figures=[],
        failures={},
        seconds=1.0,
    )
    summary = Summary(ok=True, environment={}, exercises=[exercise])
    (tmp_path / "summary.json").write_text(summary.model_dump_json())
    return tmp_path


def report(folder: Path, path: Path | None = None, **options: bool) -> int:
    settings = {"open_report": False, "questions_only": False} | options
    return make_report(folder, path=path, **settings)


def test_it_is_written_into_the_folder(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(results) == 0
    assert capsys.readouterr().out == f"Report: {results / 'report.html'}\n"
    assert "An answer." in (results / "report.html").read_text()


def test_it_is_written_elsewhere_with_hidden_answers(results: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    assert report(results, sheet, questions_only=True) == 0
    assert "Show the answer and the evidence" in sheet.read_text()
    assert not (results / "report.html").exists()


def test_it_is_opened(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    report(results, open_report=True)
    assert opened == [(results / "report.html").as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    report(results, open_report=True)
    assert "No browser was found" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot write '.*nowhere/r\.html': No such file") as e:
        report(results, tmp_path / "nowhere" / "r.html")
    assert e.value.hint == "Name another file: -o FILE."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("summary.json", "{}", "another version wrote it"),
        ("tables/x.json", "{}", "is no table"),
        ("tables/x.json", "\0", "is no table"),
    ],
)
def test_what_cannot_be_read_is_named_and_an_earlier_report_stays(
    results: Path, name: str, content: str, message: str
) -> None:
    report(results)
    before = (results / "report.html").read_text()
    (results / "tables").mkdir()
    (results / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        report(results)
    assert (results / "report.html").read_text() == before


def test_no_framework_is_imported(results: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from samestep.cli.report import make_report;"
        "make_report(Path(sys.argv[1]), path=None, open_report=False, questions_only=False);"
        "print(sorted({'torch', 'jax', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(results)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_run_refuses_a_foreign_table_before_the_work(
    samestep: Callable[..., object], stubs: object, tmp_path: Path
) -> None:
    (tmp_path / "out" / "tables").mkdir(parents=True)
    (tmp_path / "out" / "tables" / "x.json").write_text("{}")
    outcome = samestep("run", "--out", "out")
    assert outcome.status == 2
    assert "is no table of Samestep's" in outcome.errors
    assert "exercise" not in outcome.output
