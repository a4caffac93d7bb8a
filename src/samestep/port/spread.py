"""How far sound runs of one step lie apart: an estimate of what rounding may do.

The step is run again in the same precision under variations that leave a sound implementation
free: every parameter, input, statistic, slot and gradient moved by one unit in the last place, up
or down at random; the rows of the batch in another order; the hyperparameters of the optimizer
rounded to the neighbouring number. What a tensor moves at most, times
:data:`samestep.estimate.FACTOR`, and :data:`FLOOR` units in the last place of its largest term, is
its bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.estimate import estimated_bound
from samestep.port.observation import Observation, Quantity, View, distance
from samestep.port.precision import Precision, precision
from samestep.port.rules import Rule, apply_rule
from samestep.port.side import Arrays, Batch, State

__all__ = ["FLOOR", "SAMPLES", "Setting", "Spread"]

SAMPLES = 6
"""Variations of every step; four times as many before a side is called wrong."""

FLOOR = 4
"""Units in the last place of the largest term that any bound allows."""

_HYPERPARAMETERS = (
    "learning_rate",
    "weight_decay",
    "momentum",
    "dampening",
    "beta1",
    "beta2",
    "epsilon",
    "correction1_error",
    "correction2_error",
)
_TERMS = {"correction1_error": 1.0, "correction2_error": 1.0}
"""The largest term of what cancels; that of the others is themselves."""


@dataclass(frozen=True)
class Setting:
    """Where a step starts, and what is known about it.

    Parameters
    ----------
    state : State
    batch : Batch
    gradients : dict of str to array
        What the optimizer is given.
    rules : dict of str to Rule
        Of the original's optimizer; empty if it is not known.
    top_rate : float
        The largest learning rate of the schedule, whose rounding error a smaller one inherits.
    seed : int
        Of the variations.
    """

    state: State
    batch: Batch
    gradients: Arrays
    rules: Mapping[str, Rule]
    top_rate: float
    seed: int


class Spread:
    """The variations of one step of one side in one precision.

    Parameters
    ----------
    view : View
    setting : Setting
    dtype : str
    base : Observation
        The step itself.
    """

    def __init__(self, view: View, setting: Setting, dtype: str, base: Observation) -> None:
        self._view, self._setting, self._dtype, self._base = view, setting, dtype, base
        self._precision = precision(dtype)
        self._rng = np.random.default_rng(setting.seed)
        self._moved = dict.fromkeys(base, 0.0)
        for quantity, moved in _rounded_rules(setting, self._precision).items():
            self._note(quantity, moved)

    def grow(self, samples: int) -> None:
        """Run more variations."""
        for _ in range(samples):
            self._nudged()

    def permute(self) -> None:
        """Run the batch with its rows in another order; sound where the loss does not mind."""
        for quantity, moved in self._shuffled().items():
            self._note(quantity, moved)

    def rows_may_move(self) -> bool:
        """Whether another order of the rows changes nothing beyond what the variations did."""
        return all(moved <= self.bound(q) for q, moved in self._shuffled().items())

    def _shuffled(self) -> dict[Quantity, float]:
        batch = self._setting.batch
        rows = batch.rows
        order = self._rng.permutation(rows or 0)
        shuffled = batch.map(lambda x: x[order] if x.ndim and len(x) == rows else x)
        seen, _ = self._view.forward(self._setting.state, shuffled, self._dtype)
        rowless = ("loss", "gradient", "statistics")
        return {q: distance(x, self._base[q]) for q, x in seen.items() if q.kind in rowless}

    def bound(self, quantity: Quantity) -> float:
        """Return how far the tensor may be from the exact one."""
        largest = np.abs(self._base[quantity]).max(initial=0.0)
        if quantity.kind == "update":  # it is a difference of parameters, which are rounded
            largest += np.abs(self._setting.state.params[quantity.name]).max(initial=0.0)
        floor = FLOOR * float(self._precision.ulp(largest)) if largest else 0.0
        moved = np.array([self._moved[quantity]])
        return float(estimated_bound(np.zeros(()), moved, floor))

    def _nudged(self) -> None:
        def nudge(arrays: Arrays) -> Arrays:
            return {n: self._precision.nudge(x, self._rng) for n, x in arrays.items()}

        state = replace(
            self._setting.state,
            params=nudge(self._setting.state.params),
            statistics=nudge(self._setting.state.statistics),
            slots={slot: nudge(arrays) for slot, arrays in self._setting.state.slots.items()},
        )
        batch = self._setting.batch.map(
            lambda x: self._precision.nudge(x, self._rng) if x.dtype.kind == "f" else x
        )
        seen, _ = self._view.forward(state, batch, self._dtype)
        updated, _ = self._view.update(state, nudge(self._setting.gradients), self._dtype)
        for quantity, value in {**seen, **updated}.items():
            self._note(quantity, distance(value, self._base[quantity]))

    def _note(self, quantity: Quantity, moved: float) -> None:
        if quantity in self._moved:
            self._moved[quantity] = max(self._moved[quantity], moved)


def _rounded_rules(setting: Setting, precise: Precision) -> dict[Quantity, float]:
    """How far the update moves when each hyperparameter is the next number of the precision."""
    state, gradients = setting.state, setting.gradients
    moved: dict[Quantity, float] = {}
    for name, rule in setting.rules.items():
        if name not in gradients:
            continue
        p, g = state.params[name], gradients[name]
        slots = {s: arrays[name] for s, arrays in state.slots.items() if name in arrays}
        base_p, base_slots = apply_rule(rule, p, g, slots, state.count)
        for hyperparameter in _HYPERPARAMETERS:
            value = getattr(rule, hyperparameter)
            size = {"learning_rate": setting.top_rate, **_TERMS}.get(hyperparameter, value)
            if not size:
                continue
            other = replace(rule, **{hyperparameter: value + float(precise.ulp(size))})
            near_p, near_slots = apply_rule(other, p, g, slots, state.count)
            apart = {Quantity("update", name): distance(near_p, base_p)}
            for slot, array in near_slots.items():
                apart[Quantity(slot, name)] = distance(array, base_slots[slot])
            for quantity, far in apart.items():
                moved[quantity] = max(moved.get(quantity, 0.0), far)
    return moved
