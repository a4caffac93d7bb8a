"""Sweeps that are killed, interrupted and cut short, in real processes.

Twenty processes are killed with SIGKILL at random moments, with stated seeds: workers, parents and
Dask workers. After a rerun the arrays are those of an undisturbed sweep, to the bit.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from sweep_stores import arrays, equal_to_the_bit, markers

from samestep.sweeping.conduct import sweep

Survived = Callable[..., None]
Command = Callable[..., "subprocess.Popen[str]"]


def children(pid: int, what: str) -> list[psutil.Process]:
    """Processes that a process has started, by a word of their command line."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if any(what in part for part in child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


class Killer:
    """Kills random children, soon after random numbers of chunks have finished.

    It is meant as ``progress``. Each kill has its own part of the sweep, so that a killed process
    has a successor before the next one.
    """

    def __init__(self, seed: int, what: str, *parts: range) -> None:
        self._random = random.Random(seed)
        self._moments = [self._random.choice(part) for part in parts]
        self._what = what
        self.killed: list[int] = []

    def __call__(self, done: int, total: int) -> None:
        if done in self._moments:
            threading.Timer(self._random.uniform(0, 0.03), self._kill).start()

    def _kill(self) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if victims := children(os.getpid(), self._what):
                victim = self._random.choice(victims)
                victim.kill()
                self.killed.append(victim.pid)
                return
            time.sleep(0.005)


# --- kill -9 ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_workers(
    seed: int, long: dict[str, Any], tmp_path: Path, assert_survived: Survived
) -> None:
    killer = Killer(seed, "samestep.workers.child", range(1, 15), range(18, 32))
    told: list[str] = []
    counted: list[int] = []

    def progress(done: int, total: int) -> None:
        counted.append(done)
        killer(done, total)

    sweep(
        **long,
        on="numpy",
        out=tmp_path / "store",
        engine="workers",
        progress=progress,
        tell=told.append,
    )
    assert len(killer.killed) == 2
    assert counted == list(range(43))  # each chunk was finished once
    assert len(told) <= 2  # none, if a worker was killed between two chunks
    assert all("SIGKILL" in text for text in told)
    assert_survived(tmp_path / "store", markers(tmp_path / "store"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_parents(
    seed: int,
    long: dict[str, Any],
    tmp_path: Path,
    command: Command,
    assert_survived: Survived,
    gone: Callable[[int], bool],
) -> None:
    chance = random.Random(seed)
    folder, killed = tmp_path / "store", 0
    before: dict[str, tuple[int, bytes]] = {}
    for more in (1, 10, 10):
        parent = command(long, folder)
        wait_for_markers(folder, len(before) + chance.randrange(more, more + 5), parent)
        time.sleep(chance.uniform(0, 0.03))
        workers = children(parent.pid, "samestep.workers.child")
        parent.kill()
        killed += parent.wait() == -signal.SIGKILL
        parent.communicate()
        assert len(workers) == 1
        assert gone(workers[0].pid)
        after = markers(folder)
        assert before.items() <= after.items()
        before = after
    assert killed == 3
    assert len(before) < 42
    assert_survived(folder, before)


def wait_for_markers(folder: Path, count: int, parent: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while len(list(folder.glob("done/**/[!.]*.json"))) < count:
        assert parent.poll() is None, parent.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_dask_workers(
    seed: int, long: dict[str, Any], tmp_path: Path, assert_survived: Survived
) -> None:
    # A worker's process is spawned by its nanny, which is in this process and starts another.
    killer = Killer(seed, "spawn_main", range(1, 15), range(18, 32))
    sweep(**long, on="numpy", out=tmp_path / "store", engine="local", progress=killer)
    assert len(killer.killed) == 2
    assert_survived(tmp_path / "store", markers(tmp_path / "store"))


@pytest.mark.slow
def test_killed_workers_of_both_frameworks(ragged: dict[str, Any], tmp_path: Path) -> None:
    settings = ragged | {"on": ["torch", "jax"], "chunk": 4, "record": "every 2"}
    expected = arrays(sweep(**settings))
    killer = Killer(0, "samestep.workers.child", range(1, 5), range(7, 12))
    result = sweep(**settings, out=tmp_path / "store", engine="workers", progress=killer)
    assert len(killer.killed) == 2
    assert equal_to_the_bit(arrays(result), expected)


# --- Ctrl-C, a full disk ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"in_process": True}, pytest.param({"cluster": "local"}, marks=pytest.mark.slow)],
    ids=["workers", "in-process", "dask"],
)
def test_ctrl_c_stops_soon_and_says_how_to_go_on(
    options: dict[str, Any],
    long: dict[str, Any],
    tmp_path: Path,
    command: Command,
    assert_survived: Survived,
    gone: Callable[[int], bool],
) -> None:
    folder = tmp_path / "store"
    parent = command(long, folder, **options)
    wait_for_markers(folder, 10, parent)
    workers = [*children(parent.pid, "samestep.workers.child"), *children(parent.pid, "spawn_main")]
    assert bool(workers) == ("in_process" not in options)
    started = time.monotonic()
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    _, said = parent.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert parent.returncode == 130
    before = markers(folder)
    assert 10 <= len(before) < 42
    assert f"{len(before)} of 42 chunks are complete" in said
    assert f"To go on from there: samestep sweep {tmp_path / 'sweep.toml'} --out {folder}" in said
    assert all(gone(worker.pid) for worker in workers)
    assert_survived(folder, before)


def test_a_full_disk_is_an_error_that_keeps_what_is_finished(
    long: dict[str, Any], tmp_path: Path, command: Command, assert_survived: Survived
) -> None:
    folder = tmp_path / "store"
    parent = command(long, folder)
    wait_for_markers(folder, 5, parent)
    parent.kill()
    parent.communicate()
    before = markers(folder)
    # The system lets no file grow beyond this, and refuses as it does where a disk is full.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    limited = command(long, folder, before=limit, in_process=True)
    _, said = limited.communicate(timeout=60)
    assert limited.returncode == 2
    assert "Cannot write" in said
    assert "File too large" in said
    assert "what is finished is kept" in said
    assert "Traceback" not in said
    assert_survived(folder, before)
