"""Stochastic gradient descent, written once on the interface: what a backend runs for a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samestep.interface import Array, Backend, Params, SGDOptions, TensorOps
from samestep.loss import Loss, Objective, Reduction

__all__ = ["Descent"]


@dataclass(frozen=True)
class Descent:
    """A descent of one run, or of stacked ones; a backend compiles equal ones once.

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
        Whether to record every step.
    """

    backend: Backend
    loss: Loss
    reduction: Reduction
    options: SGDOptions
    stacked: bool
    ragged: bool
    every_step: bool

    # The rate and delta are arguments, so that plans which differ in them alone share one function.
    def __call__(
        self, rate: Any, delta: Any, data: Params, params: Params, batches: Params
    ) -> tuple[Params, Params]:
        """Return the parameters at the end, and the record: arrays with a leading step axis."""
        # data
        xp = self.backend.xp

        def rows_of(batch: Params) -> tuple[Array, Array]:
            if self.stacked:
                return batch["X"], batch["y"]
            X, y = (xp.take(data[name], batch["rows"], axis=0) for name in ("X", "y"))
            return X, y

        # model
        objective = Objective(xp, self.loss, self.reduction, delta)
        value_and_grad = self.backend.value_and_grad(objective, runs=self.stacked, has_aux=True)

        # optimizer
        sgd = self.backend.sgd(rate, self.options)

        # step
        def step(carry: tuple[Params, Params], batch: Params) -> tuple[Any, Params]:
            params, state = carry
            X, y = rows_of(batch)

            # gradient
            (loss, prediction), grads = value_and_grad(params, X, y, batch["mask"])

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
            return (new_params, new_state), record

        (params, _), record = self.backend.scan(step, (params, sgd.init(params)), batches)
        return params, record


def keep_ended(xp: TensorOps, active: Array, new: Params, old: Params) -> Params:
    """Freeze runs that have ended: momentum and decay would move them still."""
    kept = {}
    for name, value in new.items():
        flag = xp.reshape(active, active.shape + (1,) * (value.ndim - active.ndim))
        kept[name] = xp.where(flag, value, old[name])
    return kept
