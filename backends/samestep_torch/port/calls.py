"""Calls of PyTorch's functions inside a model: listed, and one or all of a kind done otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

__all__ = ["LOSS", "Call", "Places", "Replaced", "Sites"]

LOSS = "(loss)"
"""The place of what happens outside the model."""


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Parameters
    ----------
    function : str
        Its name, without the underscore of functions that work in place.
    index : int
        How many calls came before.
    place : str
        The innermost layer in which it happened; empty for the model itself.
    after : str
        The layer that was left last; empty if none was.
    run : callable
    args, kwargs
    """

    function: str
    index: int
    place: str
    after: str
    run: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def get(self, name: str, position: int, default: Any = None) -> Any:
        """Return an argument that was given by position or by name."""
        if len(self.args) > position:
            return self.args[position]
        return self.kwargs.get(name, default)

    def again(self, **changes: tuple[int, Any]) -> Any:
        """Call the function with some arguments changed: name to position and value."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for name, (position, value) in changes.items():
            if len(args) > position:
                args[position] = value
            else:
                kwargs[name] = value
        return self.run(*args, **kwargs)


class Places:
    """Keeps track of the layer that is being called.

    Parameters
    ----------
    module : torch.nn.Module
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.last = ""
        self._path: list[str] = []
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    @property
    def now(self) -> str:
        """Name of the innermost layer."""
        return self._path[-1] if self._path else LOSS

    def __enter__(self) -> Places:
        for name, layer in self._module.named_modules():
            self._handles.append(layer.register_forward_pre_hook(self._entered(name)))
            self._handles.append(layer.register_forward_hook(self._left, always_call=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _entered(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def enter(layer: nn.Module, args: tuple[Any, ...]) -> None:
            del layer, args
            self._path.append(name)

        return enter

    def _left(self, layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del layer, args, output
        self.last = self._path.pop()


class Sites(TorchFunctionMode):
    """Lists the calls of some functions.

    Parameters
    ----------
    functions : iterable of str
    places : Places
    """

    def __init__(self, functions: Iterable[str], places: Places) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._functions, self._places = frozenset(functions), places
        self._count = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = _name(func)
        if name not in self._functions:
            return func(*args, **(kwargs or {}))
        call = Call(
            name, self._count, self._places.now, self._places.last, func, args, kwargs or {}
        )
        self._count += 1
        return self.meet(call)

    def meet(self, call: Call) -> Any:
        """Note a call and let it happen."""
        self.calls.append(call)
        return call.run(*call.args, **call.kwargs)


class Replaced(Sites):
    """Does some of the listed calls otherwise.

    Parameters
    ----------
    functions, places
        As of :class:`Sites`; the numbering is the same.
    instead : dict of int to callable
        From the number of a call to what is done with it.
    """

    def __init__(
        self,
        functions: Iterable[str],
        places: Places,
        instead: dict[int, Callable[[Call], Any]],
    ) -> None:
        super().__init__(functions, places)
        self._instead = instead

    def meet(self, call: Call) -> Any:
        """Let a call happen, or do what stands in its place."""
        if call.index in self._instead:
            return self._instead[call.index](call)
        return call.run(*call.args, **call.kwargs)


def _name(func: Callable[..., Any]) -> str:
    """Name a function: ``F.softmax``, ``torch.softmax`` and ``Tensor.softmax`` are one."""
    name: str = getattr(func, "__name__", "")
    return name if name.startswith("__") else name.rstrip("_")
