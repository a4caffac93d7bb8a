"""Flax modules of either kind as models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from flax import linen, nnx

from samestep.errors import UsageError
from samestep_jax.port.models import Model
from samestep_jax.port.trees import Tree
from samestep_jax.port.watching import tapped, watched

__all__ = ["NNX", "Linen"]

_AXES = {
    ("kernel", 2): "in out",
    ("kernel", 4): "h w in out",
    ("kernel", 5): "d h w in out",
    ("embedding", 2): "vocab features",
    ("scale", 1): "features",
}
"""What the axes of Flax's parameters mean, by name and number; of three axes there are several."""


@final
class Linen(Model):
    """A Flax linen module and its variables, or its parameters alone."""

    def __init__(self, apply: Any, params: Any, statistics: Any, call: dict[str, Any]) -> None:
        if not isinstance(params, Mapping):
            raise UsageError(
                f"The JAX side was given a {type(params).__name__} as the variables of its module.",
                "Give it what module.init returned: Side(module, variables, loss, optimizer).",
            )
        variables = dict(params) if "params" in params else {"params": params}
        self.params = Tree.of(variables.pop("params"))
        self.statistics = Tree.of(variables if statistics is None else statistics)
        self.notes = []
        self._module, self._call = apply, call

    def __call__(
        self, params: Mapping[str, Any], statistics: Mapping[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the output, and the statistics after it."""

        def record(
            call: Callable[..., Any],
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
            context: linen.module.InterceptorContext,
        ) -> Any:
            path = "/".join(context.module.path)
            if isinstance(context.module, linen.Dropout):
                self.quiet(path)
                return args[0]
            output = call(*args, **kwargs)
            return tapped(path, output) if context.method_name == "__call__" else output

        state = self.statistics.whole(statistics)
        variables = {"params": self.params.whole(params), **state}
        with linen.intercept_methods(record):
            output, new = self._module.apply(variables, *inputs, mutable=list(state), **self._call)
        return output, self.statistics.flat(new)

    def axes(self, name: str) -> str:
        """Name the axes of a parameter by the library's conventions."""
        return _axes(name, self.params)


@final
class NNX(Model):
    """A Flax nnx module, called as it is or by a function ``apply(model, *inputs)``."""

    def __init__(self, apply: Any, params: Any, statistics: Any, call: dict[str, Any]) -> None:
        del statistics  # they are part of the module
        self.notes = []
        module = nnx.clone(apply if params is None else params)
        for path, layer in nnx.iter_modules(module):
            drops = isinstance(layer, nnx.Dropout) and layer.rate > 0
            attends = isinstance(layer, nnx.MultiHeadAttention) and layer.dropout_rate > 0
            if drops or attends:
                layer.set_attributes(deterministic=True, raise_if_not_found=False)
                self.quiet("/".join(map(str, path)))
        self._apply = (
            (lambda model, *inputs, **kw: model(*inputs, **kw)) if params is None else apply
        )
        self._call = call
        self._graph, *states = nnx.split(module, nnx.Param, nnx.BatchStat, ...)
        trained, running, self._rest = states
        self.params, self.statistics = Tree.of(trained), Tree.of(running)

    def __call__(
        self, params: Mapping[str, Any], statistics: Mapping[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the output, and the statistics after it."""
        trained, running = self.params.whole(params), self.statistics.whole(statistics)
        module = nnx.merge(self._graph, trained, running, self._rest)
        layers = {id(m): "/".join(map(str, path)) for path, m in nnx.iter_modules(module) if path}
        kinds = {type(m) for _, m in nnx.iter_modules(module)}
        with watched(layers, kinds):
            output = self._apply(module, *inputs, **self._call)
        return output, self.statistics.flat(nnx.state(module, nnx.BatchStat))

    def axes(self, name: str) -> str:
        """Name the axes of a parameter by the library's conventions."""
        return _axes(name, self.params)


def _axes(name: str, params: Tree) -> str:
    return _AXES.get((name.rpartition("/")[2], params.arrays[name].ndim), "")
