"""What the backends say of themselves: their modes, and the environment of a benchmark."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from samestep.benchmarking.contender import Contender, mode_contender
from samestep.benchmarking.task import Introduction

__all__ = ["describe_environment", "modes_of"]


def modes_of(participant: str, told: Introduction) -> Iterator[Contender]:
    """Describe the modes of a backend, the default first."""
    names = list(told.modes) or [""]
    compiles = names[0] in told.compilers
    for name in names:
        compiler = told.compilers.get(name, "none")
        yield mode_contender(
            participant,
            name,
            told.modes.get(name, ""),
            compiler,
            default=name == names[0],
            # Seconds to begin: a compiler that the framework does without by default, or the
            # operations, one by one, of a framework that compiles everything.
            slow=(compiler != "none") != compiles,
        )


def describe_environment(introductions: Mapping[str, Introduction]) -> dict[str, Any]:
    """Return what a reader needs to judge or repeat a benchmark."""
    return {
        "samestep": version("samestep"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "backends": {
            name: {
                "versions": dict(told.environment.versions),
                "devices": list(told.environment.devices),
                "threads": told.environment.threads,
                "flags": dict(told.environment.flags),
                "timer": {**asdict(told.timer), "waits": told.timer.waits},
            }
            for name, told in introductions.items()
        },
    }
