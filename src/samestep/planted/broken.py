"""A broken backend: a sound one, and a bug that is planted in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from samestep.faults import round_to_bits
from samestep.interface import SGD, Array, Backend, Params, SGDOptions
from samestep.loss import Objective
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.stepwise import StepwiseBackend

__all__ = ["BrokenBackend", "Bug", "Outputs", "Update", "UpdateCall", "sound_plan"]


class BrokenBackend(StepwiseBackend):
    """A sound backend with a bug planted in it.

    It runs step by step, without compilation, so that a bug may have a memory.

    Parameters
    ----------
    inner : Backend
        A sound backend.
    bug : Bug
    """

    name = "broken"

    def __init__(self, inner: Backend, bug: Bug) -> None:
        super().__init__(inner, suffix=bug.id)
        self._bug = bug
        self.step = 0
        self.last_step = -1
        self.memory: dict[str, Any] = {}

    def rounded(self, x: Array, bits: int) -> Array:
        """Round the significand of an array to some bits."""
        return self.asarray(round_to_bits(self.to_numpy(x).astype(np.float64), bits))

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate an objective with the bug before and after, anything else soundly."""
        bug = self._bug
        sound = self.inner.value_and_grad(loss, runs=runs, has_aux=has_aux)
        if not (isinstance(loss, Objective) and has_aux):
            return sound
        other = sound
        if bug.objective:
            changed = bug.objective(loss)
            other = self.inner.value_and_grad(changed, runs=runs, has_aux=has_aux)

        def broken(params: Params, *rest: Array) -> tuple[Any, Params]:
            arguments = bug.inputs(self, params, *rest) if bug.inputs else (params, *rest)
            (value, prediction), grads = other(*arguments)
            if bug.gradient_only:
                (value, prediction), _ = sound(params, *rest)
            if bug.outputs:
                value, prediction, grads = bug.outputs(self, value, prediction, grads, rest[2])
            return (value, prediction), grads

        return broken

    def sgd(self, learning_rate: float | Array, options: SGDOptions = SGDOptions()) -> SGD:
        """SGD as the sound backend does it, with the bug."""
        bug = self._bug
        if bug.options:
            learning_rate, options = bug.options(learning_rate, options)
        sound = self.inner.sgd(learning_rate, options)

        def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            if bug.update:
                call = UpdateCall(self, sound, learning_rate, options, params, grads, state)
                result = bug.update(call)
            else:
                result = sound.step(params, grads, state)
            self.step += 1
            return result

        return SGD(sound.init, step)

    def scan(
        self,
        step: Callable[[Any, Params], tuple[Any, Params]],
        carry: Any,
        xs: Params,
    ) -> tuple[Any, Params]:
        """Loop in Python, over inputs that the bug may have changed."""
        self.step, self.memory = 0, {}
        self.last_step = len(next(iter(xs.values()))) - 1
        return super().scan(step, carry, self._bug.scan(self, xs) if self._bug.scan else xs)


Outputs: TypeAlias = Callable[
    [BrokenBackend, Array, Array, Params, Array], tuple[Array, Array, Params]
]


class UpdateCall(NamedTuple):
    """One call of the update: the sound backend's SGD and what it was asked for."""

    backend: BrokenBackend
    sgd: SGD
    rate: Any
    options: SGDOptions
    params: Params
    grads: Params
    state: Params

    def sound(self, params: Params) -> tuple[Params, Params]:
        """Update some parameters as the sound backend does."""
        return self.sgd.step(params, self.grads, self.state)


Update: TypeAlias = Callable[[UpdateCall], tuple[Params, Params]]


@dataclass(frozen=True)
class Bug:
    """A planted bug, and what the cross-check must say about it.

    Parameters
    ----------
    id, description : str
    quantity : str
        The first quantity that is wrong.
    step : int
        The first step that is wrong.
    causes : tuple of str
        Ids of the known faults that count as the right cause.
    objective, gradient_only
        Differentiate another objective; ``gradient_only`` keeps the sound value and prediction.
    inputs, outputs, options, update, scan
        What is done to the arguments and results of the sound backend's functions.
    plan : mapping
        Arguments of :func:`sound_plan`: a plan that can show the bug.
    dtype : str
        A working precision that can show it.
    """

    id: str
    description: str
    quantity: str
    step: int
    causes: tuple[str, ...]
    objective: Callable[[Objective], Objective] | None = None
    gradient_only: bool = False
    inputs: Callable[..., tuple[Any, ...]] | None = None
    outputs: Outputs | None = None
    options: Callable[[Any, SGDOptions], tuple[Any, SGDOptions]] | None = None
    update: Update | None = None
    scan: Callable[[BrokenBackend, Params], Params] | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"


def sound_plan(*, num_train: int = 96, seed: int = 0, **arguments: Any) -> Plan:
    """Plan a short run on which planted bugs show: 3 epochs of 3 batches, uniform start."""
    spec = SyntheticRegression(num_train=num_train, num_val=0, start="uniform")
    return Plan.of(spec.draw(seed), **{"learning_rate": 0.03, **arguments})
