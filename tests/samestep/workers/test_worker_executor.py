"""Worker processes: real ones, killed, hung and interrupted."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samestep
from samestep.errors import MissingParticipantError, SamestepError, UsageError
from samestep.workers.executor import WorkerExecutor
from samestep.workers.here import InProcessExecutor
from samestep.workers.process import LostWorkerError
from samestep.workers.surroundings import prepare, required_environment
from samestep.workers.tasks import on_backend

ROOT = Path(samestep.__file__).parents[2]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerExecutor]:
    with WorkerExecutor("numpy") as executor:
        yield executor


# --- answers ---------------------------------------------------------------------------------


def test_a_closure_is_done_in_another_process_that_lasts(worker: WorkerExecutor) -> None:
    offset = np.arange(3)
    there, values = worker.submit(lambda x: (os.getpid(), x + offset), 1).result()
    assert there == worker.pid == worker.submit(os.getpid).result() != os.getpid()
    assert list(values) == [1, 2, 3]


def test_an_exception_comes_back_as_itself_with_where_it_happened(worker: WorkerExecutor) -> None:
    def fail() -> None:
        raise UsageError("what was given", "what mends it")

    with pytest.raises(UsageError, match="what was given") as caught:
        worker.submit(fail).result()
    assert (caught.value.message, caught.value.hint) == ("what was given", "what mends it")
    assert "in fail" in caught.value.__notes__[0]


def test_an_exception_of_a_framework_needs_no_framework_here(worker: WorkerExecutor) -> None:
    def fail() -> None:
        raise np.linalg.LinAlgError("singular")

    with pytest.raises(SamestepError, match="LinAlgError: singular") as caught:
        worker.submit(fail).result()
    assert type(caught.value) is SamestepError


def test_what_cannot_be_sent_is_an_error_of_its_task_alone(worker: WorkerExecutor) -> None:
    with pytest.raises(TypeError, match="pickle"):
        worker.submit(lambda: (number for number in range(3))).result()
    with pytest.raises(SamestepError, match="SystemExit: 3"):
        worker.submit(sys.exit, 3).result()
    assert worker.submit(len, "abc").result() == 3


def test_what_a_task_prints_disturbs_no_answer(worker: WorkerExecutor) -> None:
    def talk() -> str:
        sys.stdout.write("on standard output")
        sys.stdout.flush()
        os.write(1, b"\0\0\0\0\0\0\0\1x")
        return sys.stdin.read()

    assert worker.submit(talk).result() == ""


def test_an_error_survives_a_pickle() -> None:
    error = pickle.loads(pickle.dumps(MissingParticipantError("message", "hint")))
    assert (error.message, error.hint, str(error)) == ("message", "hint", "message\nhint")


def test_without_a_worker_tasks_are_done_here_at_once() -> None:
    executor = InProcessExecutor()
    assert executor.submit(os.getpid).result() == os.getpid()
    with pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 / 0).result()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executor.submit(interrupt)


# --- ends ------------------------------------------------------------------------------------


def die(text: str, how: Callable[[], Any]) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    how()


def test_a_killed_worker_breaks_its_task_alone(worker: WorkerExecutor) -> None:
    with WorkerExecutor("numpy") as executor:
        first = executor.submit(os.getpid).result()
        lost = executor.submit(die, "allocating", lambda: os.kill(os.getpid(), signal.SIGKILL))
        waiting = executor.submit(os.getpid)
        with pytest.raises(LostWorkerError, match="was ended by SIGKILL") as caught:
            lost.result()
        assert "The worker of numpy" in caught.value.message
        assert "short of memory" in caught.value.message
        assert "allocating" in caught.value.hint
        assert waiting.result() == executor.submit(os.getpid).result() != first
    assert worker.submit(len, "abc").result() == 3


def test_a_worker_that_exits_or_hangs_says_so() -> None:
    with WorkerExecutor() as executor:
        error = executor.submit(die, "goodbye", lambda: os._exit(7)).exception()
    assert isinstance(error, LostWorkerError)
    assert "exit status 7" in error.message
    assert "goodbye" in error.hint
    with WorkerExecutor(timeout=1) as executor:
        error = executor.submit(time.sleep, 60).exception()
    assert isinstance(error, LostWorkerError)
    assert "gave no answer in 1 s" in error.message


def test_killing_an_executor_ends_its_work_at_once(gone: Callable[[int], bool]) -> None:
    executor = WorkerExecutor()
    pid = executor.submit(os.getpid).result()
    running, waiting = executor.submit(time.sleep, 60), executor.submit(len, "abc")
    while not running.running():
        time.sleep(0.01)
    started = time.monotonic()
    executor.kill()
    with pytest.raises(LostWorkerError):
        running.result()
    with pytest.raises(CancelledError):
        waiting.result()
    executor.shutdown()
    assert time.monotonic() - started < 1
    assert gone(pid)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(len, "abc")


def test_a_worker_does_what_waits_before_it_ends(gone: Callable[[int], bool]) -> None:
    with WorkerExecutor() as executor:
        pid = executor.submit(os.getpid).result()
        last = [executor.submit(len, "x" * i) for i in range(5)]
    assert [future.result() for future in last] == list(range(5))
    assert gone(pid)


def test_workers_end_when_their_parent_is_killed(gone: Callable[[int], bool]) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, time\n"
            "from samestep.workers.executor import WorkerExecutor\n"
            "executor = WorkerExecutor()\n"
            "print(executor.submit(os.getpid).result(), flush=True)\n"
            "executor.submit(time.sleep, 60).result()",
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_ctrl_c_does_not_reach_a_worker(worker: WorkerExecutor) -> None:
    assert worker.submit(os.getpgrp).result() != os.getpgrp()


# --- surroundings ----------------------------------------------------------------------------


def test_each_backend_says_what_it_needs_before_its_import() -> None:
    assert required_environment("torch")["OMP_NUM_THREADS"] == "1"
    assert required_environment("jax")["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert required_environment("numpy") == required_environment("unknown") == {}


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in required_environment("torch"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    prepare("torch")
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["MKL_NUM_THREADS"] == "1"


def test_a_worker_sets_its_environment_before_it_imports_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in required_environment("torch") | required_environment("jax"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run(
        [sys.executable, "-c", "import samestep.workers.child, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"numpy", "torch", "jax", "cloudpickle"} & set(done.stdout.split())
    with WorkerExecutor("jax", "torch") as executor:
        environment = executor.submit(lambda: dict(os.environ)).result()
        error = executor.submit(os._exit, 7).exception()
    for backend in ("jax", "torch"):
        assert environment.items() >= required_environment(backend).items()
    assert "The worker of jax and torch ended with exit status 7" in str(error)


def test_a_device_that_is_not_there_is_an_error_in_the_worker_too() -> None:
    def label(backend: samestep.Backend) -> str:
        return backend.label

    with WorkerExecutor("jax") as executor:
        assert executor.submit(on_backend, label, "jax", "float32").result() == "jax/cpu/float32"
        with pytest.raises(MissingParticipantError, match="Device 'gpu:7' is not there"):
            executor.submit(on_backend, label, "jax@gpu:7", "float32").result()


# --- other interpreters ----------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Make another virtual environment that finds what this one has."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    site = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    here = [sysconfig.get_path("purelib"), *(p for p in sys.path if p.startswith(str(ROOT)))]
    (site / "here.pth").write_text("\n".join(here) + "\n")
    return tmp_path / "venv" / "bin" / "python"


def first_error(python: Path) -> LostWorkerError:
    with WorkerExecutor(python=str(python)) as executor:
        error = executor.submit(len, "abc").exception()
    assert isinstance(error, LostWorkerError)
    return error


def test_a_worker_may_live_in_another_virtual_environment(elsewhere: Path) -> None:
    def where(backend: samestep.Backend) -> tuple[str, str]:
        return backend.label, sys.prefix

    with WorkerExecutor("numpy", python=str(elsewhere)) as executor:
        found = executor.submit(on_backend, where, "numpy", "float64").result()
    assert found == ("numpy/cpu/float64", str(elsewhere.parents[1]))


def test_an_interpreter_without_samestep_or_no_interpreter_is_named(
    elsewhere: Path, tmp_path: Path
) -> None:
    (next(elsewhere.parents[1].glob("lib/python*/site-packages")) / "here.pth").unlink()
    lost = first_error(elsewhere)
    assert "exit status 1 while it started" in lost.message
    assert "No module named 'samestep'" in lost.hint
    lost = first_error(tmp_path / "nothing")
    assert "cannot be started" in lost.message
    assert "No such file" in lost.message


def test_both_ends_need_the_same_python(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    hello = '{"python": "3.9", "samestep": "0"}'
    old.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "from samestep.workers.messages import write_message\n"
        f"write_message(sys.stdout.buffer, b'{hello}')\n"
        "sys.stdin.read()\n"
    )
    old.chmod(0o755)
    lost = first_error(old)
    assert "has python 3.9, this is 3." in lost.message
    assert "same version" in lost.hint
