"""``samestep sweep``, ``show`` and ``compare``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samestep.cli.stores import compare_stores, show_store
from samestep.cli.sweep import sweep_file
from samestep.errors import UsageError
from samestep.store.files import StoreError
from samestep.sweeping.results import open_sweep
from samestep.table import Table

TOML = """
learning_rate = [0.01, 0.3]
n = [7, 20]
batch_size = 8
seeds = 4
chunk = 4
on = "numpy"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "sweep.toml").write_text(TOML)
    return tmp_path / "sweep.toml"


@pytest.fixture
def folder(file: Path, tmp_path: Path) -> Path:
    """A finished store."""
    assert sweep_file(file, folder=tmp_path / "store", in_process=True) == 0
    return tmp_path / "store"


def test_a_sweep_prints_whether_the_participants_agree(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "store"
    assert sweep_file(file, folder=folder, in_process=True) == 0
    told = capsys.readouterr()
    assert "numpy/cpu/float32" in told.out
    assert "oracle/float32" in told.out
    assert "16/16" in told.out
    assert f"Store: {folder}" in told.out
    assert sweep_file(file, folder=folder, in_process=True) == 0
    assert "4 of 4 chunks are complete already" in capsys.readouterr().err


def test_options_that_exclude_each_other_or_say_nothing_are_refused(
    file: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="both given"):
        sweep_file(file, folder=tmp_path / "store", in_process=True, cluster="local")
    with pytest.raises(UsageError, match="does not say which interpreter"):
        sweep_file(file, folder=tmp_path / "store", python=["numpy"])
    with pytest.raises(UsageError, match="Only worker processes"):
        sweep_file(file, folder=tmp_path / "store", in_process=True, python=["numpy=python"])


def test_show_lists_what_is_inside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert show_store(folder) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "16 runs on each participant" in told
    assert "learning_rate 0.01, 0.3" in told
    assert "Complete since 20" in told
    assert "4 of 4" in told
    assert show_store(folder, as_json=True) == 0
    table = Table.model_validate_json(capsys.readouterr().out)
    assert table.rows[0].cells[0] == "numpy/cpu/float32"
    assert json.loads(table.rows[0].details[0].text)["versions"]["numpy"]


def test_show_says_what_is_missing_and_finds_what_is_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("manifest.json", "done/numpy/float32/squared_error-8/2.json"):
        (folder / path).unlink()
    capsys.readouterr()
    assert show_store(folder) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Not complete" in told
    assert "3 of 4" in told
    path = next(folder.glob("arrays.zarr/**/parameters/c/1/0"))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(StoreError, match="damaged"):
        show_store(folder)


def test_compare_takes_several_stores(
    folder: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep_file(file, folder=tmp_path / "later", in_process=True)
    capsys.readouterr()
    assert compare_stores([folder, tmp_path / "later"]) == 0
    told = capsys.readouterr().out
    assert "16/16" in told
    assert compare_stores([folder], as_json=True) == 0
    table = Table.model_validate_json(capsys.readouterr().out)
    assert table.rows[0].cells[2] is True
    file.write_text(TOML.replace("seeds = 4", "seeds = 5"))
    sweep_file(file, folder=tmp_path / "other", in_process=True)
    with pytest.raises(UsageError, match="differ") as caught:
        compare_stores([folder, tmp_path / "other"])
    assert "seeds: 4 and 5" in caught.value.hint


def test_a_wrong_step_is_status_1(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from samestep.sweeping import checking

    def wrong(*args: object) -> list[checking.SweepAgreement]:
        return [replace(a, holds=False, explanation="w[0]") for a in real(*args)]

    real = checking.cross_check
    monkeypatch.setattr("samestep.cli.stores.cross_check", wrong)
    capsys.readouterr()
    assert compare_stores([folder]) == 1
    assert "w[0]" in capsys.readouterr().out
    assert open_sweep(folder).store.complete
