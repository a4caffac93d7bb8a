"""What a backend needs in the environment of its process before its framework is imported.

A backend says so in a file ``process.toml`` beside its package, which can be read without
importing anything of it::

    [environment]
    OMP_NUM_THREADS = "1"  # the comment says why

``{cache}`` in a value stands for this user's folder for what can be made anew. What the user has
set already stays.
"""

from __future__ import annotations

import importlib.util
import os
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from platformdirs import user_cache_dir

__all__ = ["USER_CACHE", "prepare", "required_environment"]

USER_CACHE = user_cache_dir("samestep", appauthor=False)
"""This user's folder for what can be made anew."""

_FILE = "process.toml"


def required_environment(backend: str) -> dict[str, str]:
    """Return the variables that a registered backend asks for; none for an unknown one.

    Not through the registry: that imports NumPy, whose libraries read the environment too.
    """
    found: dict[str, str] = {}
    for entry in entry_points(group="samestep.backends", name=backend):
        # A top-level package is found without being imported; a module inside one is not.
        spec = importlib.util.find_spec(entry.module.partition(".")[0])
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder) / _FILE
            if path.is_file():
                found |= tomllib.loads(path.read_text(encoding="utf-8"))["environment"]
    return {name: value.replace("{cache}", USER_CACHE) for name, value in found.items()}


def prepare(backend: str) -> None:
    """Set what a backend asks for in the environment of this process."""
    for name, value in required_environment(backend).items():
        os.environ.setdefault(name, value)
