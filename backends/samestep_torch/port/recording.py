"""What a PyTorch model does while it runs: outputs of layers, randomness, precisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from samestep.errors import UsageError
from samestep.loss import Float64
from samestep.port import Arrays

__all__ = ["Deterministic", "Recorder", "as_tensor", "dtype_name", "numbers", "switch_off_dropout"]

_DROPOUT = nn.modules.dropout._DropoutNd
_DROPOUTS = {
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    functional.alpha_dropout,
    functional.feature_alpha_dropout,
    torch.dropout,
    torch.feature_dropout,
    torch.alpha_dropout,
}
_RANDOM = {
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"),
    *("bernoulli", "multinomial", "normal", "poisson", "rrelu", "gumbel_softmax"),
    *("bernoulli_", "normal_", "uniform_", "random_", "exponential_", "rrelu_"),
}


def numbers(x: torch.Tensor) -> Float64:
    """Copy to the host in float64, which holds every narrower number exactly."""
    return np.array(x.detach().to("cpu", torch.float64).numpy())


def as_tensor(x: npt.NDArray[Any], like: torch.Tensor) -> torch.Tensor:
    """Copy to the device and, if they are floating-point numbers, the precision of a tensor."""
    dtype = like.dtype if x.dtype.kind == "f" else None
    return torch.tensor(np.ascontiguousarray(x), dtype=dtype, device=like.device)


def dtype_name(x: torch.Tensor) -> str:
    """Return the name of a tensor's precision."""
    return str(x.dtype).removeprefix("torch.")


class Recorder:
    """Records what each layer is given and gives, in the order of the calls.

    A layer that is called again is recorded as ``name#2``.

    Parameters
    ----------
    module : torch.nn.Module
    """

    def __init__(self, module: nn.Module) -> None:
        self.outputs: Arrays = {}
        self.inputs: dict[str, tuple[npt.NDArray[Any], ...]] = {}
        self.dtypes: set[str] = set()
        self._module = module
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Recorder:
        for name, layer in self._module.named_modules():
            if name:
                self._handles.append(layer.register_forward_hook(self._hook(name)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def record(layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            del layer
            first = output[0] if isinstance(output, tuple) and output else output
            if not isinstance(first, torch.Tensor) or not first.is_floating_point():
                return
            key, again = name, 1
            while key in self.outputs:
                again += 1
                key = f"{name}#{again}"
            self.outputs[key] = numbers(first)
            self.inputs[key] = tuple(
                numbers(a) if a.is_floating_point() else np.array(a.detach().cpu().numpy())
                for a in args
                if isinstance(a, torch.Tensor)
            )
            self.dtypes.add(dtype_name(first))

        return record


class Deterministic(TorchFunctionMode):
    """Switches off dropout that is called as a function, and refuses other random numbers."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        if func is functional.scaled_dot_product_attention:
            kwargs.pop("dropout_p", None)
            args = args[:4] + (0.0,) * (len(args) > 4) + args[5:]
        name = getattr(func, "__name__", "")
        if name in _RANDOM:
            raise UsageError(
                f"The PyTorch side draws random numbers: {name}. They cannot be matched.",
                "Draw them beforehand and give them to both sides as part of the batch.",
            )
        return func(*args, **kwargs)


def switch_off_dropout(module: nn.Module) -> list[str]:
    """Switch off all dropout layers, and say which."""
    quiet = []
    for name, layer in module.named_modules():
        if isinstance(layer, _DROPOUT) and layer.p > 0:
            layer.p = 0.0
            quiet.append(name)
        if isinstance(layer, nn.MultiheadAttention) and layer.dropout > 0:
            layer.dropout = 0.0
            quiet.append(name)
    return [f"Dropout was switched off in {', '.join(quiet)} of the PyTorch side."] if quiet else []
