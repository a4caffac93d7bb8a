"""HIPS autograd, which differentiates NumPy with a tape, as a backend of samestep."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import make_vjp
from autograd.tracer import getval

from samestep import Backend, MissingParticipantError
from samestep.interface import Environment


def take(x: Any, indices: Any, /, *, axis: int) -> Any:
    """Gather by indexing: autograd has a derivative for that, and none for its ``take``."""
    return x[(slice(None),) * axis + (indices,)]


OPERATIONS = SimpleNamespace(**{**vars(anp), "take": take})


class AutogradBackend(Backend):
    """Autograd on the CPU."""

    name = "autograd"

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        if device != "cpu":
            raise MissingParticipantError(f"Device {device!r} is not there.", "Devices here: cpu.")
        self.device, self.dtype = device, dtype
        self.xp: Any = OPERATIONS
        self.native: dict[str, Callable[..., Any]] = {}

    @classmethod
    def environment(cls) -> Environment:
        versions = {"autograd": version("autograd"), "numpy": np.__version__}
        return Environment(versions, devices=("cpu",), threads=None, flags={})

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        with np.errstate(all="ignore"):
            yield

    def asarray(self, x: Any) -> Any:
        array = np.array(x)
        return array.astype(self.dtype) if array.dtype.kind == "f" else array

    def to_numpy(self, x: Any) -> Any:
        return np.array(x)

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, dict[str, Any]]]:
        def one(params: dict[str, Any], *rest: Any) -> tuple[Any, dict[str, Any]]:
            aux: list[Any] = []

            def value_of(p: dict[str, Any]) -> Any:
                if not has_aux:
                    return loss(p, *rest)
                value, extra = loss(p, *rest)
                aux.append(getval(extra))
                return value

            with self.scope():
                vjp, value = make_vjp(value_of, params)
                grads = vjp(np.ones_like(value))
            return ((value, aux[0]) if has_aux else value), grads

        return self.run_by_run(one) if runs else one
