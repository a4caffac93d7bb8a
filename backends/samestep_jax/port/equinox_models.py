"""Equinox modules as models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import equinox
import jax

from samestep.errors import UsageError
from samestep_jax.port.models import Model, output_and_statistics
from samestep_jax.port.trees import Tree
from samestep_jax.port.watching import watched

__all__ = ["Equinox"]


@final
class Equinox(Model):
    """An Equinox module, called per example by vmap, or by a function ``apply(model, *inputs)``."""

    def __init__(self, apply: Any, params: Any, statistics: Any, call: dict[str, Any]) -> None:
        self.notes = []
        self.params = Tree.of(apply if params is None else params)
        self.statistics = Tree.of(statistics)
        self._stateful = statistics is not None
        self._call = call
        self._apply: Any = apply
        if params is None:
            if self._stateful:
                raise UsageError(
                    "The JAX side was given an Equinox module with a state, and no function.",
                    "Say how it is called: Side(apply, model, loss, optimizer, statistics=state), "
                    "with apply(model, state, *inputs) returning output and state.",
                )
            self._apply = _per_example
        self._axes: dict[str, str] = {}
        for layer, module in _parts(self.params.whole(self.params.arrays), equinox.Module):
            prefix = f"{layer}/" if layer else ""
            if isinstance(module, equinox.nn.Linear):
                self._axes[f"{prefix}weight"] = "out in"
            elif isinstance(module, equinox.nn.Conv):
                space = ("w", "h w", "d h w")[module.num_spatial_dims - 1]
                self._axes[f"{prefix}weight"] = f"out in {space}"

    def __call__(
        self, params: Mapping[str, Any], statistics: Mapping[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the output, and the statistics after it."""
        model = self.params.whole(params)
        found = _parts(model, equinox.Module)
        layers = {id(module): name for name, module in found if name}
        with watched(layers, {type(m) for _, m in found}, (equinox.nn.Dropout,), self.quiet):
            if not self._stateful:
                return self._apply(model, *inputs, **self._call), {}
            state = self.statistics.whole(statistics)
            output, new = output_and_statistics(self._apply(model, state, *inputs, **self._call))
        return output, self.statistics.flat(new)

    def axes(self, name: str) -> str:
        """Name the axes of a parameter by the library's conventions."""
        return self._axes.get(name, "")


def _per_example(model: Any, *inputs: Any, **call: Any) -> Any:
    return jax.vmap(lambda *example: model(*example, **call))(*inputs)


def _parts(tree: Any, kind: type) -> list[tuple[str, Any]]:
    """Find all modules in a pytree of modules, by name, outer ones first."""
    found = []
    if isinstance(tree, kind):
        found.append(("", tree))
    children = jax.tree_util.tree_flatten_with_path(
        tree, is_leaf=lambda node: isinstance(node, kind) and node is not tree
    )[0]
    for path, child in children:
        if isinstance(child, kind) and child is not tree:
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            for inner, module in _parts(child, kind):
                found.append((f"{name}/{inner}" if inner else name, module))
    return found
