"""The contenders' processes: one for each, all on one core, of which one works at a time."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory, mkdtemp
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from samestep.benchmarking.one_core import last_core, settle
from samestep.workers.executor import WorkerExecutor
from samestep.workers.process import LostWorkerError

__all__ = ["Crew"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_HUNG_SECONDS = 600.0
"""After which a question counts as never to be answered."""


class Crew:
    """Processes by name, each opened when it is first asked something.

    Who asks waits for the answer, so no two of them work at the same time.
    """

    def __init__(self) -> None:
        self._core = last_core()
        self._caches = TemporaryDirectory(prefix="samestep-bench-")
        self._workers: dict[str, WorkerExecutor] = {}

    def ask(
        self, name: str, backend: str, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Have ``work`` done in a process, opened for a backend if it is not open yet."""
        if name not in self._workers:
            worker = self._workers[name] = WorkerExecutor(backend, timeout=_HUNG_SECONDS)
            worker.submit(settle, self._core, backend, mkdtemp(dir=self._caches.name)).result()
        try:
            return self._workers[name].submit(work, *args, **kwargs).result()
        except LostWorkerError:
            self.dismiss(name)  # it would start again by itself, but on any core
            raise

    def rename(self, name: str, new: str) -> None:
        """Call a process something else."""
        self._workers[new] = self._workers.pop(name)

    def dismiss(self, name: str) -> None:
        """End a process, if it is open."""
        if name in self._workers:
            self._workers.pop(name).shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            if error:
                worker.kill()
            worker.shutdown(wait=False)
        for worker in self._workers.values():  # they end side by side
            worker.shutdown()
        self._caches.cleanup()
