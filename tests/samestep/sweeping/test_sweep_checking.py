"""Do stored sweeps take the same step? Pairs, the oracle, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samestep.errors import UsageError
from samestep.store.files import StoreError
from samestep.sweeping import task as task_module
from samestep.sweeping.checking import agreement_table, cross_check
from samestep.sweeping.conduct import sweep
from samestep.sweeping.results import open_sweep
from samestep.training import train


@pytest.fixture
def small(ragged: dict[str, Any]) -> dict[str, Any]:
    return ragged | {"n": [7, 20], "seeds": 2, "on": "numpy"}


def test_a_lone_participant_meets_the_oracle(ragged_store: Path) -> None:
    single, double = cross_check(open_sweep(ragged_store))
    assert single.participants == ("numpy/cpu/float32", "oracle/float32")
    assert single.holds
    assert double.holds
    assert single.judged == single.runs == 36
    assert 0 < single.ratio < 1
    assert single.equal_runs == 0


def test_two_participants_in_two_stores_are_cross_checked(
    small: dict[str, Any], tmp_path: Path
) -> None:
    here = sweep(**small, out=tmp_path / "here")
    there = sweep(**small | {"on": "jax"}, out=tmp_path / "there")
    (agreement,) = cross_check(open_sweep(here.store.folder), open_sweep(there.store.folder))
    assert agreement.participants == ("numpy/cpu/float32", "jax/cpu/float32")
    assert agreement.holds
    assert agreement.judged == 16
    table = agreement_table([agreement])
    assert "numpy/cpu/float32 and jax/cpu/float32" in table.to_markdown()
    assert "16/16" in table.to_markdown()


def test_one_participant_at_two_times_is_told_apart_by_its_stores(
    small: dict[str, Any], tmp_path: Path
) -> None:
    results = [sweep(**small, out=tmp_path / name) for name in ("may", "june")]
    (agreement,) = cross_check(*results)
    assert [label.rpartition("/")[2] for label in agreement.participants] == ["may", "june"]
    assert agreement.equal_runs == agreement.runs == 16
    assert agreement.relative_gap == 0


def test_a_wrong_step_is_found_and_explained(
    small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = sweep(**small, out=tmp_path / "sound")

    def tampered(*args: Any) -> Any:
        trace = train(*args)
        params = {name: values.copy() for name, values in trace.params.items()}
        params["w"][3:, :, 1] *= 1.001
        return replace(trace, params=params)

    monkeypatch.setattr(task_module, "train", tampered)
    wrong = sweep(**small, out=tmp_path / "wrong")
    (agreement,) = cross_check(sound, wrong)
    assert not agreement.holds
    assert agreement.ratio > 1
    assert f"in {wrong.store.folder}: update at step 2, w[1]" in agreement.explanation


def test_different_plans_are_refused_saying_how(small: dict[str, Any], tmp_path: Path) -> None:
    first = sweep(**small, out=tmp_path / "first")
    second = sweep(**small | {"learning_rate": 0.5, "seeds": 3}, out=tmp_path / "second")
    with pytest.raises(UsageError, match="differ") as caught:
        cross_check(first, second)
    assert "learning_rate: [0.01, 0.3] and [0.5]; seeds: 2 and 3" in caught.value.hint


def test_stores_need_a_precision_in_common(small: dict[str, Any], tmp_path: Path) -> None:
    first = sweep(**small, out=tmp_path / "first")
    second = sweep(**small, dtype="float64", out=tmp_path / "second")
    with pytest.raises(UsageError, match="no precision in common"):
        cross_check(first, second)


def test_other_data_are_refused(small: dict[str, Any], tmp_path: Path) -> None:
    first = sweep(**small, out=tmp_path / "first")
    second = sweep(**small, out=tmp_path / "second")
    manifest = second.manifest
    store, task = second.store, second.tasks[1]
    store.mark(task.name, {**(store.done(task.name) or {}), "plan": "0" * 64})
    store.finish([t.name for t in second.tasks], manifest)
    with pytest.raises(StoreError, match="ran other data"):
        cross_check(first, second)
    task = second.tasks[0]
    store.mark(task.name, {**(store.done(task.name) or {}), "plan": "0" * 64})
    store.finish([t.name for t in second.tasks], manifest)
    with pytest.raises(StoreError, match="cannot be drawn here"):
        cross_check(open_sweep(store.folder))


def test_an_incomplete_store_is_refused(ragged_store: Path, tmp_path: Path) -> None:
    shutil.copytree(ragged_store, tmp_path / "store")
    next((tmp_path / "store").glob("done/**/1.json")).unlink()
    with pytest.raises(UsageError, match="1 of 10 chunks are missing"):
        cross_check(open_sweep(tmp_path / "store"))
