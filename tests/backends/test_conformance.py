"""The built-in backends keep every promise of the interface: the conformance kit, run on them."""

from __future__ import annotations

import pytest

from samestep.interface import Backend
from samestep.testing.catalogue import CHECKS, Check
from samestep.testing.expectations import NotApplicableError

COMPILES = ("jax",)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_backend_keeps_its_promises(backend: Backend, check: Check) -> None:
    if "compiled_once" in check.id and backend.name not in COMPILES:
        with pytest.raises(NotApplicableError, match="compile"):
            check(backend)
    else:
        check(backend)  # one that does not apply here is an error: it would go unnoticed
