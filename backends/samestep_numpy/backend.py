"""NumPy behind the backend interface. It has no autograd: gradients are closed forms."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast, final

import array_api_compat.numpy as array_namespace
import numpy as np
import numpy.typing as npt

from samestep.devices import resolve_device
from samestep.interface import Array, Backend, Environment, Params, TensorOps
from samestep.loss import find_closed_form


@final
class NumpyBackend(Backend):
    """NumPy on the CPU; in float64 it is the oracle."""

    name: ClassVar[str] = "numpy"

    def __init__(self, device: str = "cpu", dtype: str = "float64") -> None:
        self.device = resolve_device(device, self.environment().devices, aliases={})
        self.dtype = dtype
        self.xp = cast(TensorOps, array_namespace)
        self.native: dict[str, Callable[..., Any]] = {}

    @classmethod
    def environment(cls) -> Environment:
        """NumPy's version; its BLAS decides the number of threads."""
        return Environment({"numpy": np.__version__}, ("cpu",), None, {})

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Overflow is data here, not a warning: divergent runs are part of the exercises."""
        with np.errstate(all="ignore"):
            yield

    def asarray(self, x: npt.ArrayLike) -> Array:
        """Copy, with floats at the working dtype."""
        array = np.array(x)
        return array.astype(self.dtype) if array.dtype.kind == "f" else array

    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        """Copy."""
        return np.array(x)

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Return the registered closed form; it broadcasts over runs by itself."""
        return self.compile(find_closed_form(loss))
