"""The pytest plugin: adds ``--backend`` where the conformance kit itself is run, and nowhere else.

pytest loads this module in every session of an environment with Samestep: it must stay this small.
"""

from __future__ import annotations

import pytest

__all__ = ["pytest_load_initial_conftests"]

_KIT = ("samestep.testing", "samestep.testing.test_conformance")


def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Set up the kit if ``samestep.testing`` is among the arguments."""
    if any(argument.partition("::")[0] in _KIT for argument in args):
        from samestep.testing.session import Conformance

        parser.addoption(
            "--backend",
            metavar="NAME[@DEVICE]",
            help="The backend to certify, by the name of its entry point.",
        )
        early_config.pluginmanager.register(Conformance(), "samestep.testing.session")
