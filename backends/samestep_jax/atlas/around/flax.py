"""Flax is optional: JAX itself ships no layers, so probes of layers use Flax where it is."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from samestep.probes import Natives


def needs_flax(native: Natives) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Return a decorator that registers code, or says that Flax is not installed."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        if find_spec("flax"):
            return native(function)
        native.absent(
            function.__name__.replace("_", "-"),
            "JAX ships no layers, and Flax, which does, is not installed.",
        )
        return function

    return register
