"""What a framework, and the reference, make of one case: value and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend, Params
from samestep.ledger.adjoint import Adjoint
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step
from samestep.ledger.tape import Tape

__all__ = ["VALUE", "Outcome", "Runner", "gradient_name", "refer"]

Outcome: TypeAlias = dict[str, npt.NDArray[Any]]
"""The value of a loss and, for each prediction, the gradient of the sum of that value."""

VALUE = "value"


def gradient_name(prediction: str) -> str:
    """Name of the gradient with respect to a prediction."""
    return f"gradient by {prediction}"


class Runner:
    """One side's code, compiled for all reductions at once.

    Parameters
    ----------
    backend : Backend
    predictions : sequence of str
        Arguments with respect to which it is differentiated.
    code : callable
        The side's code.
    settings : sequence of mappings
        Options, one set for each reduction.
    conversion : sequence of Step
        Applied to what the reference receives, before the code is called.
    """

    def __init__(
        self,
        backend: Backend,
        predictions: Sequence[str],
        code: Callable[..., Array],
        settings: Sequence[Mapping[str, Any]],
        conversion: Sequence[Step] = (),
    ) -> None:
        self._backend, self._predictions = backend, predictions

        def loss_with(options: Mapping[str, Any]) -> Callable[..., tuple[Array, Array]]:
            def loss(params: Params, constants: Params) -> tuple[Array, Array]:
                call = Call({**params, **constants}, options)
                for step in conversion:
                    call = step.apply(backend, call)
                value = code(**call.arguments, **call.options) * call.factor
                return backend.xp.sum(value), value

            return loss

        functions = [backend.value_and_grad(loss_with(s), has_aux=True) for s in settings]
        self._run = backend.compile(lambda *arrays: [f(*arrays) for f in functions])

    def __call__(self, case: Case) -> list[Outcome]:
        """Return one outcome for each setting."""
        backend = self._backend
        arrays = {name: backend.asarray(x) for name, x in case.arguments.items()}
        params = {name: arrays.pop(name) for name in self._predictions}
        results = self._run(params, arrays)
        return [
            {VALUE: backend.to_numpy(value)}
            | {gradient_name(name): backend.to_numpy(grads[name]) for name in self._predictions}
            for (_, value), grads in results
        ]


def refer(
    entry: LossEntry, case: Case, options: Mapping[str, Any], dtype: str
) -> dict[str, Adjoint]:
    """Evaluate the reference, with what rounding in a working precision and kinks amount to."""
    tape = Tape(dtype)
    variables = {name: tape.constant(case.arguments[name]) for name in entry.predictions}
    with np.errstate(all="ignore"):
        value = entry.reference(**{**case.arguments, **variables}, **options)
    gradients = tape.gradient(value, variables)
    return {VALUE: Adjoint(value.value, value.error, np.zeros(value.shape))} | {
        gradient_name(name): gradients[name] for name in entry.predictions
    }
