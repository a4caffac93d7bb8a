"""Worker processes behind the interface of :mod:`concurrent.futures`."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from samestep.workers.process import LostWorkerError, WorkerProcess

if TYPE_CHECKING:
    from samestep.workers.sharing import Lender, Request

__all__ = ["WorkerExecutor"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


@functools.cache
def _lender() -> Lender:
    """The process's one; what it imports is not needed to list exercises."""
    from samestep.workers.sharing import Lender

    return Lender()


class _Task(NamedTuple):
    future: Future[Any]
    request: Request


class WorkerExecutor(Executor):
    """One lasting process, of one participant or of several; a killed one breaks nothing else.

    Tasks are done one after the other. When the process is lost, the future it was working for
    gets a :class:`LostWorkerError` that says how it ended and what it said last; those that still
    wait, and later ones, go to a new process.

    Parameters
    ----------
    *backends : str
        What the process is for; its environment is set for these backends before anything is
        imported. None is fine.
    python : str, optional
        Interpreter of another virtual environment, with the same minor version of Python and with
        Samestep installed. This one by default.
    timeout : float, optional
        Seconds after which a task counts as hung, and its process is killed.

    Notes
    -----
    Functions and arguments are sent with cloudpickle, so closures can be. Processes are started
    by their command line, as macOS and Windows need it; on these it is untested.
    """

    def __init__(
        self, *backends: str, python: str | None = None, timeout: float | None = None
    ) -> None:
        self._backends = backends
        self._python = python
        self._timeout = timeout
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._process: WorkerProcess | None = None
        self._closed = self._killed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Number of the process; None where none is at work."""
        process = self._process
        return process.pid if process else None

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Queue ``fn(*args, **kwargs)`` for the process."""
        request = _lender().pack((fn, args, kwargs))
        future: Future[_T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._tasks.put(_Task(future, request))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # the signature of Executor
        """Take no more tasks, and let the process end after those that wait."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if cancel_futures:
                    self._cancel_waiting()
                self._tasks.put(None)
        if wait:
            self._thread.join()

    def kill(self) -> None:
        """End the process at once; its task is lost and those that wait are cancelled."""
        with self._lock:
            self._closed = self._killed = True
            self._cancel_waiting()
            self._tasks.put(None)
            process = self._process
        if process:
            process.kill()

    def _cancel_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while task := self._tasks.get_nowait():
                task.future.cancel()

    def _serve(self) -> None:
        while task := self._tasks.get():
            if task.future.set_running_or_notify_cancel():
                self._do(task)
            del task  # what it keeps alive need not wait for the next one
        if self._process:
            self._process.farewell()
            self._process = None

    def _do(self, task: _Task) -> None:
        try:
            value, where = task.request.read(
                self._working().ask(task.request.payload, self._timeout)
            )
        except LostWorkerError as error:
            self._process = None
            task.future.set_exception(error)
        except Exception as error:  # noqa: BLE001  # the answer cannot be read here
            task.future.set_exception(error)
        else:
            if where is None:
                task.future.set_result(value)
            else:
                value.add_note(f"In the worker:\n{where}")
                task.future.set_exception(value)

    def _working(self) -> WorkerProcess:
        if self._process is None:
            process = WorkerProcess(self._backends, self._python)
            with self._lock:
                self._process = process
                late = self._killed
            if late:  # killed while it started
                process.kill()
        return self._process
