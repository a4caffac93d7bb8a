"""What the tests share: backends by name and precision, and the rule for tests that need a GPU."""

from __future__ import annotations

import functools

import hypothesis
import pytest

import samestep
from samestep.interface import DTYPES, Backend
from samestep.registry import backend_entry

FRAMEWORKS = ("torch", "jax")
"""Backends with automatic differentiation; the tests need all of them."""

# An example may contain the compilation of a new shape, so no example has a deadline. The parent
# is kept: on a CI machine Hypothesis picks a profile of its own.
hypothesis.settings.register_profile(
    "samestep", parent=hypothesis.settings.default, deadline=None, print_blob=True
)
hypothesis.settings.load_profile("samestep")


@functools.cache
def gpus(name: str) -> tuple[str, ...]:
    """Devices of a framework other than the CPU."""
    devices = backend_entry(name).load().environment().devices
    return tuple(device for device in devices if device != "cpu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``gpu`` where no framework sees a GPU."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not any(gpus(name) for name in FRAMEWORKS):
        reason = f"needs a GPU, and {' and '.join(FRAMEWORKS)} see none on this machine"
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    """Each working precision."""
    return str(request.param)


@pytest.fixture(scope="session", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest, dtype: str) -> Backend:
    """Each backend with automatic differentiation, at each precision."""
    return samestep.backend(request.param, dtype=dtype)


@pytest.fixture(scope="session", params=(*FRAMEWORKS, "numpy"))
def backend(request: pytest.FixtureRequest, dtype: str) -> Backend:
    """Each backend, the closed forms included, at each precision."""
    return samestep.backend(request.param, dtype=dtype)


@pytest.fixture(scope="session", params=FRAMEWORKS)
def gpu_backend(request: pytest.FixtureRequest, dtype: str) -> Backend:
    """Each framework that sees a GPU, there, at each precision; for tests marked ``gpu``."""
    if not gpus(request.param):
        pytest.skip(f"{request.param} sees no GPU, though another framework does")
    return samestep.backend(request.param, device="gpu", dtype=dtype)


@pytest.fixture(scope="session")
def oracle() -> Backend:
    """The referee: closed forms in float64."""
    return samestep.oracle()
