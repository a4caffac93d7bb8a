"""Exclusive use for timings: real processes that wait for each other."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from samestep.workers.exclusive import exclusive_use

TIMING = """
import sys
from samestep.workers.exclusive import exclusive_use
with exclusive_use(lambda text: print(text, flush=True)):
    print("timing", flush=True)
    sys.stdin.read()
"""

Start = Callable[[], AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start another process, which times until its standard input is closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    @contextlib.contextmanager
    def timing() -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", TIMING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ) as process:
            yield process
            process.kill()

    return timing


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_a_second_timing_waits_for_the_first(start: Start) -> None:
    told: list[str] = []
    with start() as first:
        assert line(first) == "timing\n"

        def let_it_end(text: str) -> None:
            told.append(text)
            assert first.poll() is None  # it is timing still
            assert first.stdin
            first.stdin.close()

        with exclusive_use(let_it_end):
            assert first.wait(10) == 0
    assert len(told) == 1
    assert "Another process is timing" in told[0]


def test_a_process_that_waits_says_so_and_then_times(start: Start) -> None:
    with contextlib.ExitStack() as held:
        held.enter_context(exclusive_use(pytest.fail))
        held.enter_context(exclusive_use(pytest.fail))  # again, inside itself
        with start() as second:
            assert "Another process is timing" in line(second)
            held.close()
            assert line(second) == "timing\n"


def test_a_killed_process_holds_up_nobody(start: Start) -> None:
    with start() as first:
        assert line(first) == "timing\n"
        first.kill()
        first.wait()
        with exclusive_use(pytest.fail):
            pass
