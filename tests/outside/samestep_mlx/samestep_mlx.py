"""Apple's MLX, whose arrays are lazy, as a backend of samestep."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np

from samestep import Backend, MissingParticipantError
from samestep.interface import SGD, Environment, Params, SGDOptions


def exp_float64(x: Any, /) -> Any:
    """Raise e to a power, because MLX computes ``mx.exp`` of a float64 array in float32.

    See issue 3047 of github.com/ml-explore/mlx. The power is as good as if x had been rounded once
    more: its relative error is about |x| units of roundoff.
    """
    return mx.power(math.e, x)


class MlxBackend(Backend):
    """MLX on the CPU; its GPU has no float64.

    ``compile`` is left as it is: MLX has no loop of its own, so ``mx.compile`` would unroll all
    steps of a fit and hand them to the C++ compiler.
    """

    name = "mlx"

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        if device != "cpu":
            raise MissingParticipantError(f"Device {device!r} is not there.", "Devices here: cpu.")
        self.device, self.dtype = device, dtype
        self._float = {"float32": mx.float32, "float64": mx.float64}[dtype]
        exp = exp_float64 if dtype == "float64" else mx.exp
        transpose = lambda x, /: mx.swapaxes(x, -1, -2)  # noqa: E731
        self.xp: Any = SimpleNamespace(**{**vars(mx), "exp": exp, "matrix_transpose": transpose})
        self.native: dict[str, Callable[..., Any]] = {}

    @classmethod
    def environment(cls) -> Environment:
        return Environment({"mlx": mx.__version__}, devices=("cpu",), threads=None, flags={})

    def scope(self) -> contextlib.AbstractContextManager[None]:
        return mx.stream(mx.cpu)  # a Mac would take its GPU

    def asarray(self, x: Any) -> Any:
        array = np.array(x)
        with self.scope():  # without a dtype MLX would turn float64 into float32
            return mx.array(array, self._float if array.dtype.kind == "f" else None)

    def to_numpy(self, x: Any) -> Any:
        return np.array(x)

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        differentiated = mx.value_and_grad(loss)  # further outputs are passed through in any case
        if runs:
            differentiated = mx.vmap(differentiated)

        def evaluated(params: Params, *rest: Any) -> tuple[Any, Params]:
            with self.scope():
                result = differentiated(params, *rest)
                mx.eval(result)  # once a step, lest the graph of a whole fit be kept
                return result

        return evaluated

    def sgd(self, learning_rate: Any, options: SGDOptions = SGDOptions()) -> SGD:
        mu, decay = options.momentum, options.weight_decay

        def update(rate: Any, params: Params, grads: Params, velocity: Params) -> Any:
            rule = optim.SGD(rate, mu, decay, nesterov=options.nesterov and mu > 0)
            rule.state["model"] = {name: {"v": v} for name, v in velocity.items()}
            new_params = rule.apply_gradients({"model": grads}, {"model": params})["model"]
            return new_params, {name: rule.state["model"][name]["v"] for name in velocity}

        def init(params: Params) -> Params:
            with self.scope():
                return {name: mx.zeros_like(p) for name, p in params.items()} if mu else {}

        def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            with self.scope():  # the optimizer would turn a rate that is a float into float32
                rate = mx.array(learning_rate, self._float)
                per_run = mx.vmap(update) if rate.ndim else update
                return per_run(rate, params, grads, state)

        return SGD(init, step)
