"""Another backend, step by step: no compilation and no scan, so each operation runs by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from samestep.interface import SGD, Array, Backend, Environment, Params, SGDOptions

__all__ = ["StepwiseBackend"]


class StepwiseBackend(Backend):
    """Wrap a backend and run its operations one at a time, in Python's order.

    Parameters
    ----------
    inner : Backend
    suffix : str
        Marks the participant's label.
    """

    name = "stepwise"

    def __init__(self, inner: Backend, suffix: str = "stepwise") -> None:
        self.inner = inner
        self._suffix = suffix
        self.device, self.dtype, self.xp = inner.device, inner.dtype, inner.xp
        self.native = inner.native

    @classmethod
    def environment(cls) -> Environment:
        """A wrapper has no environment of its own."""
        return Environment({}, ("cpu",), None, {})

    @property
    def label(self) -> str:
        """The wrapped backend's label, marked."""
        return f"{self.inner.name}+{self._suffix}/{self.device}/{self.dtype}"

    def scope(self) -> contextlib.AbstractContextManager[None]:
        """Return the wrapped backend's scope."""
        return self.inner.scope()

    def asarray(self, x: npt.ArrayLike) -> Array:
        """Copy as the wrapped backend does."""
        return self.inner.asarray(x)

    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        """Copy as the wrapped backend does."""
        return self.inner.to_numpy(x)

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate as the wrapped backend does."""
        return self.inner.value_and_grad(loss, runs=runs, has_aux=has_aux)

    def sgd(self, learning_rate: float | Array, options: SGDOptions = SGDOptions()) -> SGD:
        """Return the wrapped backend's SGD."""
        return self.inner.sgd(learning_rate, options)
