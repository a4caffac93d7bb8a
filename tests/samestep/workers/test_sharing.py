"""What is large is laid out once for all workers, and lives as long as somebody needs it."""

from __future__ import annotations

import gc
import operator
import os
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.workers import sharing
from samestep.workers.executor import WorkerExecutor
from samestep.workers.process import LostWorkerError
from samestep.workers.shared import Shared
from samestep.workers.sharing import Borrower, Lender


def plan(runs: int = 50) -> Plan:
    return stack([Plan.of(SyntheticRegression().draw(seed)) for seed in range(runs)])


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerExecutor]:
    with WorkerExecutor("numpy") as executor:
        yield executor


@pytest.fixture
def written(monkeypatch) -> list[Path]:
    """Files that were laid out, in order."""
    paths: list[Path] = []
    original = sharing._lay_out

    def lay_out(value: Shared) -> tuple[str, tuple[tuple[int, int], ...], Callable[[], None]]:
        path, spans, release = original(value)
        paths.append(Path(path))
        return path, spans, release

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
    request, kept = Lender().pack((len, mine))
    assert len(request) < 1000
    assert kept == [mine]
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
    request, kept = Lender().pack(plan())
    monkeypatch.undo()
    assert not kept
    assert not list(tmp_path.iterdir())
    assert pickle.loads(request).runs == 50


def test_both_ends_agree_without_a_process():
    mine, lender, borrower = plan(), Lender(), Borrower()
    request, _ = lender.pack({"plan": mine, "n": np.arange(3)})
    theirs = borrower.unpack(request)
    assert theirs["plan"] is not mine
    assert lender.unpack(borrower.pack(theirs))["plan"] is mine
    # What it was lent for another request may be gone at the other end, so it brings it back.
    assert lender.unpack(Borrower().pack(theirs["plan"])).hash == mine.hash
