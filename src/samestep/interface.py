"""The interface between the core and an automatic-differentiation framework.

A backend supplies tensor operations, autograd and SGD, and little else. The core composes them;
it never asks for a backend's name. Concrete backends are final.
"""

from __future__ import annotations

import abc
import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.tensor_ops import Array, TensorOps

__all__ = [
    "DTYPES",
    "SGD",
    "Array",
    "Backend",
    "Environment",
    "Params",
    "SGDOptions",
    "StackableLoss",
    "TensorOps",
]

Params: TypeAlias = dict[str, Array]
"""Parameters, gradients and optimizer state: flat dictionaries from name to array."""

DTYPES = ("float32", "float64")
"""The working precisions that every backend offers."""


@dataclass(frozen=True)
class SGDOptions:
    """The options of stochastic gradient descent that are constants of a run.

    Parameters
    ----------
    momentum : float
        Factor mu of the velocity, ``v <- mu v + g``; 0 keeps no velocity.
    nesterov : bool
        Step along ``g + mu v`` instead of ``v``.
    weight_decay : float
        Factor of the parameters that is added to the gradient *before* momentum (coupled decay).
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0


class SGD(NamedTuple):
    """Stochastic gradient descent as two pure functions.

    ``init(params)`` returns the velocities: a dictionary like ``params``, empty without momentum.
    ``step(params, grads, state)`` returns the next ``(params, state)``::

        g <- g + weight_decay * p
        v <- momentum * v + g
        p <- p - learning_rate * (g + momentum * v if nesterov else v)
    """

    init: Callable[[Params], Params]
    step: Callable[[Params, Params, Params], tuple[Params, Params]]


@dataclass(frozen=True)
class Environment:
    """What a backend says about itself for ``samestep doctor`` and for stored results.

    Parameters
    ----------
    versions : mapping
        Versions of the framework and of what computes for it, by name.
    devices : tuple of str
        What is there now, beginning with ``"cpu"``; then ``"gpu"``, ``"gpu:1"``, ...
    threads : int or None
        CPU threads that the backend computes with; None if that is left to the framework.
    flags : mapping
        Settings of the process that change numbers, by name, as texts; none is fine.
    """

    versions: Mapping[str, str]
    devices: tuple[str, ...]
    threads: int | None
    flags: Mapping[str, str]


class StackableLoss(abc.ABC):
    """A loss of one run that also says what it is for stacked runs.

    ``vmap`` would say the same, but it costs an eager framework more than the kernels that it
    calls. A backend need not use it.
    """

    @abc.abstractmethod
    def __call__(self, params: Params, *rest: Array) -> Any:
        """Value, or ``(value, aux)``, of one run."""

    @abc.abstractmethod
    def stacked(self, params: Params, *rest: Array) -> Any:
        """Values of all runs, or ``(values, aux)``; every array has a leading run axis."""


class Backend(abc.ABC):
    """One automatic-differentiation framework on one device, at one working precision.

    Parameters
    ----------
    device : str
        ``"cpu"``, ``"gpu"``, ``"gpu:1"`` or the framework's own spelling (``"cuda:1"``).
    dtype : {"float32", "float64"}
        The working precision of every floating-point array.
    mode : str, optional
        One of :attr:`modes`; a backend without any does not take this argument.

    Notes
    -----
    Every public method enters :meth:`scope` itself, in the thread that calls it. The functions
    returned by :meth:`value_and_grad` and :meth:`compile` do so too.
    """

    name: ClassVar[str]
    modes: ClassVar[Mapping[str, str]] = {}
    """Ways to run a fit, each with a line on it, the default first; empty where there is one."""
    compilers: ClassVar[Mapping[str, str]] = {}
    """The compiler of a mode that has one, by mode."""
    mode: str = ""
    device: str
    dtype: str
    xp: TensorOps
    native: Mapping[str, Callable[..., Any]]
    """What exists only in this framework, by name: gradient routes, shipped losses, ..."""

    @classmethod
    @abc.abstractmethod
    def environment(cls) -> Environment:
        """Versions, devices, threads and precision flags, as they are now."""

    @abc.abstractmethod
    def scope(self) -> contextlib.AbstractContextManager[None]:
        """Precision, determinism and device of this backend; restored on exit."""

    @abc.abstractmethod
    def asarray(self, x: npt.ArrayLike) -> Array:
        """Copy host data to the device: floats at the working dtype, integers as indices.

        Truth values stay what they are.
        """

    @abc.abstractmethod
    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        """Return an array on the host, read-only, after waiting for the device to finish it.

        It may be the array's own memory: nothing here changes an array, and a second copy of the
        record of many runs takes longer than some of the steps.
        """

    @abc.abstractmethod
    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate ``loss(params, *rest)`` with respect to its first argument.

        Parameters
        ----------
        loss : callable
            Scalar function of ``params`` (a flat dictionary) and of further arrays.
        runs : bool
            If true every argument has a leading run axis, and there is one value and one
            gradient per run.
        has_aux : bool
            If true ``loss`` returns ``(value, aux)``, where ``aux`` is one array that is passed
            through: the trace gets the very prediction that was differentiated.

        Returns
        -------
        callable
            ``(params, *rest) -> (value, grads)``, or ``((value, aux), grads)``, with ``grads``
            shaped like ``params``; a parameter that the loss does not use has gradient zero.
        """

    def run_by_run(
        self, one: Callable[..., tuple[Any, Params]]
    ) -> Callable[..., tuple[Any, Params]]:
        """Turn what :meth:`value_and_grad` returns for one run into what it returns for many.

        For a framework without ``vmap``: one run after the other, then stacked.
        """

        def every(params: Params, *rest: Array) -> tuple[Any, Params]:
            runs = range(len(next(iter(params.values()))))
            with self.scope():
                outs, grads = zip(
                    *(
                        one({k: p[i] for k, p in params.items()}, *(x[i] for x in rest))
                        for i in runs
                    ),
                    strict=True,
                )
                stacked = {k: self.xp.stack([g[k] for g in grads], axis=0) for k in params}
                if isinstance(outs[0], tuple):
                    parts = zip(*outs, strict=True)
                    return tuple(self.xp.stack(list(part), axis=0) for part in parts), stacked
                return self.xp.stack(list(outs), axis=0), stacked

        return every

    def sgd(self, learning_rate: float | Array, options: SGDOptions = SGDOptions()) -> SGD:
        """Stochastic gradient descent of this framework.

        The default writes the rule of :class:`SGD` out; a framework that ships one uses its own.

        Parameters
        ----------
        learning_rate : float or array of shape (runs,)
            One rate, or one per run; then every array has a leading run axis. A float holds a
            number of the working precision: to round it to another changes every update.
        options : SGDOptions
            Momentum, Nesterov, weight decay.
        """
        mu, decay = options.momentum, options.weight_decay

        def init(params: Params) -> Params:
            with self.scope():
                return {name: self.xp.zeros_like(p) for name, p in params.items()} if mu else {}

        def rate_for(p: Array) -> float | Array:
            if isinstance(learning_rate, float):
                return learning_rate
            shape = learning_rate.shape + (1,) * (p.ndim - learning_rate.ndim)
            return self.xp.reshape(learning_rate, shape)

        def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            new_params: Params = {}
            new_state: Params = {}
            with self.scope():
                for name, p in params.items():
                    direction = grads[name] + decay * p if decay else grads[name]
                    if mu:
                        velocity = mu * state[name] + direction
                        new_state[name] = velocity
                        direction = direction + mu * velocity if options.nesterov else velocity
                    new_params[name] = p - rate_for(p) * direction
            return new_params, new_state

        return SGD(init, step)

    def scan(
        self,
        step: Callable[[Any, Params], tuple[Any, Params]],
        carry: Any,
        xs: Params,
    ) -> tuple[Any, Params]:
        """Run ``carry, y = step(carry, x)`` along the first axis of ``xs`` and stack the ``y``.

        The default is a Python loop, which is what an eager framework does anyway.
        """
        length = len(next(iter(xs.values())))
        record: dict[str, list[Array]] = {}
        with self.scope():
            for k in range(length):
                carry, y = step(carry, {name: x[k] for name, x in xs.items()})
                for name, value in y.items():
                    record.setdefault(name, []).append(value)
            return carry, {name: self.xp.stack(values, axis=0) for name, values in record.items()}

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a pure function; the default only enters :meth:`scope` around it.

        A backend that overrides this evaluates equal functions once for all arguments of the same
        shapes: arrays and Python floats among them are data, and :meth:`scan` is not unrolled. A
        framework that cannot do so leaves it alone.
        """

        def scoped(*args: Any) -> Any:
            with self.scope():
                return f(*args)

        return scoped

    @functools.cached_property
    def kept(self) -> dict[Any, Any]:
        """What the core keeps for this backend, such as its compiled fits; it goes with it."""
        return {}

    @property
    def label(self) -> str:
        """The participant's name in reports, such as ``"name/cpu/float32"``.

        A mode that is not the default is part of it: ``"name+mode/cpu/float32"``.
        """
        mode = f"+{self.mode}" if self.mode != next(iter(self.modes), "") else ""
        return f"{self.name}{mode}/{self.device}/{self.dtype}"

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The working precision as a NumPy dtype."""
        return np.dtype(self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"
