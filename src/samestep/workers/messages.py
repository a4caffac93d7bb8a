"""Messages between a parent and its workers: a length, then so many bytes."""

from __future__ import annotations

import struct
from typing import IO

__all__ = ["read_message", "write_message"]

_LENGTH = struct.Struct(">Q")


def write_message(stream: IO[bytes], payload: bytes) -> None:
    """Write one message and pass it on at once."""
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes | None:
    """Read one message; None where the other end has closed, be it in the middle of one."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = stream.read(length)
    return payload if len(payload) == length else None
