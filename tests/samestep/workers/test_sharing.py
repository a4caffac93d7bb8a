"""What is large is laid out once for all workers, and lives as long as somebody needs it."""

from __future__ import annotations

import gc
import operator
import os
import pickle
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samestep.errors import SamestepError
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.workers import sharing
from samestep.workers.executor import WorkerExecutor
from samestep.workers.process import LostWorkerError
from samestep.workers.shared import Shared
from samestep.workers.sharing import Borrower, Lender


def plan(runs: int = 50) -> Plan:
    return Plan.of(*(SyntheticRegression(num_val=0).draw(seed) for seed in range(runs)))


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerExecutor]:
    with WorkerExecutor("numpy") as executor:
        yield executor


@pytest.fixture
def written(monkeypatch) -> list[Path]:
    """Files that were laid out, in order."""
    paths: list[Path] = []
    original = sharing._lay_out

    def lay_out(value: Shared) -> tuple[Any, Callable[[], None]]:
        address, release = original(value)
        paths.append(Path(address.path))
        return address, release

    monkeypatch.setattr(sharing, "_lay_out", lay_out)
    return paths


def test_a_worker_has_the_same_plan(worker):
    mine = plan()
    theirs = worker.submit(lambda p: (p.hash, p.problems[3].hash, p.steps), mine).result()
    assert theirs == (mine.hash, mine.problems[3].hash, mine.steps)


def test_it_is_laid_out_once_for_all_requests_and_workers(written, worker):
    mine = plan()
    with WorkerExecutor("numpy") as another:
        for executor in (worker, another, worker):
            assert executor.submit(operator.attrgetter("runs"), mine).result() == 50
    assert len(written) == 1


def test_a_request_names_it_and_an_answer_brings_no_copy_back(worker):
    mine = plan()
    request = Lender().pack((len, mine))
    assert len(request.payload) < 1000
    assert list(request.named.values()) == [mine]
    assert worker.submit(lambda p: [p], mine).result()[0] is mine


def test_all_tasks_of_a_worker_see_one_object_that_cannot_be_changed(worker):
    mine = plan()
    first, second = (worker.submit(lambda p: (id(p), p.batches), mine).result() for _ in range(2))
    assert first[0] == second[0]

    def change(p: Plan) -> None:
        p.problems[0].X[0] = 1

    with pytest.raises(ValueError, match="read-only"):
        worker.submit(change, mine).result()


def test_what_is_small_travels_with_the_message(written, worker):
    mine = plan(2)
    assert worker.submit(operator.attrgetter("hash"), mine).result() == mine.hash
    assert not written


def test_the_copy_goes_with_the_original(written, worker):
    mine = plan()
    worker.submit(len, [mine]).result()
    (path,) = written
    assert path.exists()
    del mine
    gc.collect()
    assert not path.exists()


def test_what_a_waiting_request_names_lives_until_it_is_answered(written, worker):
    mine, expected = plan(), plan().hash
    worker.submit(time.sleep, 0.3)
    pending = worker.submit(operator.attrgetter("hash"), mine)
    del mine
    gc.collect()
    assert written[0].exists()
    assert pending.result() == expected


def test_a_new_process_finds_what_the_lost_one_had(worker):
    mine = plan()
    worker.submit(len, [mine]).result()
    with pytest.raises(LostWorkerError):
        worker.submit(os._exit, 1).result()
    assert worker.submit(operator.attrgetter("hash"), mine).result() == mine.hash


def test_where_memory_has_no_files_the_disk_has(monkeypatch, tmp_path, written, worker):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = plan()
    assert worker.submit(operator.attrgetter("hash"), mine).result() == mine.hash
    assert written == list(tmp_path.iterdir())
    del mine
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_where_no_file_has_room_it_travels_with_the_message(monkeypatch, worker):
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sharing, "_lay_out", full)
    mine = plan()
    assert worker.submit(operator.attrgetter("hash"), mine).result() == mine.hash


def test_a_file_that_cannot_be_written_is_not_left_behind(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builtins.open", broken)
    request = Lender().pack(plan())
    monkeypatch.undo()
    assert not request.named
    assert not list(tmp_path.iterdir())
    assert pickle.loads(request.payload).runs == 50


def test_both_ends_agree_without_a_process():
    mine, borrower = plan(), Borrower()
    request = Lender().pack({"plan": mine, "n": np.arange(3)})
    theirs = borrower.unpack(request.payload)
    assert theirs["plan"] is not mine
    assert request.read(borrower.pack(theirs))["plan"] is mine
    # What it was lent for another request may be gone at the other end, so it brings it back.
    assert request.read(Borrower().pack(theirs["plan"])).hash == mine.hash


def test_two_lenders_are_not_confused():
    plans = [plan(50), plan(51)]
    requests = [Lender().pack(each) for each in plans]
    borrower = Borrower()
    for mine, request in zip(plans, requests, strict=True):
        assert request.read(borrower.pack(borrower.unpack(request.payload))) is mine


def test_a_worker_keeps_what_it_used_last_and_lets_go_of_the_rest(monkeypatch):
    lender, borrower, plans = Lender(), Borrower(), [plan(50 + i) for i in range(3)]
    monkeypatch.setattr(sharing, "_KEPT", 2.5 * plans[0].nbytes)
    seen = [weakref.ref(borrower.unpack(lender.pack(each).payload)) for each in plans]
    borrower.unpack(lender.pack(0).payload)
    gc.collect()
    assert [ref() is None for ref in seen] == [True, False, False]
    monkeypatch.setattr(sharing, "_KEPT", 0)
    # However large it is, the last one stays: the other precision asks for it next.
    last = borrower.unpack(lender.pack(plans[0]).payload)
    assert borrower.unpack(lender.pack(plans[0]).payload) is last


@pytest.mark.parametrize("there", [None, b"", b"something else of this length and more"])
def test_a_worker_that_finds_another_file_says_so(monkeypatch, tmp_path, there):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = plan()
    request = Lender().pack(mine)
    (path,) = tmp_path.iterdir()
    if there is None:
        path.rename(tmp_path / "elsewhere")
    else:
        path.write_bytes(there)
    with pytest.raises(SamestepError, match=r"finds no data at .*\n.*--in-process"):
        Borrower().unpack(request.payload)
    path.write_bytes(b"")  # which is removed with the plan


def test_a_class_of_a_notebook_can_be_shared():
    class Local(Plan):
        pass

    mine = Local(**{field.name: getattr(plan(), field.name) for field in fields(Plan)})
    assert type(Borrower().unpack(Lender().pack(mine).payload)).__name__ == "Local"
