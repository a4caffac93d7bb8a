"""Which code found a result: versions say it of what is installed, digests of what is edited."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

__all__ = ["code_digest"]


@functools.cache
def code_digest(module: str) -> str:
    """SHA-256 of the source files of the top-level package, or file, that a module belongs to."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    digest = hashlib.sha256()
    if spec is not None:
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        files = sorted(file for folder in folders for file in folder.rglob("*.py"))
        for file in files or [Path(spec.origin or "")]:
            digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
