"""The catalogue of planted bugs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Params
from samestep.loss import Loss, get_loss
from samestep.planted.broken import BrokenBackend, Bug, Outputs, Update, UpdateCall

__all__ = ["BUGS"]


def _scale(params: Params, factor: Any) -> Params:
    return {name: value * factor for name, value in params.items()}


def _gradient_times(factor: float) -> Outputs:
    return lambda backend, value, prediction, grads, mask: (
        value,
        prediction,
        _scale(grads, factor),
    )


def _loss_times(factor: Callable[[BrokenBackend, Array], Any]) -> Outputs:
    def outputs(
        backend: BrokenBackend, value: Array, prediction: Array, grads: Params, mask: Array
    ) -> tuple[Array, Array, Params]:
        c = factor(backend, mask)
        return value * c, prediction, _scale(grads, c)

    return outputs


def _rows(backend: BrokenBackend, mask: Array) -> float:
    return float(backend.to_numpy(mask).sum())


def _remembering(
    combine: Callable[[Params, Params], Params],
) -> Outputs:
    """Combine the gradient with the one that was returned before."""

    def outputs(
        backend: BrokenBackend, value: Array, prediction: Array, grads: Params, mask: Array
    ) -> tuple[Array, Array, Params]:
        before = backend.memory.get("grads")
        result = combine(grads, before) if before else grads
        backend.memory["grads"] = result if combine is _add else grads
        return value, prediction, result

    return outputs


def _add(grads: Params, before: Params) -> Params:
    return {name: value + before[name] for name, value in grads.items()}


def _element(name: str, index: int, new: Callable[[float], float], *, at: int = 0) -> Outputs:
    """Change one element of the gradient, from some step on."""

    def outputs(
        backend: BrokenBackend, value: Array, prediction: Array, grads: Params, mask: Array
    ) -> tuple[Array, Array, Params]:
        if backend.step >= at:
            host = backend.to_numpy(grads[name]).copy()
            host.flat[index] = new(float(host.flat[index]))
            changed = backend.asarray(host)
            grads = {**grads, name: changed}
        return value, prediction, grads

    return outputs


def _low_precision(bits: int) -> Callable[..., tuple[Any, ...]]:
    def inputs(
        backend: BrokenBackend, params: Params, X: Array, y: Array, mask: Array
    ) -> tuple[Any, ...]:
        rounded = {**params, "w": backend.rounded(params["w"], bits)}
        return rounded, backend.rounded(X, bits), y, mask

    return inputs


def _round_outputs(
    backend: BrokenBackend, value: Array, prediction: Array, grads: Params, mask: Array
) -> tuple[Array, Array, Params]:
    rounded = {name: backend.rounded(g, 24) for name, g in grads.items()}
    return backend.rounded(value, 24), backend.rounded(prediction, 24), rounded


def _shift_labels(
    backend: BrokenBackend, params: Params, X: Array, y: Array, mask: Array
) -> tuple[Any, ...]:
    return params, X, backend.asarray(np.roll(backend.to_numpy(y), 1, axis=-1)), mask


def _drop_row(
    backend: BrokenBackend, params: Params, X: Array, y: Array, mask: Array
) -> tuple[Any, ...]:
    host = backend.to_numpy(mask).copy()
    host[..., 3] = 0
    return params, X, y, backend.asarray(host)


def _at_step(change: Update, *, at: Callable[[BrokenBackend], bool]) -> Update:
    def update(call: UpdateCall) -> tuple[Params, Params]:
        return change(call) if at(call.backend) else call.sound(call.params)

    return update


def _update_twice(call: UpdateCall) -> tuple[Params, Params]:
    once, new_state = call.sound(call.params)
    return call.sound(once)[0], new_state


def _skip(call: UpdateCall) -> tuple[Params, Params]:
    return call.params, call.state


def _keep_bias(call: UpdateCall) -> tuple[Params, Params]:
    new, new_state = call.sound(call.params)
    return {**new, "b": call.params["b"]}, new_state


def _mutate_params(call: UpdateCall) -> tuple[Params, Params]:
    return call.sound(_scale(call.params, 1.001))


def _decay_after(call: UpdateCall) -> tuple[Params, Params]:
    plain = call.backend.inner.sgd(call.rate, replace(call.options, weight_decay=0.0))
    new, new_state = plain.step(call.params, call.grads, call.state)
    factor = call.rate * call.options.weight_decay
    return {name: p - factor * call.params[name] for name, p in new.items()}, new_state


def _dampened(call: UpdateCall) -> tuple[Params, Params]:
    return call.sgd.step(call.params, _scale(call.grads, 1 - call.options.momentum), call.state)


def _rate_in_velocity(call: UpdateCall) -> tuple[Params, Params]:
    momentum = call.options.momentum
    velocity = {n: momentum * call.state[n] + call.rate * g for n, g in call.grads.items()}
    return {n: p - velocity[n] for n, p in call.params.items()}, velocity


def _slower(call: UpdateCall) -> tuple[Params, Params]:
    slower = call.backend.inner.sgd(0.9 * call.rate, call.options)
    return slower.step(call.params, call.grads, call.state)


def _round_update(call: UpdateCall) -> tuple[Params, Params]:
    new, new_state = call.sound(call.params)
    return {name: call.backend.rounded(p, 24) for name, p in new.items()}, new_state


def _reorder(order: Callable[[int], npt.NDArray[np.intp]]) -> Callable[..., Params]:
    def scan(backend: BrokenBackend, xs: Params) -> Params:
        index = order(backend.last_step + 1)
        return {name: backend.asarray(backend.to_numpy(x)[index]) for name, x in xs.items()}

    return scan


_CUT_HUBER = Loss(
    name="huber-with-lost-slope",
    formula="r^2 / 2 if |r| < delta, else constant",
    value=lambda xp, r, delta: xp.where(
        xp.abs(r) < delta, 0.5 * xp.square(r), 0.5 * delta * delta * xp.ones_like(r)
    ),
    derivative=lambda r, delta: np.where(np.abs(r) < delta, r, 0.0),
    magnitude=lambda r, delta: r * r,
    largest=lambda r, delta: r * r,
    kinks=lambda delta: (-delta, delta),
)

_MOMENTUM = {"momentum": 0.9}
_HUBER = {"loss": "huber", "learning_rate": 0.3}
_LAST_SHORT = {"num_train": 72}

BUGS: tuple[Bug, ...] = (
    Bug("gradient-1.01", "gradient times 1.01", "gradient", 0, ("gradient-scaled",),
        outputs=_gradient_times(1.01)),
    Bug("gradient-1e-5", "gradient times 1 + 1e-5", "gradient", 0, ("gradient-scaled",),
        outputs=_gradient_times(1 + 1e-5), dtype="float64"),
    Bug("factor-half", "a factor 1/2 in the loss", "loss", 0, ("half",),
        outputs=_loss_times(lambda backend, mask: 0.5)),
    Bug("sum-for-mean", "a sum for a mean", "loss", 0, ("sum-for-mean", "sum-reduction"),
        outputs=_loss_times(_rows)),
    Bug("mean-for-sum", "a mean for a sum", "loss", 0, ("mean-for-sum", "mean-reduction"),
        outputs=_loss_times(lambda backend, mask: 1 / _rows(backend, mask)),
        plan={"reduction": "sum", "learning_rate": 0.001}),
    Bug("last-batch-over-32", "the mean of a short last batch divides by 32", "loss", 2,
        ("mean-over-padding",),
        outputs=_loss_times(lambda backend, mask: _rows(backend, mask) / 32), plan=_LAST_SHORT),
    Bug("loss-twice", "the reported loss is doubled, the gradient is right", "loss", 0,
        ("loss-twice",),
        outputs=lambda backend, value, prediction, grads, mask: (2 * value, prediction, grads)),
    Bug("rate-over-B", "the rate is divided by the batch size", "update", 0,
        ("rate-over-batch-size", "rate-mean-for-sum"),
        options=lambda rate, options: (rate / 32, options)),
    Bug("rate-0.9-later", "the rate is 0.9 of what it should be from step 4 on", "update", 4,
        ("rate-scaled",), update=_at_step(_slower, at=lambda backend: backend.step >= 4)),
    Bug("gradient-accumulated", "gradients are never cleared", "gradient", 1,
        ("gradient-accumulated",), outputs=_remembering(_add)),
    Bug("gradient-stale", "the gradient is one step old", "gradient", 1, ("gradient-stale",),
        outputs=_remembering(lambda grads, before: before)),
    Bug("momentum-0.91", "momentum 0.91 for 0.9", "update", 1, ("momentum",),
        options=lambda rate, options: (rate, replace(options, momentum=0.91)), plan=_MOMENTUM),
    Bug("dampening", "the gradient enters the velocity with factor 0.1", "update", 0,
        ("dampening",), update=_dampened, plan=_MOMENTUM),
    Bug("rate-in-velocity", "the velocity holds the rate", "update", 0, ("rate-in-velocity",),
        update=_rate_in_velocity, plan=_MOMENTUM),
    Bug("decay-after-momentum", "weight decay is added after momentum", "update", 0,
        ("decay-after-momentum",), update=_decay_after,
        plan={**_MOMENTUM, "weight_decay": 0.1}),
    Bug("no-decay", "weight decay is left out", "update", 0, ("no-decay",),
        options=lambda rate, options: (rate, replace(options, weight_decay=0.0)),
        plan={"weight_decay": 0.1}),
    Bug("no-nesterov", "Nesterov is left out", "update", 0, ("no-nesterov",),
        options=lambda rate, options: (rate, replace(options, nesterov=False)),
        plan={**_MOMENTUM, "nesterov": True}),
    Bug("rows-shifted", "y is shifted by one row against X", "loss", 0, ("rows-shifted",),
        inputs=_shift_labels),
    Bug("batch-order", "the batches come in reverse order", "prediction", 0, ("batch-order",),
        scan=_reorder(lambda steps: np.arange(steps)[::-1])),
    Bug("epoch-shift", "the batches are those of the next epoch", "prediction", 0,
        ("epoch-shift",), scan=_reorder(lambda steps: np.roll(np.arange(steps), -3))),
    Bug("row-dropped", "one row of each batch is dropped", "loss", 0, ("row-dropped",),
        inputs=_drop_row),
    Bug("bias-not-updated", "the bias is not updated", "update", 0, ("not-updated",),
        update=_keep_bias),
    Bug("float32-inside", "float32 inside float64", "prediction", 0,
        ("float32-factors", "float32-arithmetic"), inputs=_low_precision(24), dtype="float64"),
    Bug("x64-off", "everything in float32 where float64 was asked for", "prediction", 0,
        ("float32-arithmetic",), inputs=_low_precision(24), outputs=_round_outputs,
        update=_round_update, dtype="float64"),
    Bug("bfloat16-matmul", "the factors of products in bfloat16", "prediction", 0,
        ("bfloat16-factors", "bfloat16-arithmetic"), inputs=_low_precision(8)),
    Bug("tf32-matmul", "the factors of products in TF32", "prediction", 0,
        ("tf32-factors", "tf32-arithmetic"), inputs=_low_precision(11)),
    Bug("nan-element", "NaN in one element of the gradient at step 5", "gradient", 5,
        ("not-finite",), outputs=_element("w", 1, lambda g: np.nan, at=5)),
    Bug("sign-element", "wrong sign of one element of the gradient", "gradient", 0,
        ("gradient-sign",), outputs=_element("w", 1, lambda g: -g)),
    Bug("stop-gradient", "the gradient of the bias is cut off", "gradient", 0,
        ("gradient-missing",), outputs=_element("b", 0, lambda g: 0.0)),
    Bug("params-mutated", "the parameters are changed in place before the update", "update", 0,
        ("params-changed",), update=_mutate_params),
    Bug("slope-unclipped", "Huber's slope is not limited", "gradient", 0, ("slope-unclipped",),
        objective=lambda o: replace(o, loss=get_loss("half_squared_error")),
        gradient_only=True, plan=_HUBER),
    Bug("slope-lost", "Huber's slope is lost beyond delta", "gradient", 0, ("slope-lost",),
        objective=lambda o: replace(o, loss=_CUT_HUBER), gradient_only=True, plan=_HUBER),
    Bug("wrong-delta", "delta 1.5 for 1", "loss", 0, ("delta",),
        objective=lambda o: replace(o, delta=1.5), plan=_HUBER),
    Bug("update-skipped", "the update of step 3 is skipped", "update", 3, ("update-skipped",),
        update=_at_step(_skip, at=lambda backend: backend.step == 3)),
    Bug("last-update-twice", "the last update is applied twice", "update", 8, ("update-twice",),
        update=_at_step(_update_twice, at=lambda backend: backend.step == backend.last_step)),
)  # fmt: skip
"""All planted bugs."""
