"""``samestep port FILE``: what the file must define, the answer, the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samestep.cli.port import check_port
from samestep.errors import UsageError

SIDES = """
import sys

sys.path.insert(0, {folder!r})
from numpy_side import NumpySide, batches as draw

torch_side = NumpySide("original")
jax_side = NumpySide("port"{fault})
batches = draw()
"""


def write(path: Path, text: str) -> Path:
    file = path / "sides.py"
    file.write_text(text)
    return file


def sides(path: Path, fault: str = "") -> Path:
    folder = str(Path(__file__).parents[1] / "port")
    return write(path, SIDES.format(folder=folder, fault=fault))


def test_a_sound_port_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_port(sides(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "Parameters, as they are paired" in shown
    assert "hidden.weight" in shown
    assert "Same step: right did what left does" in shown


def test_a_broken_port_ends_with_1_and_the_first_divergence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_port(sides(tmp_path, ", hidden=lambda h: 2 * h"), dtype="float64") == 1
    shown = capsys.readouterr().out
    assert "First divergence: step 0, activation hidden" in shown
    assert "failed" in shown


def test_the_answer_as_json_and_in_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_port(sides(tmp_path), out=tmp_path / "results", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    kept = {file.name for file in (tmp_path / "results" / "tables").iterdir()}
    assert kept == {"port.json", "port-parameters.json", "port-activations.json"}


def test_the_file_may_correct_the_mapping(tmp_path: Path) -> None:
    file = sides(tmp_path)
    file.write_text(file.read_text() + "mapping = {'hidden.weight': 'no such name'}\n")
    with pytest.raises(UsageError, match="Unknown parameter of the port 'no such name'"):
        check_port(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torch_side = 1\n", "does not define jax_side, batches"),
        ("import no_such_module\n", "fails: ModuleNotFoundError"),
        ("this is no Python\n", "fails: SyntaxError"),
        ("torch_side = jax_side = 1\nbatches = []\n", "The original is a int, not a side"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_port(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        check_port(tmp_path / "missing.py")
