"""``samestep check``: run the conformance kit on a backend and print its certificate.

The kit handles the backend's own arrays, so its framework is imported into this process.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from samestep.cli.console import FAILED, HELD, UNUSABLE
from samestep.errors import MissingParticipantError
from samestep.registry import backend, parse_participant

__all__ = ["check_backend"]


def check_backend(participant: str) -> int:
    """Certify a backend, given as NAME or NAME@DEVICE; return the exit status.

    Raises
    ------
    SamestepError
        If the backend or pytest is missing.
    """
    name, device = parse_participant(participant)
    backend(name, device=device)  # its own error is plainer than pytest's
    if importlib.util.find_spec("pytest") is None:
        raise MissingParticipantError(
            "The conformance kit runs on pytest, which is not installed.",
            "Install it: pip install 'samestep[testing]'",
        )
    import pytest

    import samestep.testing

    # Nothing of the folder in which the user happens to stand: no configuration, no conftest.
    isolated = [
        *("-c", os.devnull, "--rootdir", str(Path(samestep.testing.__file__).parent)),
        *("--noconftest", "-p", "no:cacheprovider"),
    ]
    kit = ["-p", "samestep.testing.plugin", "--pyargs", "samestep.testing"]
    # Why a promise was not tried is told; that this process has imported the kit, which pytest
    # would have liked to do itself, is not.
    imported = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    shown = ["-q", "--tb=line", "-rfEs", "-W", imported]
    status = pytest.main([*isolated, *kit, "--backend", participant, *shown])
    statuses = {pytest.ExitCode.OK: HELD, pytest.ExitCode.TESTS_FAILED: FAILED}
    return statuses.get(pytest.ExitCode(status), UNUSABLE)
