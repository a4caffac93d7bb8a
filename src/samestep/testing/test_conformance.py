"""The suite that ``pytest --pyargs samestep.testing --backend NAME`` runs."""

from __future__ import annotations

import pytest

from samestep.interface import Backend
from samestep.testing.catalogue import Check
from samestep.testing.expectations import NotApplicableError


def test_conformance(check: Check, conforming_backend: Backend) -> None:
    """A backend keeps a promise at a precision; the session's plugin supplies both."""
    try:
        check(conforming_backend)
    except NotApplicableError as reason:
        pytest.skip(str(reason))
