"""The border between host and device: what goes in and comes out is a copy, at the right dtype."""

from __future__ import annotations

import numpy as np

from samestep.interface import Backend
from samestep.testing.expectations import require, require_equal

__all__ = ["CHECKS"]

_SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (2, 1, 3), (0, 3), (1000,))


def values_and_shapes_survive(backend: Backend) -> None:
    """A round trip keeps every value and shape."""
    rng = np.random.default_rng(0)
    for shape in _SHAPES:
        source = rng.standard_normal(shape).astype(backend.dtype)
        found = backend.to_numpy(backend.asarray(source))
        require(isinstance(found, np.ndarray), f"to_numpy returned a {type(found).__name__}")
        require_equal(found, source, f"round trip of shape {shape}")
    finfo = np.finfo(backend.dtype)
    special = np.array([np.inf, -np.inf, np.nan, -0.0, finfo.max, finfo.tiny], backend.dtype)
    found = backend.to_numpy(backend.asarray(special))
    require_equal(found, special, "round trip of inf, -inf, nan, -0, largest, smallest normal")
    require(np.signbit(found[3]), "round trip of -0: the sign is lost")


def floats_take_the_working_precision(backend: Backend) -> None:
    """Floats take the working dtype, integers stay integers, and truth stays truth."""
    for kind in ("float16", "float32", "float64"):
        dtype = backend.to_numpy(backend.asarray(np.ones(2, kind))).dtype
        require(dtype == backend.numpy_dtype, f"{kind} became {dtype}, expected {backend.dtype}")
    dtype = backend.to_numpy(backend.asarray(0.5)).dtype
    require(dtype == backend.numpy_dtype, f"a Python float became {dtype}")
    for kind in ("int32", "int64"):
        found = backend.to_numpy(backend.asarray(np.array([2**31 - 1], kind)))
        require(found.dtype.kind == "i", f"{kind} became {found.dtype}")
        require_equal(found, [2**31 - 1], f"round trip of {kind}")
    dtype = backend.to_numpy(backend.asarray(np.ones(2, bool))).dtype
    require(dtype == np.dtype(bool), f"bool became {dtype}")


def what_goes_in_is_a_copy(backend: Backend) -> None:
    """A later change of the source does not reach the device."""
    for kind in ("float32", "float64", "int32", "int64", "bool"):
        for shape in ((), (3,), (1000,)):
            source = np.ones(shape, kind)
            array = backend.asarray(source)
            source[...] = 0
            require(
                backend.to_numpy(array).all(), f"asarray shares memory with a {kind} of {shape}"
            )


def what_comes_out_cannot_change_the_array(backend: Backend) -> None:
    """What comes out is read-only, or the array's no more."""
    for shape in ((), (3,), (1000,)):
        array = backend.asarray(np.ones(shape))
        found = backend.to_numpy(array)
        if found.flags.writeable:
            found[...] = 0
            require(
                backend.to_numpy(array).all(),
                f"to_numpy of shape {shape} is the array's memory, and may be written to",
            )


CHECKS = (
    values_and_shapes_survive,
    floats_take_the_working_precision,
    what_goes_in_is_a_copy,
    what_comes_out_cannot_change_the_array,
)
