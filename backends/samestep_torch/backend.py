"""PyTorch: eager tensors, ``torch.autograd`` and ``torch.optim``'s SGD."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, cast, final

import array_api_compat.torch as array_namespace
import numpy as np
import numpy.typing as npt
import torch
from torch.optim.sgd import sgd as functional_sgd
from torch.utils._pytree import tree_map_only

from samestep.devices import resolve_device
from samestep.interface import (
    SGD,
    Array,
    Backend,
    Environment,
    Params,
    SGDOptions,
    StackableLoss,
    TensorOps,
)
from samestep_torch.native import NATIVE
from samestep_torch.threads import THREADS, one_thread

_LARGE = 2**9
"""Elements from which on a tensor is recorded in its place, step by step."""


class _TorchOps:
    """The compatibility layer's functions, with quick ones for what every step does.

    Its ``take`` allows negative indices, at the price of three more kernels in every call; plain
    indexing is three times slower than ``index_select`` for the many rows of stacked runs. Its
    ``matmul`` and ``sum`` promote dtypes, which takes longer than the kernels: here there is one.
    What else is here does what theirs does, with fewer calls.
    """

    def __getattr__(self, name: str) -> Any:
        value = getattr(array_namespace, name)
        setattr(self, name, value)  # found directly from now on
        return value

    @staticmethod
    def take(x: Array, indices: Array, /, *, axis: int) -> Array:
        return torch.index_select(x, axis, indices)

    @staticmethod
    def expand_dims(x: Array, /, *, axis: int) -> Array:
        return torch.unsqueeze(x, axis)

    @staticmethod
    def matmul(x1: Array, x2: Array, /) -> Array:
        return torch.matmul(x1, x2)

    @staticmethod
    def sum(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Array:
        return torch.sum(x, dim=axis, keepdim=keepdims)


@final
class TorchBackend(Backend):
    """PyTorch on a CPU or a CUDA device."""

    name: ClassVar[str] = "torch"
    modes: ClassVar[Mapping[str, str]] = {
        "eager": "kernel after kernel, as Python calls them",
        "compiled": "each step compiled by torch.compile, in a loop of Python's",
    }
    compilers: ClassVar[Mapping[str, str]] = {"compiled": "TorchInductor"}

    def __init__(self, device: str = "cpu", dtype: str = "float32", mode: str = "eager") -> None:
        self.device = resolve_device(device, self.environment().devices, aliases={"cuda": "gpu"})
        kind, _, index = self.device.partition(":")
        self._device = torch.device("cpu" if kind == "cpu" else f"cuda:{index or 0}")
        self.dtype = dtype
        self.mode = mode
        self._steps: dict[Callable[..., Any], Callable[..., Any]] = {}
        self._dtype: torch.dtype = getattr(torch, dtype)
        self.xp = cast(TensorOps, _TorchOps())
        self.native: dict[str, Callable[..., Any]] = NATIVE

    @classmethod
    def environment(cls) -> Environment:
        """Versions, devices, the threads that runs use, and what lowers precision."""
        gpus = ["gpu" if i == 0 else f"gpu:{i}" for i in range(torch.cuda.device_count())]
        return Environment(
            # Its own type of text could not be read where there is no torch.
            versions={"torch": str(torch.__version__)},
            devices=("cpu", *gpus),
            threads=THREADS,
            flags={
                "float32 matmul precision": torch.get_float32_matmul_precision(),
                "TF32 in cuDNN": str(torch.backends.cudnn.allow_tf32),
                "default dtype": str(torch.get_default_dtype()),
            },
        )

    def scope(self) -> contextlib.AbstractContextManager[None]:
        """On a CPU one thread; on a GPU full float32 products and deterministic cuDNN."""
        return one_thread() if self._device.type == "cpu" else self._on_gpu()

    @contextlib.contextmanager
    def _on_gpu(self) -> Iterator[None]:
        precision = torch.get_float32_matmul_precision()
        cudnn = torch.backends.cudnn
        before = (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark)
        torch.set_float32_matmul_precision("highest")
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = False, True, False
        try:
            with torch.cuda.device(self._device):
                yield
        finally:
            torch.set_float32_matmul_precision(precision)
            cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before

    def asarray(self, x: npt.ArrayLike) -> Array:
        """Copy to the device; integers become int64 unless they are int32 already."""
        array = np.asarray(x)
        dtype = self._dtype if array.dtype.kind == "f" else None
        with self.scope():
            return torch.tensor(array, dtype=dtype, device=self._device)

    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        """View, or on a GPU copy to the host, which waits for the device.

        Whoever changes a tensor in place, as ``torch.optim`` does, copies the view before that.
        """
        with self.scope():
            # force: a derivative that is zero everywhere may be one without memory.
            values: npt.NDArray[Any] = x.numpy(force=True)
        values.flags.writeable = False
        return values

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate with ``torch.autograd.grad``.

        Stacked runs are independent, so the gradient of the *sum* of their losses holds each
        run's gradient; this is faster than vmap over a gradient.
        """
        forward = _stacked(loss) if runs else loss
        if self.mode == "compiled":
            return self._traceable(forward, has_aux=has_aux)

        def value_and_grad(params: Params, *rest: Array) -> tuple[Any, Params]:
            leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
            with self.scope(), torch.enable_grad():
                out = forward(leaves, *rest)
                value = out[0] if has_aux else out
                grads = torch.autograd.grad(
                    value,
                    list(leaves.values()),
                    grad_outputs=torch.ones_like(value) if runs else None,
                    materialize_grads=True,
                )
            value = value.detach()
            return (
                (value, out[1].detach()) if has_aux else value,
                dict(zip(leaves, grads, strict=True)),
            )

        return value_and_grad

    def _traceable(
        self, forward: Callable[..., Any], *, has_aux: bool
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate with ``torch.func``, which torch.compile can follow."""

        def total(params: Params, *rest: Array) -> tuple[Array, Any]:
            out = forward(params, *rest)
            return (out[0] if has_aux else out).sum(), out

        def value_and_grad(params: Params, *rest: Array) -> tuple[Any, Params]:
            with self.scope():
                grads, (_, out) = torch.func.grad_and_value(total, has_aux=True)(params, *rest)
            return out, grads

        return value_and_grad

    def sgd(self, learning_rate: float | Array, options: SGDOptions = SGDOptions()) -> SGD:
        """Use ``torch.optim``'s functional SGD; it takes one rate, a rate per run is written out.

        A test pins the written-out update to ``torch.optim.SGD``.
        """
        mu, decay, nesterov = options.momentum, options.weight_decay, options.nesterov

        def init(params: Params) -> Params:
            return {name: torch.zeros_like(p) for name, p in params.items()} if mu else {}

        def one_rate(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            new_params = [p.clone() for p in params.values()]
            velocity = [state[name].clone() if mu else None for name in params]
            with torch.no_grad():
                functional_sgd(
                    new_params,
                    list(grads.values()),
                    cast(Any, velocity),
                    foreach=False,
                    weight_decay=decay,
                    momentum=mu,
                    lr=float(learning_rate),
                    dampening=0.0,
                    nesterov=nesterov,
                    maximize=False,
                )
            names = list(params)
            new_state = dict(zip(names, velocity, strict=True)) if mu else {}
            return dict(zip(names, new_params, strict=True)), cast(Params, new_state)

        def rate_per_run(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            new_params: Params = {}
            new_state: Params = {}
            for name, p in params.items():
                direction = grads[name].add(p, alpha=decay) if decay else grads[name]
                if mu:
                    velocity = direction.add(state[name], alpha=mu)
                    new_state[name] = velocity
                    direction = direction.add(velocity, alpha=mu) if nesterov else velocity
                rate = cast(Array, learning_rate)
                for _ in range(p.ndim - rate.ndim):
                    rate = rate.unsqueeze(-1)
                new_params[name] = torch.addcmul(p, rate, direction, value=-1)
            return new_params, new_state

        def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            with self.scope():
                if isinstance(learning_rate, torch.Tensor):
                    return rate_per_run(params, grads, state)
                return one_rate(params, grads, state)

        return SGD(init, step)

    def scan(
        self,
        step: Callable[[Any, Params], tuple[Any, Params]],
        carry: Any,
        xs: Params,
    ) -> tuple[Any, Params]:
        """Loop; where steps are compiled, equal ones are compiled once."""
        if self.mode == "compiled":
            if step not in self._steps:
                self._steps[step] = torch.compile(step, dynamic=False)
            step = self._steps[step]
            # Of a Python number, such as the rate, every value would be compiled anew.
            carry = tree_map_only(float, self.asarray, carry)
            # After so many shapes PyTorch goes on without its compiler, and does not say so.
            with torch._dynamo.config.patch(recompile_limit=256, fail_on_recompile_limit_hit=True):
                return self._loop(step, carry, xs)
        return self._loop(step, carry, xs)

    def _loop(
        self, step: Callable[[Any, Params], tuple[Any, Params]], carry: Any, xs: Params
    ) -> tuple[Any, Params]:
        """Loop in Python; what is large is recorded while it is in the caches.

        To stack it at the end would take a fifth of the time of many stacked runs. What is small is
        stacked: to write it to its place would cost another kernel.
        """
        record: dict[str, Any] = {}
        steps = len(next(iter(xs.values())))
        with self.scope():
            for k, x in enumerate(zip(*xs.values(), strict=True)):
                carry, y = step(carry, dict(zip(xs, x, strict=True)))
                if not k:
                    record = {
                        name: value.new_empty((steps, *value.shape)) if _is_large(value) else []
                        for name, value in y.items()
                    }
                for name, value in y.items():
                    if isinstance(record[name], list):
                        record[name].append(value)
                    else:
                        record[name][k] = value
            return carry, {
                name: torch.stack(values) if isinstance(values, list) else values
                for name, values in record.items()
            }


def _is_large(value: torch.Tensor) -> bool:
    return value.numel() >= _LARGE


def _stacked(loss: Callable[..., Any]) -> Callable[..., Any]:
    return loss.stacked if isinstance(loss, StackableLoss) else torch.func.vmap(loss)
