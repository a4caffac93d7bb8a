"""What a backend says about itself: name, device, precision, versions."""

from __future__ import annotations

import numpy as np

from samestep.errors import MissingParticipantError
from samestep.interface import Backend
from samestep.registry import backend_entries
from samestep.testing.expectations import ConformanceError, require

__all__ = ["CHECKS"]


def says_what_it_is(backend: Backend) -> None:
    """Name, device and dtype are plain data, and the label is made of them."""
    names = backend_entries()
    require(
        backend.name in names,
        f"the class is named {backend.name!r}, its entry point is not; known: {', '.join(names)}",
    )
    require(
        backend.label == f"{backend.name}/{backend.device}/{backend.dtype}",
        f"label is {backend.label!r}",
    )
    require(backend.numpy_dtype == np.dtype(backend.dtype), f"dtype is {backend.dtype!r}")
    require(all(callable(f) for f in backend.native.values()), "native holds what is not callable")


def says_where_it_runs(backend: Backend) -> None:
    """The environment names versions, and devices of which this is one; the first is the CPU."""
    environment = backend.environment()
    require(environment.versions, "the environment names no version")
    for group in (environment.versions, environment.flags):
        require(
            all(isinstance(value, str) and value for value in group.values()),
            f"versions and flags must be texts: {dict(group)}",
        )
    require(environment.devices[0] == "cpu", f"the first device is {environment.devices[0]!r}")
    require(
        backend.device in environment.devices,
        f"device {backend.device!r} is none of {environment.devices}",
    )


def refuses_a_device_that_is_not_there(backend: Backend) -> None:
    """An unknown device is a `MissingParticipantError`, not another device."""
    try:
        found = type(backend)(device="gpu:99", dtype=backend.dtype)  # type: ignore[call-arg]
    except MissingParticipantError:
        return
    raise ConformanceError(f"device 'gpu:99' was accepted, as {found.device!r}")


CHECKS = (says_what_it_is, says_where_it_runs, refuses_a_device_that_is_not_there)
