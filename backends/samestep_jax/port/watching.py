"""Taps of the layers of a model, without a change to its code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax

from samestep_jax.port.taps import tap

__all__ = ["tapped", "watched"]


def tapped(name: str, output: Any) -> Any:
    """Tap the output of a layer; of several outputs the first."""
    if not name:
        return output
    if isinstance(output, tuple) and output and isinstance(output[0], jax.Array):
        return (tap(name, output[0]), *output[1:])
    return tap(name, output) if isinstance(output, jax.Array) else output


@contextlib.contextmanager
def watched(
    layers: Mapping[int, str],
    kinds: set[type],
    dropouts: tuple[type, ...] = (),
    quiet: Callable[[str], None] = lambda layer: None,
) -> Iterator[None]:
    """Tap the outputs of modules while they are called.

    Their classes' ``__call__`` is replaced meanwhile, as ``nnx.capture`` does it; a module is known
    by its identity, so one that a transformation has rebuilt is not seen.

    Parameters
    ----------
    layers : dict of int to str
        From the identity of a module to its name.
    kinds : set of type
        Their classes.
    dropouts : tuple of type
        Classes that do nothing meanwhile.
    quiet : callable
        Is told the name of a layer that did nothing.
    """

    def watching(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return tapped(layers.get(id(self), ""), original(self, *args, **kwargs))

        return call

    def resting(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        quiet(layers.get(id(self), type(self).__name__))
        return x

    replaced = {kind: kind.__dict__["__call__"] for kind in kinds if "__call__" in kind.__dict__}
    try:
        for kind, original in replaced.items():
            instead = resting if issubclass(kind, dropouts) else watching(original)
            type.__setattr__(kind, "__call__", instead)
        yield
    finally:
        for kind, original in replaced.items():
            type.__setattr__(kind, "__call__", original)
