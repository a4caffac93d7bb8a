"""A Dask cluster of real processes on the loopback interface, as the README sets one up."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samestep.cluster import lanes
from samestep.cluster.worker import on_cluster
from samestep.errors import MissingParticipantError, SamestepError, UsageError
from samestep.sweeping.conduct import sweep
from samestep.sweeping.results import open_sweep
from samestep.workers.executor import WorkerExecutor

DASK = Path(sys.executable).with_name("dask")
SETTINGS = {"n": [7, 20], "epochs": [1, 2], "batch_size": 8, "seeds": 20, "chunk": 4}
"""20 chunks."""

StartWorker = Callable[..., "subprocess.Popen[bytes]"]


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [DASK, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler without workers."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with running("scheduler", *options, "--scheduler-file", str(file)) as scheduler:
        found: dict[str, Any] = {}
        while not found:
            assert scheduler.poll() is None
            time.sleep(0.05)
            with contextlib.suppress(OSError, ValueError):
                found = json.loads(file.read_text())
        yield found["address"]


@pytest.fixture
def start_worker(address: str) -> Iterator[StartWorker]:
    """Start a worker without a nanny: when it is killed, it stays dead."""
    from distributed import Client

    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Client(address, set_as_default=False))

        def start(resources: str, threads: int = 1) -> subprocess.Popen[bytes]:
            here = len(client.scheduler_info()["workers"])
            options = ["--nthreads", str(threads), "--resources", resources]
            process = stack.enter_context(
                running("worker", address, *options, "--no-nanny", "--no-dashboard")
            )
            client.wait_for_workers(here + 1, timeout=30)
            return process

        yield start
        stack.close()


@pytest.mark.slow
def test_a_sweep_survives_the_loss_of_a_worker(
    address: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    lost, _ = start_worker("numpy=1"), start_worker("numpy=1")

    def progress(done: int, total: int) -> None:
        if done == 5:
            lost.kill()

    folder = tmp_path / "store"
    sweep(**SETTINGS, on="numpy", out=folder, engine=address, progress=progress)
    assert lost.wait() == -9
    here = sweep(**SETTINGS, on="numpy").dataset()
    assert np.array_equal(open_sweep(folder).dataset()["parameters"], here["parameters"])


@pytest.mark.slow
def test_a_worker_has_one_thread_and_one_participant(
    address: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    with pytest.raises(MissingParticipantError, match="No worker of the cluster") as caught:
        sweep(**SETTINGS, on="numpy", out=tmp_path / "store", engine=address)
    assert f"dask worker {address} --nthreads 1 --resources numpy=1" in caught.value.hint
    start_worker("numpy=1,jax=1")
    with pytest.raises(UsageError, match=r"1 thread.* and the resources numpy, jax"):
        sweep(**SETTINGS, on="numpy", out=tmp_path / "store", engine=address)


def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "_CONNECT_SECONDS", 1)
    with pytest.raises(MissingParticipantError, match="No Dask scheduler answers") as caught:
        sweep(**SETTINGS, on="numpy", out=tmp_path / "store", engine="tcp://127.0.0.1:9")
    assert "dask scheduler" in caught.value.hint


def test_a_process_works_for_one_backend() -> None:
    with WorkerExecutor() as process:
        label = process.submit(on_cluster, lambda backend: backend.label, "numpy", "float64")
        assert label.result() == "numpy/cpu/float64"
        with pytest.raises(SamestepError, match="worked for numpy was asked to work for jax"):
            process.submit(on_cluster, lambda backend: backend.label, "jax", "float32").result()


def test_without_dask_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingParticipantError, match="needs dask") as caught:
        sweep(**SETTINGS, on="numpy", out=tmp_path / "store", engine="local")
    assert "samestep[cluster]" in caught.value.hint
