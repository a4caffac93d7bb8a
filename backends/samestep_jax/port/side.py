"""A JAX model, its loss and its optax optimizer as one side of a port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from samestep import port
from samestep.errors import UsageError, one_line
from samestep.loss import Float64
from samestep.port import Arrays, Batch, Pass, State, Tensor
from samestep_jax.port.models import model_of
from samestep_jax.port.optimizers import as_transformation, filled, found_in
from samestep_jax.port.taps import Record, recorded
from samestep_jax.port.trees import precision_name

__all__ = ["Side"]


@final
class Side(port.Side):
    """The JAX side of a port; nothing that it is given is changed.

    Parameters
    ----------
    apply : callable, Flax module or Equinox module
        A function ``apply(params, *inputs)``; or a Flax linen module, called as
        ``apply(variables, *inputs)``; or a Flax nnx module; or an Equinox module, which is called
        once per example, through ``jax.vmap``.
    params : pytree, optional
        Of a function: any pytree, in which the floating-point arrays are trained; an nnx or Equinox
        module, too. Of a linen module: what ``init`` returned. Left out where ``apply`` holds its
        parameters itself.
    loss : callable
        ``loss(output, *targets)``, a scalar.
    optimizer : optax.GradientTransformation
        optax.sgd, adam or adamw, with schedules, masks and chains.
    statistics : pytree, optional
        Running statistics of a function, which then is ``apply(params, statistics, *inputs)`` and
        returns ``(output, new statistics)``. Flax modules hold their own.
    optimizer_state : pytree, optional
        Where the optimizer starts; by default ``optimizer.init(params)``.
    call : mapping, optional
        Keyword arguments of every call, such as ``{"train": True}``.
    prepare : callable, optional
        Changes the arrays of a batch to what this side expects, such as NCHW to NHWC:
        ``prepare(inputs, *targets)`` returns them in the same order, ``inputs`` being a tuple if
        there are several.
    device : str, optional
        ``"cpu"`` or ``"gpu"``; by default where the parameters are.

    Raises
    ------
    UsageError
        For what is no model or no known optimizer, and parameters of several precisions or devices.
    """

    label = "jax"
    role = "port"

    def __init__(
        self,
        apply: Any,
        params: Any = None,
        loss: Callable[..., Any] | None = None,
        optimizer: optax.GradientTransformation | None = None,
        *,
        statistics: Any = None,
        optimizer_state: Any = None,
        call: Mapping[str, Any] | None = None,
        prepare: Callable[..., Any] | None = None,
        device: str | None = None,
    ) -> None:
        if not callable(loss):
            raise UsageError(
                "The JAX side was given no loss.", "Side(apply, params, loss, optimizer)."
            )
        transformation = as_transformation(optimizer)
        self._model = model_of(apply, params, statistics, dict(call or {}))
        arrays = self._model.params.arrays
        self.notes = self._model.notes
        self.dtype = port.only("dtype", map(precision_name, arrays.values()), self.label)
        self.device = device or port.only("device", map(_platform, arrays.values()), self.label)
        self._loss, self._optimizer = loss, transformation
        self._prepare = prepare
        with self._scope(self.dtype):
            self._first = optimizer_state
            start = optimizer_state
            if start is None:
                start = transformation.init(self._model.params.trained(arrays))
            self._slots, counts = found_in(start, arrays)
        self._count = int(max(counts, default=0))
        self._seen: dict[str, Record] = {}
        self._step = jax.jit(self._differentiate)
        self._move = jax.jit(self._optimize)

    def parameters(self) -> dict[str, Tensor]:
        """Describe all parameters, in the order of the pytree's leaves."""
        arrays = self._model.params.arrays
        return {n: Tensor(tuple(a.shape), self._model.axes(n)) for n, a in arrays.items()}

    def statistics(self) -> dict[str, Tensor]:
        """Describe all running statistics."""
        arrays = self._model.statistics.arrays
        return {name: Tensor(tuple(a.shape), "features") for name, a in arrays.items()}

    def slots(self) -> dict[str, tuple[str, ...]]:
        """Names of what the optimizer keeps, and for which parameters."""
        return {slot: tuple(arrays) for slot, arrays in self._slots.items()}

    def state(self) -> State:
        """Return parameters, statistics and the optimizer's state as the user gave them."""
        return State(
            _numbers(self._model.params.arrays),
            _numbers(self._model.statistics.arrays),
            {slot: _numbers(arrays) for slot, arrays in self._slots.items()},
            self._count,
        )

    def run(self, state: State, batch: Batch, dtype: str) -> Pass:
        """Run forward and backward; see :meth:`samestep.port.Side.run`."""
        ready = batch.prepared(self._prepare)
        with self._scope(dtype):
            inputs, targets = (
                tuple(_cast(x, dtype) for x in arrays) for arrays in (ready.inputs, ready.targets)
            )
            params, statistics = (
                {name: _cast(x, dtype) for name, x in arrays.items()}
                for arrays in (state.params, state.statistics)
            )
            try:
                (loss, (output, new, taps)), grads = self._step(params, statistics, inputs, targets)
            except UsageError:
                raise
            except Exception as error:
                raise UsageError(
                    f"The JAX side fails in {dtype}: {one_line(error)}",
                    "It is called as apply(params, *inputs), then loss(output, *targets), with the "
                    "arrays of the batch.",
                ) from error
            seen = self._seen[dtype]
            return Pass(
                activations={n: _number(x) for n, x in zip(seen.values, taps, strict=True)},
                output=_number(output),
                loss=_number(loss),
                gradients=_numbers(grads),
                statistics=_numbers(new),
                dtypes=frozenset(seen.dtypes),
            )

    def update(self, state: State, gradients: Arrays, dtype: str) -> State:
        """Let the optimizer take a step; see :meth:`samestep.port.Side.update`."""
        with self._scope(dtype):
            cast = {name: _cast(x, dtype) for name, x in state.params.items()}
            grads = {
                name: _cast(gradients.get(name, np.zeros_like(x)), dtype)
                for name, x in state.params.items()
            }
            slots = {
                slot: {name: _cast(x, dtype) for name, x in arrays.items()}
                for slot, arrays in state.slots.items()
            }
            params, kept = self._move(cast, grads, slots, state.count)
            return State(
                _numbers(params),
                state.statistics,
                {slot: _numbers(arrays) for slot, arrays in kept.items()},
                state.count + 1,
            )

    def loaded(self, params: Arrays) -> Any:
        """Return the pytree of parameters with these in it."""
        with self._scope(self.dtype):
            return self._model.params.whole({n: _cast(x, self.dtype) for n, x in params.items()})

    def _differentiate(
        self, params: Any, statistics: Any, inputs: tuple[Any, ...], targets: tuple[Any, ...]
    ) -> Any:
        """Loss with what was seen on the way, and gradients."""
        asked = str(next(iter(params.values())).dtype)

        def forward(params: Any) -> Any:
            def predict(params: Any, statistics: Any, inputs: Any, targets: Any) -> Any:
                output, new = self._model(params, statistics, inputs)
                first = output[0] if isinstance(output, tuple) else output
                return self._loss(output, *targets), first, new

            (loss, output, new), seen = recorded(predict, params, statistics, inputs, targets)
            if jnp.shape(loss) != ():
                raise UsageError(
                    f"The loss of the JAX side returned {jnp.shape(loss)} where a scalar was "
                    "expected.",
                    "Reduce it: jnp.mean or jnp.sum.",
                )
            self._seen[asked] = seen  # names and precisions; the values are traced
            return loss, (output, new, list(seen.values.values()))

        return jax.value_and_grad(forward, has_aux=True)(params)

    def _optimize(self, params: Any, grads: Any, slots: Any, count: Any) -> Any:
        tree = self._model.params
        trained = tree.trained(params)
        state = self._first if self._first is not None else self._optimizer.init(trained)
        state = filled(state, slots, count)
        updates, state = self._optimizer.update(tree.trained(grads), state, trained)
        return tree.flat(optax.apply_updates(trained, updates)), found_in(state, params)[0]

    @contextlib.contextmanager
    def _scope(self, dtype: str) -> Iterator[None]:
        """Double precision where it is asked for; what else the user has set stays."""
        x64 = jax.enable_x64(True) if dtype == "float64" else contextlib.nullcontext()  # noqa: FBT003
        with x64, jax.default_device(jax.devices(self.device)[0]):
            yield


def _cast(x: Any, dtype: str) -> jax.Array:
    array = np.asarray(x)
    return jnp.asarray(array.astype(jnp.dtype(dtype)) if array.dtype.kind == "f" else array)


def _number(x: Any) -> Float64:
    return np.asarray(x).astype(np.float64)


def _numbers(arrays: Mapping[str, Any]) -> Arrays:
    return {name: _number(x) for name, x in arrays.items()}


def _platform(leaf: Any) -> str:
    if isinstance(leaf, jax.Array):
        return str(next(iter(leaf.devices())).platform)
    return jax.default_backend()
