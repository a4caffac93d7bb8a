"""JAX: ``value_and_grad``, ``optax.sgd`` and ``lax.scan`` under ``jit``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from samestep.devices import resolve_device
from samestep.interface import SGD, Array, Backend, Environment, Params, SGDOptions, TensorOps
from samestep_jax.native import NATIVE


@final
class JaxBackend(Backend):
    """JAX on a CPU or a GPU; a fit is one compiled scan."""

    name: ClassVar[str] = "jax"
    modes: ClassVar[Mapping[str, str]] = {
        "scan": "the fit is one compiled lax.scan",
        "step": "each step is compiled, in a loop of Python's",
        "operations": "operation after operation, as Python calls them",
    }
    compilers: ClassVar[Mapping[str, str]] = {"scan": "XLA", "step": "XLA"}

    def __init__(self, device: str = "cpu", dtype: str = "float32", mode: str = "scan") -> None:
        self.device = resolve_device(device, self.environment().devices, aliases={"cuda": "gpu"})
        kind, _, index = self.device.partition(":")
        self._device = jax.devices(kind)[int(index or 0)]
        self.dtype = dtype
        self.mode = mode
        self.xp = cast(TensorOps, jnp)
        self.native: dict[str, Callable[..., Any]] = NATIVE
        self._compiled: dict[Callable[..., Any], Callable[..., Any]] = {}

    @classmethod
    def environment(cls) -> Environment:
        """Versions, devices and what lowers precision; XLA keeps its threads to itself."""
        try:
            gpus = jax.devices("gpu")
        except RuntimeError:
            gpus = []
        config = cast(Any, jax.config)  # its options are not part of its type
        return Environment(
            versions={"jax": jax.__version__, "optax": optax.__version__},
            devices=("cpu", *("gpu" if i == 0 else f"gpu:{i}" for i in range(len(gpus)))),
            threads=None,
            flags={
                "x64": str(config.jax_enable_x64),
                "matmul precision": str(config.jax_default_matmul_precision or "default"),
            },
        )

    def scope(self) -> contextlib.AbstractContextManager[None]:
        """Set x64 by the working dtype, and full float32 products, in this thread."""
        return _Scope(
            jax.enable_x64(self.dtype == "float64"),
            jax.default_matmul_precision("highest"),
            jax.default_device(self._device),
        )

    def asarray(self, x: npt.ArrayLike) -> Array:
        """Copy to the device; integers become int32, JAX's index type."""
        given = np.asarray(x)
        kinds = {"f": self.numpy_dtype, "i": np.dtype(np.int32), "u": np.dtype(np.int32)}
        # The copy is made here, because on the CPU the device's array may be a view of the host's;
        # jnp.array(copy=True) would compile a copying program for every shape.
        array = given.astype(kinds.get(given.dtype.kind, given.dtype))
        with self.scope():
            return jax.device_put(array)

    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        """View, or on a GPU copy to the host, which waits for the asynchronous computation."""
        return np.asarray(x)  # no computation: the scope would cost more than this

    def value_and_grad(
        self, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., tuple[Any, Params]]:
        """Differentiate with ``jax.value_and_grad``, mapped over runs by ``vmap``."""
        differentiated = jax.value_and_grad(loss, has_aux=has_aux)
        return self._scoped(jax.vmap(differentiated) if runs else differentiated)

    def sgd(self, learning_rate: float | Array, options: SGDOptions = SGDOptions()) -> SGD:
        """Use ``optax.sgd``, after decayed weights where there is decay."""
        mu, decay = options.momentum, options.weight_decay

        def transformation(rate: Array) -> optax.GradientTransformation:
            sgd = optax.sgd(rate, momentum=mu or None, nesterov=options.nesterov)
            return optax.chain(optax.add_decayed_weights(decay), sgd) if decay else sgd

        def with_velocity(state: Any, velocity: Params) -> Any:
            """Put the velocities into optax's nested state, which the trace keeps flat."""
            return jax.tree.map(
                lambda leaf: leaf._replace(trace=velocity) if _is_trace(leaf) else leaf,
                state,
                is_leaf=_is_trace,
            )

        def velocity_of(state: Any) -> Params:
            leaves = [leaf for leaf in jax.tree.leaves(state, is_leaf=_is_trace) if _is_trace(leaf)]
            return dict(leaves[0].trace) if leaves else {}

        def init(params: Params) -> Params:
            with self.scope():
                return velocity_of(transformation(0.0).init(params))

        def one_run(
            rate: Array, params: Params, grads: Params, velocity: Params
        ) -> tuple[Params, Params]:
            rule = transformation(rate)
            state = with_velocity(rule.init(params), velocity)
            updates, state = rule.update(grads, state, params)
            return cast(Params, optax.apply_updates(params, updates)), velocity_of(state)

        def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
            with self.scope():
                # A rate of another dtype would promote the update; a Python float never does.
                per_run = jnp.ndim(learning_rate) == 1
                update = jax.vmap(one_run) if per_run else one_run
                return update(learning_rate, params, grads, state)

        return SGD(init, step)

    def scan(
        self,
        step: Callable[[Any, Params], tuple[Any, Params]],
        carry: Any,
        xs: Params,
    ) -> tuple[Any, Params]:
        """One ``lax.scan``, or a loop over the compiled step."""
        with self.scope():
            if self.mode == "scan":
                return jax.lax.scan(step, carry, xs)
            if self.mode == "operations":
                return super().scan(step, carry, xs)
            # Slicing and stacking are compiled too: op by op they would take longer than the steps.
            compiled, records = self._compiled_once(_StepAt(step)), []
            carried, structure = jax.tree.flatten(carry)
            for k in range(len(next(iter(xs.values())))):
                changed, record = compiled(jax.tree.unflatten(structure, carried), xs, k)
                for place, value in changed.items():
                    carried[place] = value
                records.append(record)
            return jax.tree.unflatten(structure, carried), self._compiled_once(_stacked)(records)

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """``jax.jit`` of the whole; in the modes that loop in Python nothing."""
        return self._compiled_once(f) if self.mode == "scan" else self._scoped(f)

    def _compiled_once(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """``jax.jit``, once per function: a second wrapper would compile a second time."""
        if f not in self._compiled:
            self._compiled[f] = self._scoped(jax.jit(f))
        return self._compiled[f]

    def _scoped(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return super().compile(f)


class _Scope:
    """Settings of this thread; a generator would take as long as they do."""

    __slots__ = ("_settings",)

    def __init__(self, *settings: contextlib.AbstractContextManager[Any]) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        for setting in self._settings:
            setting.__enter__()

    def __exit__(self, *exception: Any) -> None:
        for setting in reversed(self._settings):
            setting.__exit__(*exception)


@dataclass(frozen=True)
class _StepAt:
    """A step that takes its inputs out of those of all steps; equal ones are compiled once."""

    step: Callable[[Any, Params], tuple[Any, Params]]

    def __call__(self, carry: Any, xs: Params, k: Array) -> tuple[dict[int, Array], Params]:
        """Return what the step changes of the carry, by place: the rest would be copied."""
        after, record = self.step(carry, {name: x[k] for name, x in xs.items()})
        pairs = zip(jax.tree.leaves(carry), jax.tree.leaves(after), strict=True)
        changed = {i: new for i, (old, new) in enumerate(pairs) if new is not old}
        return changed, record


def _stacked(records: list[Params]) -> Params:
    return {name: jnp.stack([record[name] for record in records]) for name in records[0]}


def _is_trace(node: Any) -> bool:
    return isinstance(node, optax.TraceState)
