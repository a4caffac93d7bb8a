"""The training loop beside the loops that users of the frameworks write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from samestep import Plan, SyntheticRegression, Trace, compare, train
from samestep.interface import Backend


def torch_loop(plan: Plan, dtype: str) -> Trace:
    """What a user of PyTorch writes, with a record of every step."""
    problem, working = plan.problems[0], getattr(torch, dtype)
    net = torch.nn.Linear(plan.features, 1, dtype=working)
    with torch.no_grad():
        net.weight.copy_(torch.tensor(problem.w)[None])
        net.bias.fill_(float(problem.b))
    loss_function = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=float(plan.learning_rate[0]))
    X, y = torch.tensor(problem.X, dtype=working), torch.tensor(problem.y, dtype=working)[:, None]
    record = Recorder(plan, dtype)
    record.parameters(net.weight.detach()[0].numpy(), net.bias.detach()[0].numpy())
    for batch in record.batches():
        rows = torch.tensor(batch)
        prediction = net(X[rows])
        loss = loss_function(prediction, y[rows])
        optimizer.zero_grad()
        loss.backward()
        assert net.weight.grad is not None
        assert net.bias.grad is not None
        record.step(
            prediction.detach()[:, 0].numpy(),
            loss.detach().numpy(),
            net.weight.grad[0].numpy(),
            net.bias.grad[0].numpy(),
        )
        optimizer.step()
        record.parameters(net.weight.detach()[0].numpy(), net.bias.detach()[0].numpy())
    return record.trace("torch, by hand")


def jax_loop(plan: Plan, dtype: str) -> Trace:
    """What a user of JAX and optax writes, with a record of every step."""
    problem = plan.problems[0]
    with jax.enable_x64(dtype == "float64"):
        optimizer = optax.sgd(float(plan.learning_rate[0]))
        X, y = jnp.asarray(problem.X, dtype), jnp.asarray(problem.y, dtype)
        params = {"w": jnp.asarray(problem.w, dtype), "b": jnp.asarray(problem.b, dtype)}
        state = optimizer.init(params)

        def loss_function(params: Any, X: Any, y: Any) -> Any:
            prediction = X @ params["w"] + params["b"]
            return jnp.mean(optax.squared_error(prediction, y)), prediction

        @jax.jit
        def step(params: Any, state: Any, X: Any, y: Any) -> Any:
            found, grads = jax.value_and_grad(loss_function, has_aux=True)(params, X, y)
            updates, state = optimizer.update(grads, state)
            return optax.apply_updates(params, updates), state, grads, *found

        record = Recorder(plan, dtype)
        record.parameters(params["w"], params["b"])
        for batch in record.batches():
            params, state, grads, loss, prediction = step(params, state, X[batch], y[batch])
            record.step(prediction, loss, grads["w"], grads["b"])
            record.parameters(params["w"], params["b"])
    return record.trace("jax, by hand")


class Recorder:
    """Keeps what a hand-written loop computes, as a trace that can be judged."""

    def __init__(self, plan: Plan, dtype: str) -> None:
        self._plan, self._dtype = plan, dtype
        self._kept: dict[str, list[Any]] = {}

    def batches(self) -> Iterator[np.ndarray]:
        for batch, rows in zip(self._plan.batches[:, 0], self._plan.rows[:, 0], strict=True):
            yield batch[:rows]

    def parameters(self, w: Any, b: Any) -> None:
        self._keep(w=w, b=b)

    def step(self, prediction: Any, loss: Any, w: Any, b: Any) -> None:
        width = self._plan.batches.shape[2]
        padded = np.pad(np.asarray(prediction), (0, width - len(prediction)), mode="edge")
        self._keep(prediction=padded, loss=loss, grad_w=w, grad_b=b)

    def trace(self, participant: str) -> Trace:
        arrays = {name: np.stack(values)[:, None] for name, values in self._kept.items()}
        assert {a.dtype for a in arrays.values()} == {np.dtype(self._dtype)}
        return Trace(
            plan=self._plan,
            participant=participant,
            dtype=self._dtype,
            params={"w": arrays["w"], "b": arrays["b"]},
            prediction=arrays["prediction"],
            loss=arrays["loss"],
            gradient={"w": arrays["grad_w"], "b": arrays["grad_b"]},
        )

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            self._kept.setdefault(name, []).append(np.array(value))


def test_a_fit_is_the_native_loop_step_by_step(framework: Backend) -> None:
    plan = Plan.of(SyntheticRegression().draw(0))
    by_hand = {"torch": torch_loop, "jax": jax_loop}[framework.name](plan, framework.dtype)
    ours = train(framework, plan)
    comparison = compare(ours, by_hand)
    assert comparison.holds
    # Descent contracts, so rounding does not build up: the whole paths agree to a few units.
    eps = np.finfo(framework.dtype).eps
    gaps = {agreement.quantity: agreement.gap for agreement in comparison.agreements}
    assert gaps["update"] <= 16 * eps * 4.2  # the largest parameter
    assert gaps["loss"] <= 64 * eps * ours.loss.max()  # type: ignore[union-attr]
    assert ours.seconds > 0
