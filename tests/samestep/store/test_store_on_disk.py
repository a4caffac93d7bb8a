"""The store: whole files, one writer, and nothing believed that does not fit its checksum."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.store.arrays import ArrayGroup, ArraySpec
from samestep.store.files import StoreError, read_sealed, write_sealed
from samestep.store.store import Store, differences

PLAN = {"learning_rate": [0.03], "chunk": {"huber-32": 8}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one finished task."""
    with Store.begin(tmp_path / "store", "sweep", PLAN) as store:
        store.mark("a/0", {"seconds": 1.5})
        store.enter_environment("a", {"threads": 1})
    return tmp_path / "store"


# --- small files -----------------------------------------------------------------------------


def test_a_sealed_file_comes_back_and_shows_every_change(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "note.json"
    write_sealed(path, {"b": 1.5, "a": [1, None]})
    assert read_sealed(path) == {"b": 1.5, "a": [1, None]}
    text = path.read_text()
    path.write_text(text.replace("1.5", "1.6"))
    with pytest.raises(StoreError, match="not what was written"):
        read_sealed(path)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(StoreError, match="cannot be read"):
        read_sealed(path)


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "note.json"
    write_sealed(path, {"a": 1})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        write_sealed(path, {"a": 2})
    assert "Free some space" in caught.value.hint
    assert read_sealed(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


# --- the folder ------------------------------------------------------------------------------


def test_a_store_is_taken_up_again_with_the_same_plan_only(folder: Path) -> None:
    with Store.begin(folder, "sweep", PLAN) as store:
        assert store.done("a/0") == {"seconds": 1.5}
        assert store.done("a/1") is None
        assert store.environment("a") == {"threads": 1}
        assert store.environment("b") is None
    other = {**PLAN, "chunk": {"huber-32": 16}}
    with (
        pytest.raises(UsageError, match="another plan") as caught,
        Store.begin(folder, "sweep", other),
    ):
        pass
    assert "huber-32: 8 and 16" in caught.value.hint
    with pytest.raises(UsageError, match="another plan"), Store.begin(folder, "run", PLAN):
        pass


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="not empty"), Store.begin(tmp_path, "sweep", PLAN):
        pass
    with pytest.raises(UsageError, match="holds no store"):
        Store(tmp_path)


def test_a_store_of_another_version_is_refused(folder: Path) -> None:
    head = read_sealed(folder / "plan.json")
    write_sealed(folder / "plan.json", {**head, "format": 99})
    with pytest.raises(StoreError, match="format 99"):
        Store(folder)


def test_a_plan_changed_by_hand_is_refused(folder: Path) -> None:
    path = folder / "plan.json"
    path.write_text(path.read_text().replace("0.03", "0.3"))
    with pytest.raises(StoreError, match="not what was written"):
        Store(folder)


def test_the_manifest_knows_its_markers(folder: Path) -> None:
    with Store.begin(folder, "sweep", PLAN) as store:
        assert not store.complete
        store.finish(["a/0"], {"runs": 8})
    store = Store(folder)
    assert store.complete
    assert store.manifest(["a/0"])["runs"] == 8
    store.mark("a/0", {"seconds": 9.0})
    with pytest.raises(StoreError, match="not those of its manifest"):
        store.manifest(["a/0"])
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "runs": 9}))
    with pytest.raises(StoreError, match="not what was written"):
        store.manifest(["a/0"])


def hold(folder: Path, begun: Any, ended: Any) -> None:
    with Store.begin(folder, "sweep", PLAN):
        begun.set()
        ended.wait(30)


def test_a_second_process_is_kept_out_until_the_first_is_gone(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    begun, ended = spawn.Event(), spawn.Event()
    process = spawn.Process(target=hold, args=(folder, begun, ended))
    process.start()
    assert begun.wait(30)
    with (
        pytest.raises(StoreError, match="Another process is writing"),
        Store.begin(folder, "sweep", PLAN),
    ):
        pass
    assert Store(folder).done("a/0")  # readers may look
    process.kill()  # a lock must not outlive its process
    process.join()
    with Store.begin(folder, "sweep", PLAN) as store:
        assert store.done("a/0")


@pytest.fixture
def nobody() -> Iterator[None]:
    """Give up root's right to write everywhere, where the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder_is_an_error_that_names_it(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path_factory.mktemp("locked")
    folder.chmod(0o555)
    request.getfixturevalue("nobody")
    with (
        pytest.raises(StoreError, match=r"Cannot write .*Permission denied"),
        Store.begin(folder / "store", "sweep", PLAN),
    ):
        pass


def test_differences_are_named_wherever_they_are() -> None:
    assert differences({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}) == "c: 2 and 3"
    assert differences({"a": 1}, {"b": 1}) == "a: 1 and None; b: None and 1"
    assert not differences(PLAN, PLAN)


# --- arrays ----------------------------------------------------------------------------------

WHOLE = {"values": (slice(0, 4),)}
SPECS = {"values": ArraySpec(("run", "column"), (10, 3), (4, 3), "float32")}
LABELS = {"seed": ("run", np.arange(10))}


@pytest.fixture
def group(tmp_path: Path) -> ArrayGroup:
    found = ArrayGroup(tmp_path, "jax@gpu-1/float32/huber-32")
    found.create(SPECS, LABELS, {"loss": "huber"})
    return found


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    return {"values": np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)}


def test_arrays_come_back_to_the_bit_and_xarray_opens_them(
    group: ArrayGroup, rows: dict[str, np.ndarray]
) -> None:
    checksums = group.write(WHOLE, rows)
    assert np.array_equal(group.read(WHOLE, checksums)["values"], rows["values"])
    dataset = group.open()
    assert dataset["values"].dims == ("run", "column")
    assert dataset["values"].dtype == np.float32
    assert list(dataset.coords["seed"].values) == list(range(10))
    assert np.array_equal(dataset["values"][:4], rows["values"])
    assert np.isnan(dataset["values"][4:]).all()
    assert dataset.attrs["loss"] == "huber"
    group.verify_labels(LABELS)


Damage = Callable[[Path], Any]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),  # which Zarr reads as NaN
    ],
    ids=["truncated", "empty", "missing"],
)
def test_a_damaged_chunk_is_an_error(
    group: ArrayGroup, rows: dict[str, np.ndarray], tmp_path: Path, damage: Damage
) -> None:
    checksums = group.write(WHOLE, rows)
    chunk = next(tmp_path.glob("arrays.zarr/**/values/c/0/0"))
    damage(chunk)
    with pytest.raises(StoreError, match=r"values' is damaged at \[0:4\]"):
        group.read(WHOLE, checksums)
    group.write(WHOLE, rows)
    assert np.array_equal(group.read(WHOLE, checksums)["values"], rows["values"])


def test_a_missing_label_is_an_error(group: ArrayGroup, tmp_path: Path) -> None:
    next(tmp_path.glob("arrays.zarr/**/seed/c/0")).unlink()
    with pytest.raises(StoreError, match="not what was written"):
        group.verify_labels(LABELS)


def test_another_precision_is_another_array(group: ArrayGroup, rows: dict[str, np.ndarray]) -> None:
    checksums = group.write(WHOLE, {"values": rows["values"].astype(np.float64)})
    with pytest.raises(StoreError, match="its checksum does not fit"):
        group.read(WHOLE, checksums)
