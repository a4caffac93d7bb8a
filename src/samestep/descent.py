"""Stochastic gradient descent, written once on the interface: what a backend runs for a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from samestep.interface import Array, Backend, Params, SGDOptions, TensorOps
from samestep.loss import Loss, Objective, Reduction

__all__ = ["Carry", "Descent", "Step"]


class Carry(NamedTuple):
    """What goes from step to step: what stays the same, and what the step changes.

    Rate, delta and data are handed on rather than closed over, so that fits which differ in them
    alone share one step, and a backend compiles it once.
    """

    rate: Any
    delta: Any
    data: Params
    params: Params
    state: Params


@dataclass(frozen=True)
class Step:
    """One step of one run, or of stacked ones; equal ones do the same.

    Parameters
    ----------
    backend : Backend
    loss : Loss
    reduction : {"mean", "sum"}
    options : SGDOptions
    stacked : bool
        Whether every array has a run axis, and minibatches come with their rows gathered.
    ragged : bool
        Whether some run ends before the others.
    every_step : bool
        Whether to record the step.
    """

    backend: Backend
    loss: Loss
    reduction: Reduction
    options: SGDOptions
    stacked: bool
    ragged: bool
    every_step: bool

    def __call__(self, carry: Carry, batch: Params) -> tuple[Carry, Params]:
        """Return what the next step starts from, and the record of this one."""
        # data
        rate, delta, data, params, state = carry
        xp = self.backend.xp

        # model
        objective = Objective(xp, self.loss, self.reduction, delta)
        value_and_grad = self.backend.value_and_grad(objective, runs=self.stacked, has_aux=True)

        # optimizer
        sgd = self.backend.sgd(rate, self.options)

        # step
        X, y, mask = self._minibatch(data, batch)

        # gradient
        (loss, prediction), grads = value_and_grad(params, X, y, mask)

        # update
        new_params, new_state = sgd.step(params, grads, state)
        if self.ragged:
            new_params = keep_ended(xp, batch["active"], new_params, params)
            new_state = keep_ended(xp, batch["active"], new_state, state)

        # record
        record: Params = {}
        if self.every_step:
            record = {"prediction": prediction, "loss": loss}
            record |= {f"gradient/{name}": value for name, value in grads.items()}
            record |= {f"params/{name}": value for name, value in new_params.items()}
            record |= {f"state/{name}": value for name, value in new_state.items()}
        return Carry(rate, delta, data, new_params, new_state), record

    def _minibatch(self, data: Params, batch: Params) -> tuple[Array, Array, Array]:
        """Rows, labels and weights of the examples."""
        xp = self.backend.xp
        if self.stacked:
            y = batch["y"]
            return xp.matrix_transpose(batch["X"]), y, xp.broadcast_to(batch["mask"], y.shape)
        X, y = (xp.take(data[name], batch["rows"], axis=0) for name in ("X", "y"))
        return X, y, batch["mask"]


@dataclass(frozen=True)
class Descent:
    """Step after step; a backend compiles equal descents once."""

    step: Step

    def __call__(
        self, rate: Any, delta: Any, data: Params, params: Params, batches: Params
    ) -> tuple[Params, Params]:
        """Return the parameters at the end, and the record: arrays with a leading step axis."""
        backend, options = self.step.backend, self.step.options
        state = backend.sgd(rate, options).init(params)
        start = Carry(rate, delta, data, params, state)
        end, record = backend.scan(self.step, start, batches)
        return end.params, record


def keep_ended(xp: TensorOps, active: Array, new: Params, old: Params) -> Params:
    """Freeze runs that have ended: momentum and decay would move them still."""
    kept = {}
    for name, value in new.items():
        flag = xp.reshape(active, active.shape + (1,) * (value.ndim - active.ndim))
        kept[name] = xp.where(flag, value, old[name])
    return kept
