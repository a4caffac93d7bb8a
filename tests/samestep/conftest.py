"""What the tests of real processes share."""

from __future__ import annotations

import time
from collections.abc import Callable

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
