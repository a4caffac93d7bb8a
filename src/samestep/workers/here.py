"""No worker at all: tasks are done in this process, at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

__all__ = ["InProcessExecutor"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class InProcessExecutor(Executor):
    """Does a task when it is submitted, in the thread that submits it; Ctrl-C reaches it."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Do ``fn(*args, **kwargs)`` and return the future of what came of it."""
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # it is the future's
            future.set_exception(error)
        return future
