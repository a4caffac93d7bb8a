"""Small files that are there as a whole or not at all, and that show when they were changed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samestep.errors import SamestepError

__all__ = ["StoreError", "digest", "read_sealed", "replacing", "write_sealed", "writing"]

_SEAL = "seal"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreError(SamestepError, RuntimeError):
    """A store cannot be written, or what it holds cannot be believed."""


def digest(data: Any) -> str:
    """SHA-256 of JSON data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about a write into an error that says what mends it."""
    try:
        yield
    except OSError as error:
        hint = (
            "Free some space and run the same command again: what is finished is kept."
            if error.errno in _FULL
            else "Name another folder, or mend its permissions: what is finished is kept."
        )
        raise StoreError(f"Cannot write {str(path)!r}: {error.strerror}.", hint) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a temporary file in the same folder, which becomes ``path`` at the end.

    After an exception it is removed, and ``path`` is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_sealed(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON with a checksum of itself, by way of a temporary file in the same folder."""
    sealed = {**data, _SEAL: digest(data)}
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(sealed, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(handle)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what :func:`write_sealed` wrote.

    Raises
    ------
    StoreError
        If it is missing, no JSON, or not what was written.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        seal = data.pop(_SEAL)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise StoreError(
            f"{str(path)!r} cannot be read ({type(error).__name__}).",
            "It is missing, damaged, or no file of a store.",
        ) from error
    if seal != digest(data):
        raise StoreError(
            f"{str(path)!r} is not what was written: its checksum does not fit.",
            "It was changed by hand or damaged. Restore it, or run the same into a new folder.",
        )
    return dict(data)
