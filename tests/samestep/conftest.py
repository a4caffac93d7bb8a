"""What the tests of real processes share, and those that count compilations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process ends within two seconds; a zombie has ended."""

    def ends(pid: int) -> bool:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            try:
                if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                return True
            time.sleep(0.02)
        return False

    return ends


@pytest.fixture
def compilations() -> Iterator[list[str]]:
    """What JAX compiles, while the fixture lasts; nothing has been compiled before."""
    import jax

    seen: list[str] = []

    def note(event: str, seconds: float, **about: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(str(about))

    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(note)
    yield seen
    jax.monitoring.unregister_event_duration_listener(note)
