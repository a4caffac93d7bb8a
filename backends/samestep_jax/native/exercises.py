"""The exercises as a user of JAX writes them: pure functions, ``value_and_grad`` and optax.

Each is a native version as :mod:`samestep.native` describes it: called with the problems of the
exercise's fits, it yields their titles and records.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax
from jax import Array

from samestep.interface import Params
from samestep.native import DeviceProblem, Fits, Record
from samestep.side_by_side import shown_with
from samestep_jax.native.gradients import grad, jacfwd, jacrev, value_and_grad, vjp
from samestep_jax.native.losses import smooth_l1

Loss = Callable[[Array, Array], Array]
Reduced = Callable[[Array, Array, Array], Array]


# Cached, because jit would compile a function that is made anew once more.
@functools.cache
def mean(loss: Loss) -> Reduced:
    """Take the mean of an elementwise loss over the rows that are no padding."""
    return lambda prediction, y, real: jnp.mean(loss(prediction, y), where=real)


@functools.cache
def total(loss: Loss) -> Reduced:
    """Take the sum of an elementwise loss over the rows that are no padding."""
    return lambda prediction, y, real: jnp.sum(loss(prediction, y), where=real)


def minibatches(orders: Array, size: int) -> tuple[Array, Array]:
    """Split epochs into minibatches of equal size, for a scan; returns also which rows are real."""
    padding = ((0, 0), (0, -orders.shape[1] % size))
    real = jnp.pad(jnp.ones_like(orders, bool), padding)
    return jnp.pad(orders, padding, mode="edge").reshape(-1, size), real.reshape(-1, size)


@functools.partial(jax.jit, static_argnames=("loss_function", "epochs", "batch_size", "optimizer"))
def fit(
    problem: DeviceProblem,
    loss_function: Reduced,
    learning_rate: float,
    epochs: int = 3,
    batch_size: int = 32,
    optimizer: Callable[[float], optax.GradientTransformation] = optax.sgd,
) -> Record:
    """Train a linear model in one compiled scan."""
    # data
    X, y, orders = problem.X, problem.y, problem.orders
    batches = minibatches(orders[:epochs], min(batch_size, len(y)))

    # model
    def predict(params: Params, X: Array) -> Any:
        return X @ params["w"] + params["b"]

    # optimizer
    sgd = optimizer(learning_rate)
    params = {"w": problem.w, "b": problem.b}
    state = sgd.init(params)

    # step
    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        rows, real = batch

        # loss
        def loss(params: Params) -> tuple[Array, Array]:
            prediction = predict(params, X[rows])
            return loss_function(prediction, y[rows], real), prediction

        # gradient
        (value, prediction), grads = jax.value_and_grad(loss, has_aux=True)(params)

        # update
        updates, state = sgd.update(grads, state, params)
        params = optax.apply_updates(params, updates)

        # record
        record = {"prediction": prediction, "loss": value, "gradient": grads, "params": params}
        velocity = optax.tree_utils.tree_get(state, "trace", {})
        return (params, state), {**record, "state": velocity}

    _, record = jax.lax.scan(step, (params, state), batches)
    return cast(Record, record)


@shown_with(("data", minibatches), fit, ("loss", mean), ("loss", total))
def loss_reduction(problem: DeviceProblem) -> Fits:
    """The gradient of a sum over 32 examples is 32 times that of their mean."""
    mse, summed = mean(optax.squared_error), total(optax.squared_error)
    yield "mean, rate 0.03", fit(problem, mse, learning_rate=0.03)
    yield "sum, rate 0.03", fit(problem, summed, learning_rate=0.03)
    yield "sum, rate 0.03/32", fit(problem, summed, learning_rate=0.03 / 32)


@shown_with(("data", minibatches), fit, ("loss", smooth_l1), ("loss", mean))
def huber_loss(problem: DeviceProblem) -> Fits:
    """Smooth L1 is Huber's loss divided by its parameter."""
    huber, wide = (mean(functools.partial(optax.huber_loss, delta=d)) for d in (1.0, 2.0))
    smooth = mean(functools.partial(smooth_l1, delta=2.0, reduction="none"))
    yield "Huber's loss, rate 0.3", fit(problem, huber, learning_rate=0.3)
    yield "Huber's loss, rate 0.03", fit(problem, huber, learning_rate=0.03)
    yield "Huber's loss, delta 2, rate 0.3", fit(problem, wide, learning_rate=0.3)
    yield "smooth L1, beta 2, rate 0.6", fit(problem, smooth, learning_rate=2 * 0.3)


