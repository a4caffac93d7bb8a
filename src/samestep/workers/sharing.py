"""Requests and answers as pickles in which an address stands for what is large.

A plan of a thousand runs is tens of megabytes. Pickled, sent and unpickled for every participant
and every precision, it would cost more than the fits. So the parent lays it into memory once, all
workers map that memory, and their answers name the plan instead of bringing it back.
"""

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import os
import pickle
import secrets
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import cloudpickle  # type: ignore[import-untyped]

from samestep.errors import SamestepError
from samestep.workers.shared import Shared

__all__ = ["Borrower", "Lender", "Request"]

_LEAST = 2**20
"""Bytes from which a file is worth its trouble."""

_ALIGNED = 64
"""Bytes: arrays begin where a processor, or a framework, wants them to."""

_KEPT = 2**29
"""Bytes that a worker keeps mapped: a claim's 10,000 seeds are ten chunks of 36 MB."""


class _Address(NamedTuple):
    """Where a pickle and its buffers are."""

    token: bytes  # the file begins with it: paths come again, and elsewhere they mean another file
    path: str
    spans: tuple[tuple[int, int], ...]  # offset and length; of the pickle first

    @property
    def nbytes(self) -> int:
        """Size of the file."""
        return sum(self.spans[-1])


class Request(NamedTuple):
    """A pickled request; it keeps alive what it names."""

    payload: bytes
    named: dict[bytes, Shared]

    def read(self, answer: bytes) -> Any:
        """Read its answer, in which what the request named is what it was here."""
        return _Unpickler(io.BytesIO(answer), lambda address: self.named[address.token]).load()


class Lender:
    """The parent's end: it owns what is shared, and keeps one copy as long as the original lives.

    A process has one of them, for all workers.
    """

    def __init__(self) -> None:
        self._addresses: weakref.WeakKeyDictionary[Shared, _Address] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def pack(self, value: Any) -> Request:
        """Pickle a request."""
        named: dict[bytes, Shared] = {}

        def address_of(shared: Shared) -> _Address | None:
            if shared.nbytes < _LEAST:
                return None
            try:
                address = self._lend(shared)
            except OSError:  # no room for files; there may be one for a message
                return None
            named[address.token] = shared
            return address

        return Request(_dumps(value, address_of), named)

    def _lend(self, value: Shared) -> _Address:
        with self._lock:
            if value not in self._addresses:
                address, release = _lay_out(value)
                weakref.finalize(value, release)
                self._addresses[value] = address
            return self._addresses[value]


class Borrower:
    """A worker's end: it maps what the parent has laid out, and keeps what was used last."""

    def __init__(self) -> None:
        self._open: dict[_Address, Shared] = {}
        self._of_request: dict[Shared, _Address] = {}

    def unpack(self, request: bytes) -> Any:
        """Read a request.

        Raises
        ------
        SamestepError
            If the parent's memory cannot be opened here.
        """
        self._of_request = {}

        def find(address: _Address) -> Shared:
            value = self._open.pop(address, None) or _open(address)
            self._open[address] = value  # in the order of their use
            self._of_request[value] = address
            return value

        value = _Unpickler(io.BytesIO(request), find).load()
        while len(self._open) > 1 and sum(address.nbytes for address in self._open) > _KEPT:
            del self._open[next(iter(self._open))]
        return value

    def pack(self, value: Any) -> bytes:
        """Pickle the answer to the last request."""
        return _dumps(value, self._of_request.get)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles anything, closures and functions of a notebook included."""

    def __init__(self, file: io.BytesIO, address_of: Callable[[Shared], _Address | None]) -> None:
        super().__init__(file)
        self._address_of = address_of

    def persistent_id(self, value: object) -> _Address | None:
        return self._address_of(value) if isinstance(value, Shared) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, find: Callable[[_Address], Shared]) -> None:
        super().__init__(file)
        self._find = find

    def persistent_load(self, address: _Address) -> Shared:
        return self._find(address)


def _dumps(value: Any, address_of: Callable[[Shared], _Address | None]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, address_of).dump(value)
    return file.getvalue()


def _lay_out(value: Shared) -> tuple[_Address, Callable[[], None]]:
    """Write a copy that others can map; return where it is, and what frees it."""
    buffers: list[pickle.PickleBuffer] = []
    # Out of band: the pickle is small, and the arrays' own memory is written, without a copy.
    pickled = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    token, spans = secrets.token_bytes(16), []
    path, descriptor, release = _new_file()
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(token)
            for part in parts:
                file.seek(-file.tell() % _ALIGNED, os.SEEK_CUR)
                spans.append((file.tell(), len(part)))
                file.write(part)
    except OSError:
        release()
        raise
    return _Address(token, path, tuple(spans)), release


def _new_file() -> tuple[str, int, Callable[[], None]]:
    """Open a file that other processes can open; return its path, descriptor, and what frees it."""
    # In memory where that can be opened by its name, and gone with this process however that ends.
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("samestep")
        release = functools.partial(os.close, descriptor)
        return f"/proc/{os.getpid()}/fd/{descriptor}", descriptor, release
    descriptor, path = tempfile.mkstemp(prefix="samestep-")

    def remove() -> None:
        os.close(descriptor)
        os.unlink(path)

    return path, descriptor, remove


def _open(address: _Address) -> Shared:
    memory = memoryview(b"")
    with contextlib.suppress(OSError, ValueError), open(address.path, "rb") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if memory[: len(address.token)] != address.token:
        raise SamestepError(
            f"The worker finds no data at {address.path}, where its parent has laid them.",
            "Both need the same machine, user and file system; --in-process does without workers.",
        )
    parts = [memory[start : start + length] for start, length in address.spans]
    value: Shared = pickle.loads(parts[0], buffers=parts[1:])
    return value
