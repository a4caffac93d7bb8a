"""The exercises as a user of PyTorch writes them: ``nn.Linear``, ``backward`` and ``optim.SGD``.

Each is a native version as :mod:`samestep.native` describes it: called with the problems of the
exercise's fits, it yields their titles and records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn, optim

from samestep.interface import Params
from samestep.native import DeviceProblem, Fits, Record
from samestep.side_by_side import shown_with
from samestep_torch.native.gradients import (
    autograd_grad,
    backward,
    func_grad,
    func_jacfwd,
    func_jacrev,
    func_vjp,
    hook,
)

Loss = Callable[[Tensor, Tensor], Tensor]


def fit(
    problem: DeviceProblem, loss_function: Loss, epochs: int = 3, batch_size: int = 32, **sgd: Any
) -> Record:
    """Train a linear layer; ``sgd`` are the options of ``optim.SGD``."""
    # data
    X, y, orders = problem.X, problem.y[:, None], problem.orders

    # model
    net = nn.Linear(X.shape[1], 1, device=X.device, dtype=X.dtype)
    net.load_state_dict({"weight": problem.w[None], "bias": problem.b[None]})

    # optimizer
    weight_and_bias = list(net.parameters())
    optimizer = optim.SGD(weight_and_bias, **sgd)

    # step
    steps = []
    for order in orders[:epochs]:
        for rows in order.split(batch_size):
            # loss
            prediction = net(X[rows])
            loss = loss_function(prediction, y[rows])

            # gradient
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]

            # update
            optimizer.step()

            # record
            record: Record = {"prediction": prediction.detach()[:, 0], "loss": loss.detach()}
            record["gradient"] = named([p.grad for p in weight_and_bias])
            record["params"] = named([p.detach().clone() for p in weight_and_bias])
            velocity = [s["momentum_buffer"].clone() for s in optimizer.state.values()]
            steps.append({**record, "state": named(velocity)})
    return stacked(steps)


def named(weight_and_bias: Sequence[Any]) -> Params:
    """Name a layer's weight, of shape (1, features), and bias, of shape (1,), as ``w`` and ``b``.

    Nothing at all becomes an empty dictionary.
    """
    return {name: value[0] for name, value in zip("wb", weight_and_bias, strict=False)}


def stacked(steps: Sequence[Record]) -> Record:
    """Stack the records of all steps, the predictions of short minibatches padded."""
    predictions = [step["prediction"] for step in steps]
    return {
        "prediction": nn.utils.rnn.pad_sequence(predictions, batch_first=True),
        "loss": torch.stack([step["loss"] for step in steps]),
        **{
            kind: {n: torch.stack([step[kind][n] for step in steps]) for n in steps[0][kind]}
            for kind in ("gradient", "params", "state")
        },
    }


@shown_with(fit)
def loss_reduction(problem: DeviceProblem) -> Fits:
    """The gradient of a sum over 32 examples is 32 times that of their mean."""
    mean, total = nn.MSELoss(reduction="mean"), nn.MSELoss(reduction="sum")
    yield "mean, rate 0.03", fit(problem, mean, lr=0.03)
    yield "sum, rate 0.03", fit(problem, total, lr=0.03)
    yield "sum, rate 0.03/32", fit(problem, total, lr=0.03 / 32)


@shown_with(fit)
def huber_loss(problem: DeviceProblem) -> Fits:
    """Smooth L1 is Huber's loss divided by its parameter."""
    huber, wide = nn.HuberLoss(delta=1.0), nn.HuberLoss(delta=2.0)
    smooth = nn.SmoothL1Loss(beta=2.0)
    yield "Huber's loss, rate 0.3", fit(problem, huber, lr=0.3)
    yield "Huber's loss, rate 0.03", fit(problem, huber, lr=0.03)
    yield "Huber's loss, delta 2, rate 0.3", fit(problem, wide, lr=0.3)
    yield "smooth L1, beta 2, rate 0.6", fit(problem, smooth, lr=2 * 0.3)


Route = Callable[..., Params]


def mean_squared_error(params: Params, X: Tensor, y: Tensor) -> Tensor:
    """The loss as a function of the parameters, which is what every route differentiates."""
    loss: Tensor = nn.functional.mse_loss(X @ params["w"] + params["b"], y)
    return loss


def fit_by(
    route: Route, problem: DeviceProblem, lr: float, epochs: int = 3, batch_size: int = 32
) -> Record:
    """Train with gradients from one route, and the update written out."""
    # data
    X, y, orders = problem.X, problem.y, problem.orders

    # model
    params = {"w": problem.w, "b": problem.b}

    # step
    steps = []
    for order in orders[:epochs]:
        for rows in order.split(batch_size):
            # loss
            prediction = X[rows] @ params["w"] + params["b"]
            loss = mean_squared_error(params, X[rows], y[rows])

            # gradient
            grads = route(mean_squared_error, params, X[rows], y[rows])

            # update
            params = {name: p - lr * grads[name] for name, p in params.items()}

            # record
            record = {"prediction": prediction, "loss": loss, "gradient": grads}
            steps.append({**record, "params": params, "state": {}})
    return stacked(steps)


@shown_with(
    fit_by,
    ("loss", mean_squared_error),
    ("gradient: left in the tensors", backward),
    ("gradient: handed to a hook", hook),
    ("gradient: returned", autograd_grad),
    ("gradient: a function of its own", func_grad),
    ("gradient: pulled back", func_vjp),
    ("gradient: reverse-mode Jacobian", func_jacrev),
    ("gradient: forward-mode Jacobian", func_jacfwd),
)
def gradient_access(problem: DeviceProblem) -> Fits:
    """Every route gives the gradient that one can train by."""
    routes = (backward, hook, autograd_grad, func_grad, func_vjp, func_jacrev, func_jacfwd)
    for route in routes:
        yield "mean squared error, rate 0.03", fit_by(route, problem, lr=0.03)


@shown_with(fit)
def learning_rate_epochs(problem: DeviceProblem) -> Fits:
    """The published rates, for 3 epochs each."""
    for rate in (0.003, 0.03, 0.3, 3.0):
        yield f"learning rate {rate:g}", fit(problem, nn.MSELoss(), epochs=3, lr=rate)


@shown_with(fit)
def data_size(*problems: DeviceProblem) -> Fits:
    """A fixed number of epochs, whatever the number of examples."""
    for problem in problems:
        size = len(problem.y)
        yield f"{size:,} examples, 3 epochs", fit(problem, nn.MSELoss(), epochs=3, lr=0.03)


@shown_with(fit)
def book_versions(uniform: DeviceProblem, normal: DeviceProblem) -> Fits:
    """Both versions as printed, and with the start and the loss that both mean."""
    mse = nn.MSELoss()

    def half(prediction: Tensor, y: Tensor) -> Any:
        return mse(prediction, y) / 2

    yield "first version (MSE, uniform start)", fit(uniform, mse, lr=0.03)
    yield "second version (half MSE, small normal start)", fit(normal, half, lr=0.03)
    yield "both mended (MSE, small normal start)", fit(normal, mse, lr=0.03)


EXERCISES: dict[str, Callable[..., Any]] = {
    "exercise/loss-reduction": loss_reduction,
    "exercise/huber-loss": huber_loss,
    "exercise/gradient-access": gradient_access,
    "exercise/learning-rate-epochs": learning_rate_epochs,
    "exercise/data-size": data_size,
    "exercise/book-versions": book_versions,
}
