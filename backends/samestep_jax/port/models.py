"""What a JAX model may be: a function, a Flax module of either kind, an Equinox module.

Flax and Equinox are optional. An object of theirs can only be given where they are imported, so
nothing is imported to recognise one.
"""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, final

from samestep.errors import UsageError
from samestep_jax.port.trees import Tree

__all__ = ["Model", "model_of", "output_and_statistics"]

_LIBRARIES = {
    "flax.linen": ("flax_models", "Linen"),
    "flax.nnx": ("flax_models", "NNX"),
    "equinox": ("equinox_models", "Equinox"),
}
"""Libraries with a class ``Module``, and the module and class of ours that makes a model of one."""


class Model(ABC):
    """A model as a pure function of its parameters and statistics.

    Attributes
    ----------
    params, statistics : Tree
    notes : list of str
    """

    params: Tree
    statistics: Tree
    notes: list[str]

    def quiet(self, layer: str) -> None:
        """Note that the dropout of a layer was switched off."""
        note = f"Dropout was switched off in {layer} of the JAX side."
        if note not in self.notes:
            self.notes.append(note)

    @abstractmethod
    def __call__(
        self, params: Mapping[str, Any], statistics: Mapping[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the output, and the statistics after it."""

    def axes(self, name: str) -> str:
        """Name the axes of a parameter, if the framework's conventions tell."""
        del name
        return ""


def model_of(apply: Any, params: Any, statistics: Any, call: dict[str, Any]) -> Model:
    """Find out what was given, and make a model of it."""
    for name, (module, kind) in _LIBRARIES.items():
        library = sys.modules.get(name)
        if library and any(isinstance(given, library.Module) for given in (apply, params)):
            make = getattr(importlib.import_module(f"samestep_jax.port.{module}"), kind)
            model: Model = make(apply, params, statistics, call)
            return model
    if not callable(apply):
        raise UsageError(
            f"The JAX side was given a {type(apply).__name__} as its model.",
            "Give it a function apply(params, *inputs), or a module of Flax or Equinox.",
        )
    return _Function(apply, params, statistics, call)


@final
class _Function(Model):
    """``apply(params, *inputs)``, or ``apply(params, statistics, *inputs)`` with statistics."""

    def __init__(self, apply: Any, params: Any, statistics: Any, call: dict[str, Any]) -> None:
        self.params, self.statistics = Tree.of(params), Tree.of(statistics)
        self.notes = []
        self._apply, self._call, self._stateful = apply, call, statistics is not None

    def __call__(
        self, params: Mapping[str, Any], statistics: Mapping[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any]]:
        tree = self.params.whole(params)
        if not self._stateful:
            return self._apply(tree, *inputs, **self._call), {}
        result = self._apply(tree, self.statistics.whole(statistics), *inputs, **self._call)
        output, new = output_and_statistics(result)
        return output, self.statistics.flat(new)


def output_and_statistics(result: Any) -> tuple[Any, Any]:
    """Unpack what a model with statistics returns."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise UsageError(
            f"A model with statistics returned a {type(result).__name__}.",
            "It must return (output, new statistics).",
        )
    return result
