"""What a step of one side did, in the names and layouts of the original."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from samestep.loss import Float64
from samestep.port.pairing import Pairing
from samestep.port.side import Arrays, Batch, Pass, Side, State
from samestep.port.taps import Taps

__all__ = ["KINDS", "Observation", "Port", "Quantity", "View", "apart", "distance"]

KINDS = ("activation", "output", "loss", "statistics", "gradient", "update")
"""In the order in which a step makes them; the optimizer's slots follow."""


@dataclass(frozen=True)
class Quantity:
    """One thing that is compared.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`, or a slot of the optimizer, such as ``first_moment``.
    name : str
        Of the layer or parameter, in the original's words; empty for output and loss.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}".strip()


Observation: TypeAlias = dict[Quantity, Float64]


class View:
    """A side whose states and results are in the original's names and layouts.

    Parameters
    ----------
    side : Side
    """

    def __init__(self, side: Side) -> None:
        self.side = side

    def load(self, state: State) -> State:
        """Bring a state of the original to the side's own names."""
        return state

    def there(self, arrays: Arrays) -> Arrays:
        """Bring parameters, or what belongs to them, to the side's own names."""
        return arrays

    def back(self, arrays: Arrays) -> Arrays:
        """Bring parameters, or what belongs to them, to the original's names."""
        return arrays

    def back_statistics(self, arrays: Arrays) -> Arrays:
        """Bring statistics to the original's names."""
        return arrays

    def activations(self, done: Pass) -> Observation:
        """Name the activations and the output as the original does."""
        found = {Quantity("activation", n): x for n, x in done.activations.items()}
        return {**found, Quantity("output"): done.output}

    def forward(self, state: State, batch: Batch, dtype: str) -> tuple[Observation, Pass]:
        """Run forward and backward; gradients are listed from the last parameter to the first."""
        done = self.side.run(self.load(state), batch, dtype)
        gradients = self.back(done.gradients)
        statistics = self.back_statistics(done.statistics)
        return {
            **self.activations(done),
            Quantity("loss"): done.loss,
            **{
                Quantity("statistics", n): statistics[n]
                for n in state.statistics
                if n in statistics
            },
            **{
                Quantity("gradient", n): gradients[n]
                for n in reversed(state.params)
                if n in gradients
            },
        }, done

    def update(self, state: State, gradients: Arrays, dtype: str) -> tuple[Observation, State]:
        """Let the optimizer take a step; the update is the new parameter less the old one."""
        own = self.load(state)
        new = self.side.update(own, self.there(gradients), dtype)
        params = self.back(new.params)
        slots = {slot: self.back(arrays) for slot, arrays in new.slots.items()}
        return {
            **{Quantity("update", n): params[n] - state.params[n] for n in params},
            **{Quantity(slot, n): x for slot, arrays in slots.items() for n, x in arrays.items()},
        }, replace(state, params=params, slots=slots, count=new.count)


class Port(View):
    """The port, seen through the pairings.

    Parameters
    ----------
    side : Side
    params, statistics : Pairing
    taps : Taps
    """

    def __init__(self, side: Side, params: Pairing, statistics: Pairing, taps: Taps) -> None:
        super().__init__(side)
        self.params, self.statistics, self.taps = params, statistics, taps

    def load(self, state: State) -> State:
        """Carry a state over to the port."""
        return State(
            self.params.to_port(state.params),
            self.statistics.to_port(state.statistics),
            {slot: self.params.to_port(arrays) for slot, arrays in state.slots.items()},
            state.count,
        )

    def there(self, arrays: Arrays) -> Arrays:
        """Carry parameters over to the port."""
        return self.params.to_port(arrays)

    def back(self, arrays: Arrays) -> Arrays:
        """Carry parameters back to the original."""
        return self.params.to_original(arrays)

    def back_statistics(self, arrays: Arrays) -> Arrays:
        """Carry statistics back to the original."""
        return self.statistics.to_original(arrays)

    def activations(self, done: Pass) -> Observation:
        """Name the activations that have a partner as the original does."""
        found = {
            Quantity("activation", tap.original): tap.to_original(done.activations[tap.port])
            for tap in self.taps.pairs
        }
        return {**found, Quantity("output"): self.taps.output.to_original(done.output)}


def apart(a: Float64, b: Float64) -> Float64:
    """Return the differences, elementwise; infinite where one alone is not finite.

    Axes of length one do not count; other shapes that differ are infinitely far apart.
    """
    if a.shape != b.shape:
        if [n for n in a.shape if n != 1] != [n for n in b.shape if n != 1]:
            return np.full(a.shape, np.inf)
        b = b.reshape(a.shape)
    with np.errstate(invalid="ignore"):
        differences = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return np.nan_to_num(differences, nan=np.inf, posinf=np.inf)


def distance(a: Float64, b: Float64) -> float:
    """Return the largest difference."""
    return float(apart(a, b).max(initial=0.0))
