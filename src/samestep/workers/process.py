"""One worker process: started, asked, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from samestep.errors import SamestepError
from samestep.workers.messages import read_message, write_message

__all__ = ["LostWorkerError", "WorkerProcess"]

_TAIL = 12
"""Lines of a worker's last output that are reported."""

_START_SECONDS = 60.0
_FAREWELL_SECONDS = 5.0


class LostWorkerError(SamestepError, RuntimeError):
    """A worker process ended, was killed or gave no answer in time."""


class WorkerProcess:
    """A child process that does one thing at a time.

    It is started by its command line, never by ``fork``, so it inherits no framework, thread or
    lock. It is in a process group of its own: Ctrl-C reaches the parent alone, which decides.

    Parameters
    ----------
    backends : sequence of str
        Its environment is set for these backends before anything is imported.
    python : str, optional
        Another interpreter; this one by default.

    Raises
    ------
    LostWorkerError
        If it does not start, or has another minor version of Python or another Samestep.
    """

    def __init__(self, backends: Sequence[str], python: str | None = None) -> None:
        self.name = f"The worker of {' and '.join(backends)}" if backends else "The worker"
        self._python = python or sys.executable
        self._tail: deque[str] = deque(maxlen=_TAIL)
        own_group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            self._process = subprocess.Popen(
                # -P: files of the working directory do not shadow packages.
                [self._python, "-P", "-m", "samestep.workers.child", *backends],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **own_group,
            )
        except OSError as error:
            raise LostWorkerError(
                f"{self.name} cannot be started: {self._python}: {error.strerror}.",
                "Name a Python interpreter: --python NAME=PATH.",
            ) from error
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._check(json.loads(self._receive(_START_SECONDS, "while it started")))
        # As multiprocessing does: what can be imported here can be imported there, too.
        self._send(json.dumps([] if python else sys.path).encode())

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ask(self, request: bytes, timeout: float | None) -> bytes:
        """Send a request and wait for its answer; a hang beyond ``timeout`` seconds is ended."""
        self._send(request)
        return self._receive(timeout, "in the middle of a task")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._close()

    def farewell(self) -> None:
        """Let it end by itself, and end it if it does not."""
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()
        try:
            self._process.wait(_FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._close()

    def _check(self, there: dict[str, str]) -> None:
        here = {"python": "{}.{}".format(*sys.version_info), "samestep": version("samestep")}
        for what, why in (
            ("python", "functions are sent as bytecode"),
            ("samestep", "plans and results are sent as its objects"),
        ):
            if there[what] != here[what]:
                self.kill()
                raise LostWorkerError(
                    f"{self._python} has {what} {there[what]}, this is {here[what]}.",
                    f"Both ends need the same version, because {why}.",
                )

    def _send(self, request: bytes) -> None:
        assert self._process.stdin
        # Where it has ended already, what it said is found when its answer is read.
        with contextlib.suppress(OSError):
            write_message(self._process.stdin, request)

    def _receive(self, timeout: float | None, when: str) -> bytes:
        assert self._process.stdout
        with self._limit(timeout) as exceeded:
            answer = read_message(self._process.stdout)
        if answer is not None:
            return answer
        self._process.kill()  # it closed its end, so it is of no use any more
        code = self._process.wait()
        self._close()
        how = f"gave no answer in {timeout:g} s" if exceeded.is_set() else _ending(code)
        said = "\n".join(f"  {line}" for line in self._tail)
        raise LostWorkerError(
            f"{self.name} {how} {when}.",
            f"Its last output:\n{said}" if said else "It wrote nothing before.",
        )

    @contextlib.contextmanager
    def _limit(self, seconds: float | None) -> Iterator[threading.Event]:
        """Kill the process when the time is up, which ends the wait for its answer."""
        exceeded = threading.Event()

        def end() -> None:
            exceeded.set()
            self._process.kill()

        if seconds is None:
            yield exceeded
            return
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield exceeded
        finally:
            timer.cancel()

    def _listen(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._tail.append(line.decode(errors="replace").rstrip())

    def _close(self) -> None:
        self._process.wait()
        self._listener.join(timeout=1)  # a grandchild may hold the other end
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                assert stream
                stream.close()


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code >= 0 or os.name == "nt":
        return f"ended with exit status {code}"
    name = signal.Signals(-code).name
    short = " (which is also how a system short of memory ends a process)"
    return f"was ended by {name}{short if name == 'SIGKILL' else ''}"
