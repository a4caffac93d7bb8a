"""A side of a port in NumPy, so that the check itself is tested without a framework.

The model is ``relu(x @ hidden.weight.T + hidden.bias) @ out.weight.T``, the loss half the mean of
the squared residuals, the optimizer SGD with momentum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from samestep.port import Arrays, Batch, Pass, Rule, Side, State, Tensor, Variation, slot_names
from samestep.port.rules import apply_rule

WIDTH, FEATURES, ROWS = 5, 3, 8

_SHAPES = {"hidden.weight": (WIDTH, FEATURES), "hidden.bias": (WIDTH,), "out.weight": (1, WIDTH)}


def batches(count: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(ROWS, FEATURES)), rng.normal(size=(ROWS, 1))) for _ in range(count)]


class NumpySide(Side):
    """A side with hooks for what a test wants to be wrong.

    Parameters
    ----------
    role : {"original", "port"}
    hidden : callable
        Changes the hidden activations.
    gradient : callable
        Changes each gradient, given its name.
    rule : Rule
    narrow : bool
        Whether it computes in float32 whatever is asked for.
    """

    device, dtype = "cpu", "float32"
    notes = ()

    def __init__(
        self,
        role: Literal["original", "port"],
        *,
        hidden: Callable[[Any], Any] = lambda h: h,
        gradient: Callable[[str, Any], Any] = lambda name, g: g,
        rule: Rule = Rule("sgd", 0.1, momentum=0.9),
        narrow: bool = False,
        start: State | None = None,
    ) -> None:
        self.label, self.role = {"original": "left", "port": "right"}[role], role
        self.hidden, self.gradient, self.rule, self.narrow = hidden, gradient, rule, narrow
        rng = np.random.default_rng(1)
        params = {name: rng.normal(size=shape) for name, shape in _SHAPES.items()}
        slots = {slot: {n: np.zeros(s) for n, s in _SHAPES.items()} for slot in slot_names(rule)}
        self.start = start or State(params, {}, slots, 0)

    def parameters(self) -> dict[str, Tensor]:
        axes = {2: "out in", 1: "out"}
        return {name: Tensor(shape, axes[len(shape)]) for name, shape in _SHAPES.items()}

    def statistics(self) -> dict[str, Tensor]:
        return {}

    def slots(self) -> dict[str, tuple[str, ...]]:
        return {slot: tuple(_SHAPES) for slot in slot_names(self.rule)}

    def state(self) -> State:
        return self.start

    def run(self, state: State, batch: Batch, dtype: str) -> Pass:
        used = "float32" if self.narrow else dtype
        p = {name: x.astype(used) for name, x in state.params.items()}
        x, y = (array.astype(used) for array in (*batch.inputs, *batch.targets))
        before = x @ p["hidden.weight"].T + p["hidden.bias"]
        hidden = self.hidden(np.maximum(before, 0)).astype(used)
        output = hidden @ p["out.weight"].T
        residual = (output - y) / x.dtype.type(len(x))
        back = (residual @ p["out.weight"]) * (before > 0)
        gradients = {
            "hidden.weight": back.T @ x,
            "hidden.bias": back.sum(0),
            "out.weight": residual.T @ hidden,
        }
        return Pass(
            activations=_wide({"hidden": hidden}),
            output=output.astype(float),
            loss=np.asarray(0.5 * ((output - y) ** 2).mean(), dtype=float),
            gradients=_wide({n: self.gradient(n, g) for n, g in gradients.items()}),
            statistics={},
            dtypes=frozenset({used}),
        )

    def update(self, state: State, gradients: Arrays, dtype: str) -> State:
        kept = State({}, {}, {}, state.count + 1)
        for name, g in gradients.items():
            slots = {slot: arrays[name] for slot, arrays in state.slots.items()}
            new, own = apply_rule(self.rule, state.params[name], g, slots, state.count)
            kept.params[name] = new.astype(dtype).astype(float)
            for slot, array in own.items():
                kept.slots.setdefault(slot, {})[name] = array.astype(dtype).astype(float)
        return replace(kept, statistics=state.statistics)

    def loaded(self, params: Arrays) -> Arrays:
        return params

    def rules(self, count: int) -> dict[str, Rule]:
        return dict.fromkeys(_SHAPES, self.rule)

    def variations(self, state: State, batch: Batch) -> list[Variation]:
        return []


def _wide(arrays: dict[str, Any]) -> Arrays:
    return {name: x.astype(np.float64) for name, x in arrays.items()}
