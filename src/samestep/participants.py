"""Participants: what an exercise knows of a backend, and how it has it work, here or in a worker.

A framework may be in this process or in another one; the laboratory cannot tell the difference.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from samestep.interface import Backend
from samestep.registry import backend, parse_participant
from samestep.side_by_side import native_version
from samestep.workers.here import InProcessExecutor
from samestep.workers.opening import open_workers
from samestep.workers.tasks import on_backend

__all__ = ["Participant", "here", "in_workers", "open_team"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_PREFIX = "exercise/"


@dataclass(frozen=True)
class Participant:
    """A backend on a device at a working precision: plain data, and a way to have it work.

    Parameters
    ----------
    name, device, dtype, label : str
        As those of the :class:`Backend`.
    natives : frozenset of str
        Names in ``Backend.native``.
    versions : mapping of str to str
        Source of its native versions by exercise, where there is a file to read it from.
    ask : callable
        ``ask(work)`` has ``work(backend)`` called where the backend is and returns the future of
        its result, which must be free of the framework.
    """

    name: str
    device: str
    dtype: str
    label: str
    natives: frozenset[str] = field(repr=False)
    versions: Mapping[str, str] = field(repr=False)
    ask: Callable[[Callable[[Backend], Any]], Future[Any]] = field(repr=False, compare=False)


@contextlib.contextmanager
def open_team(
    participants: Sequence[str],
    dtypes: Sequence[str],
    *,
    in_process: bool,
    python: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Iterator[list[Participant]]:
    """Open every participant at every precision, in worker processes or in this one.

    Parameters
    ----------
    participants : sequence of str
        ``NAME`` or ``NAME@DEVICE``.
    dtypes : sequence of str
    in_process : bool
        Import the frameworks into this process; the parameters below are for workers alone.
    python : mapping of str to str, optional
        Interpreters of other virtual environments by backend.
    timeout : float, optional
        Seconds after which a piece of work counts as hung, and its process is ended.

    Raises
    ------
    MissingParticipantError
        If a framework or a device is not there.
    LostWorkerError
        If a worker cannot be started, or ends while it imports its framework.
    """
    if in_process:
        opened = {}
        for dtype in dtypes:
            for text in participants:
                name, device = parse_participant(text)
                item = backend(name, device=device, dtype=dtype)
                opened[item.label] = item
        yield here(opened.values())
    else:
        with open_workers(participants, python=python or {}, timeout=timeout) as executors:
            yield in_workers(executors, dtypes)


def here(backends: Iterable[Backend | Participant]) -> list[Participant]:
    """Make participants of backends of this process; those that are some already stay.

    Frameworks work side by side, each in one thread: one compiles while another computes. One
    alone works in the thread that asks.
    """
    given = list(backends)
    alone = len({item.name for item in given}) == 1
    found = []
    for item in given:
        if isinstance(item, Backend):
            executor = InProcessExecutor() if alone else _FrameworkThread(item.name)
            ask = functools.partial(_call, executor, item)
            found.append(Participant(**_describe(item), ask=ask))
        else:
            found.append(item)
    return found


def in_workers(executors: Mapping[str, Executor], dtypes: Sequence[str]) -> list[Participant]:
    """Import the frameworks where they work, side by side, and find the devices.

    Parameters
    ----------
    executors : mapping of str to Executor
        By participant, ``NAME`` or ``NAME@DEVICE``.
    dtypes : sequence of str

    Raises
    ------
    MissingParticipantError
        If a framework or a device is not there.
    LostWorkerError
        If a worker cannot be started, or ends while it imports its framework.
    """
    asks = [
        functools.partial(_call_there, executor, text, dtype)
        for dtype in dtypes
        for text, executor in executors.items()
    ]
    pending = [ask(_describe) for ask in asks]
    found = {}
    for ask, future in zip(asks, pending, strict=True):
        participant = Participant(**future.result(), ask=ask)
        found[participant.label] = participant
    return list(found.values())


def _describe(backend: Backend) -> dict[str, Any]:
    versions = {}
    for name in backend.native:
        if name.startswith(_PREFIX):
            exercise = name.removeprefix(_PREFIX)
            with contextlib.suppress(OSError):  # what was typed into a session has no file
                versions[exercise] = native_version(backend, exercise)
    return {
        "name": backend.name,
        "device": backend.device,
        "dtype": backend.dtype,
        "label": backend.label,
        "natives": frozenset(backend.native),
        "versions": versions,
    }


def _call(executor: Executor, backend: Backend, work: Callable[[Backend], _T]) -> Future[_T]:
    return executor.submit(work, backend)


def _call_there(
    executor: Executor, participant: str, dtype: str, work: Callable[[Backend], _T]
) -> Future[_T]:
    return executor.submit(on_backend, work, participant, dtype)


_HERE = threading.local()
"""Knows whether this thread is one of the frameworks'."""


@functools.cache
def _thread(framework: str) -> ThreadPoolExecutor:
    """One thread per framework that lasts: a framework's first call in a thread is a slow one."""
    return ThreadPoolExecutor(1, thread_name_prefix=framework, initializer=_mark)


def _mark() -> None:
    _HERE.works = True


class _FrameworkThread(Executor):
    """Works in the framework's thread; work that asks for work is done where it is.

    The threads are taken by those who wait for it.
    """

    def __init__(self, framework: str) -> None:
        self._framework = framework

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        nested = getattr(_HERE, "works", False)
        executor: Executor = InProcessExecutor() if nested else _thread(self._framework)
        return executor.submit(fn, *args, **kwargs)