Route = Callable[..., Params]


def mean_squared_error(params: Params, X: Array, y: Array, real: Array) -> Array:
    """The loss as a function of the parameters, which is what every route differentiates."""
    return jnp.mean(optax.squared_error(X @ params["w"] + params["b"], y), where=real)


@functools.partial(jax.jit, static_argnames=("route", "epochs", "batch_size"))
def fit_by(
    route: Route,
    problem: DeviceProblem,
    learning_rate: float,
    epochs: int = 3,
    batch_size: int = 32,
) -> Record:
    """Train with gradients from one route, and the update written out."""
    # data
    X, y, orders = problem.X, problem.y, problem.orders
    batches = minibatches(orders[:epochs], min(batch_size, len(y)))

    # model
    params = {"w": problem.w, "b": problem.b}

    # step
    def step(params: Params, batch: Any) -> Any:
        rows, real = batch

        # loss
        prediction = X[rows] @ params["w"] + params["b"]
        loss = mean_squared_error(params, X[rows], y[rows], real)

        # gradient
        grads = route(mean_squared_error, params, X[rows], y[rows], real)

        # update
        params = {name: p - learning_rate * grads[name] for name, p in params.items()}

        # record
        record = {"prediction": prediction, "loss": loss, "gradient": grads}
        return params, {**record, "params": params, "state": {}}

    _, record = jax.lax.scan(step, params, batches)
    return cast(Record, record)


@shown_with(
    ("data", minibatches),
    fit_by,
    ("loss", mean_squared_error),
    ("gradient: returned", value_and_grad),
    ("gradient: a function of its own", grad),
    ("gradient: pulled back", vjp),
    ("gradient: reverse-mode Jacobian", jacrev),
    ("gradient: forward-mode Jacobian", jacfwd),
)
def gradient_access(problem: DeviceProblem) -> Fits:
    """Every route gives the gradient that one can train by."""
    for route in (value_and_grad, grad, vjp, jacrev, jacfwd):
        yield "mean squared error, rate 0.03", fit_by(route, problem, learning_rate=0.03)


@shown_with(("data", minibatches), fit, ("loss", mean))
def learning_rate_epochs(problem: DeviceProblem) -> Fits:
    """The published rates, for 3 epochs each."""
    mse = mean(optax.squared_error)
    for rate in (0.003, 0.03, 0.3, 3.0):
        yield f"learning rate {rate:g}", fit(problem, mse, learning_rate=rate, epochs=3)


@shown_with(("data", minibatches), fit, ("loss", mean))
def data_size(*problems: DeviceProblem) -> Fits:
    """A fixed number of epochs, whatever the number of examples."""
    mse = mean(optax.squared_error)
    for problem in problems:
        size = len(problem.y)
        yield f"{size:,} examples, 3 epochs", fit(problem, mse, learning_rate=0.03, epochs=3)


@shown_with(("data", minibatches), fit, ("loss", mean))
def book_versions(uniform: DeviceProblem, normal: DeviceProblem) -> Fits:
    """Both versions as printed, and with the start and the loss that both mean."""
    mse, half = mean(optax.squared_error), mean(optax.l2_loss)
    yield "first version (MSE, uniform start)", fit(uniform, mse, learning_rate=0.03)
    yield "second version (half MSE, small normal start)", fit(normal, half, learning_rate=0.03)
    yield "both mended (MSE, small normal start)", fit(normal, mse, learning_rate=0.03)


EXERCISES: dict[str, Callable[..., Any]] = {
    "exercise/loss-reduction": loss_reduction,
    "exercise/huber-loss": huber_loss,
    "exercise/gradient-access": gradient_access,
    "exercise/learning-rate-epochs": learning_rate_epochs,
    "exercise/data-size": data_size,
    "exercise/book-versions": book_versions,
}
