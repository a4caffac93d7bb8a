"""Sweeps in this process: what is stored, taken up again, recomputed and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep_stores import arrays, equal_to_the_bit, markers

import samestep
from samestep.errors import MissingParticipantError, SamestepError, UsageError
from samestep.judgement import judge
from samestep.store.files import StoreError, read_sealed, write_sealed
from samestep.sweeping.conduct import sweep
from samestep.sweeping.layout import Chunk, chunk_plan
from samestep.sweeping.recording import checked_trace
from samestep.sweeping.results import SweepResult, open_sweep
from samestep.training import train

# --- what is stored --------------------------------------------------------------------------


def test_a_store_holds_what_training_its_chunks_gives(ragged_store: Path) -> None:
    result = open_sweep(ragged_store)
    (group,) = result.groups()
    for dtype in ("float32", "float64"):
        dataset = result.dataset("numpy", dtype=dtype)
        backend = samestep.backend("numpy", dtype=dtype)
        for index in range(group.chunks):
            chunk = Chunk(group, index)
            trace = train(backend, chunk_plan(chunk))
            count = chunk.runs.stop - chunk.runs.start
            here = dataset.isel(run=chunk.runs, checked=chunk.checked)
            assert np.array_equal(here["parameters"][:, :2], trace.final["w"][:count])
            assert np.array_equal(here["parameters"][:, 2], trace.final["b"][:count])
            assert trace.loss is not None
            same = np.array_equal(here["checked_loss"], trace.loss[:, :count], equal_nan=True)
            assert same


def test_a_data_set_is_labelled(ragged_store: Path) -> None:
    dataset = open_sweep(ragged_store).dataset(dtype="float32")
    assert dataset.attrs["participant"] == "numpy/cpu/float32"
    assert dataset.attrs["parameter"] == ["w1", "w2", "b"]
    chosen = dataset.where((dataset.n == 33) & (dataset.epochs == 2), drop=True)
    assert chosen.sizes["run"] == 6
    assert sorted(set(chosen.learning_rate.values)) == [0.01, 0.3]


def test_checked_runs_come_back_as_traces_that_can_be_judged(ragged_store: Path) -> None:
    result = open_sweep(ragged_store)
    (group,) = result.groups()
    dataset = result.dataset(dtype="float32")
    trace = checked_trace(group, slice(5, 30), dataset, "numpy/cpu/float32", "float32")
    assert judge(trace).holds
    assert np.array_equal(trace.parameters(), dataset["parameters"][5:30])


def test_what_is_recorded_changes_no_result(ragged_store: Path, ragged: dict[str, Any]) -> None:
    every_step = open_sweep(ragged_store).dataset(dtype="float32")
    for record in ("final", "every 3"):
        found = sweep(**ragged, record=record, on="numpy").dataset()
        assert np.array_equal(found["parameters"], every_step["parameters"])
    # 10 updates of the longest runs: after 0, 3, 6 and 9 of them.
    assert list(found["update"].values) == [0, 3, 6, 9]
    after = every_step["checked_params_w"].values[[2, 5, 8]]
    assert np.array_equal(found["path"].values[1:, :, :2], after)
    ended = found["path_loss"].sel(loss_step=3).isnull().values
    steps = np.ceil(found["n"].values / 8) * found["epochs"].values
    assert np.array_equal(ended, steps <= 3)


def test_without_a_folder_the_store_goes_with_the_result(ragged: dict[str, Any]) -> None:
    result = sweep(**ragged, on="numpy")
    folder = result.store.folder
    assert result.dataset().sizes["run"] == 36
    del result
    assert not folder.exists()


def test_a_chunk_of_one_run_is_a_chunk(ragged: dict[str, Any]) -> None:
    result = sweep(**ragged | {"chunk": 1, "n": 7}, on="numpy")
    assert np.isfinite(result.dataset()["parameters"]).all()


def test_a_data_set_must_be_named_where_there_are_several(ragged_store: Path) -> None:
    result = open_sweep(ragged_store)
    with pytest.raises(UsageError, match="No dtype was named"):
        result.dataset()
    with pytest.raises(UsageError, match="loss is 'huber'"):
        result.dataset(dtype="float32", loss="huber")


# --- compilation -----------------------------------------------------------------------------


def test_rate_size_epochs_and_seed_are_data(
    compilations: list[str], ragged: dict[str, Any]
) -> None:
    # 3, 4 and 4 steps: every third chunk holds no run that ends before the others.
    ragged |= {"n": [20, 33, 35], "epochs": 1, "batch_size": 9, "chunk": 2}
    settings = ragged | {"loss": ["squared_error", "huber"]}
    result = sweep(**settings, on="jax", dtype=["float32", "float64"])
    assert len(result.tasks) == 36
    assert len(compilations) == 4  # two losses in two precisions
    compilations.clear()
    sweep(**settings | {"learning_rate": [0.5, 0.2], "seeds": 4}, on="jax")
    assert not compilations


# --- taken up again --------------------------------------------------------------------------


@pytest.fixture
def stored(ragged: dict[str, Any], tmp_path: Path) -> SweepResult:
    return sweep(**ragged, on="numpy", out=tmp_path / "store")


def again(stored: SweepResult, ragged: dict[str, Any], **changes: Any) -> SweepResult:
    return sweep(**{**ragged, "on": "numpy", "out": stored.store.folder} | changes)


def test_what_is_complete_is_not_run_again(
    stored: SweepResult, ragged: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = markers(stored.store.folder)
    monkeypatch.setattr("samestep.sweeping.conduct.run_chunk", None)  # calling it would fail
    again(stored, ragged)
    assert markers(stored.store.folder) == before


def test_an_interrupted_sweep_goes_on_where_it_was(ragged: dict[str, Any], tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    folder = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        sweep(**ragged, on="numpy", out=folder, progress=interrupt)
    partial = open_sweep(folder)
    assert not partial.store.complete
    with pytest.raises(UsageError, match="2 of 5 chunks are missing"):
        partial.dataset()
    before, seen = markers(folder), []
    result = sweep(**ragged, on="numpy", out=folder, progress=lambda *now: seen.append(now))
    assert seen == [(3, 5), (4, 5), (5, 5)]
    assert before.items() <= markers(folder).items()
    assert equal_to_the_bit(arrays(result), arrays(sweep(**ragged, on="numpy")))


def test_a_truncated_chunk_is_an_error_and_is_computed_again(
    stored: SweepResult, ragged: dict[str, Any]
) -> None:
    expected = arrays(stored)
    path = next(stored.store.folder.glob("arrays.zarr/**/parameters/c/2/0"))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StoreError, match=r"damaged at \[16:24\]"):
        open_sweep(stored.store.folder).dataset()
    before, told = markers(stored.store.folder), []
    mended = again(stored, ragged, tell=told.append)
    assert len(told) == 1
    assert "damaged at [16:24]" in told[0]
    assert equal_to_the_bit(arrays(mended), expected)
    changed = dict(markers(stored.store.folder).items() - before.items())
    assert list(changed) == ["done/numpy/float32/squared_error-8/2.json"]


def test_a_manifest_or_a_marker_changed_by_hand_is_refused(
    stored: SweepResult, ragged: dict[str, Any]
) -> None:
    manifest = stored.store.folder / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"runs": 36', '"runs": 37'))
    with pytest.raises(StoreError, match="not what was written"):
        again(stored, ragged)
    manifest.write_text(text)
    marker = next(stored.store.folder.glob("done/**/3.json"))
    write_sealed(marker, {**read_sealed(marker), "seconds": 0.0})
    with pytest.raises(StoreError, match="not those of its manifest"):
        again(stored, ragged)


def test_another_plan_or_environment_is_refused(
    stored: SweepResult, ragged: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="another plan") as caught:
        again(stored, ragged, seeds=4)
    assert "seeds: 3 and 4" in caught.value.hint
    side = stored.tasks[0].side
    environment = stored.store.environment(side) or {}
    stored.store.enter_environment(side, {**environment, "threads": 8})
    for path in ("done/numpy/float32/squared_error-8/3.json", "manifest.json"):
        (stored.store.folder / path).unlink()
    with pytest.raises(SamestepError, match=r"another environment .* threads: 8 and None"):
        again(stored, ragged)


def test_a_participant_that_cannot_go_on_stops_no_other(
    ragged: dict[str, Any], tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(SamestepError, match="5 of 10 chunks are complete") as caught:
        sweep(**ragged, on=["jax@gpu:7", "numpy"], out=tmp_path / "store", tell=told.append)
    assert "'gpu:7' is not there" in str(caught.value)
    assert told == [text for text in told if text.startswith("jax@gpu:7 cannot go on")]
    result = open_sweep(tmp_path / "store")
    assert result.dataset("numpy").sizes["run"] == 36
    assert len(markers(tmp_path / "store")) == 5


# --- refused beforehand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"on": "nunpy"}, "Unknown backend 'nunpy'"),
        ({"dtype": "float16"}, "Unknown dtype 'float16'"),
        ({"python": {"torch": "python3"}}, "for torch, which takes no part"),
        ({"engine": "threads"}, "Unknown engine 'threads'"),
        ({"timeout": 3.0}, "Only worker processes have them"),
        ({"learning_rate": ["fast"]}, "learning_rate is 'fast'"),
    ],
)
def test_a_mistake_is_named(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        sweep(**{"on": "numpy", "out": tmp_path / "store"} | settings)


def test_a_store_needs_zarr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MissingParticipantError, match=r"needs zarr|with zarr") as caught:
        sweep(on="numpy", out=tmp_path / "store")
    assert "pip install" in caught.value.hint
