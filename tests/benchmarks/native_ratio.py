"""One baseline fit with full trace, beside hand-written native loops, in one process.

Run it with ``python tests/benchmarks/native_ratio.py``. Two native loops stand beside ours: one
that only trains, on data that lie on the device already, and one that does the same work as ours,
from NumPy arrays to a NumPy record of prediction, loss, gradient and parameters of every step.
The rounds are interleaved, so machine noise falls on all sides; what is printed is the median of
the ratios and their quartiles.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

import samestep
from samestep.plan import Plan

ROUNDS = 60


def torch_loops(plan: Plan) -> tuple[Callable[[], None], Callable[[], None]]:
    """The loop a torch user writes: nn.Linear, nn.MSELoss, backward, optim.SGD."""
    problem = plan.problems[0]

    def to_device() -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        X = torch.tensor(problem.X, dtype=torch.float32)
        y = torch.tensor(problem.y, dtype=torch.float32)[:, None]
        batches = torch.tensor(plan.batches[:, 0], dtype=torch.int64)
        return X, y, [b[:rows] for b, rows in zip(batches, plan.rows[:, 0], strict=True)]

    ready = to_device()

    def train_only() -> None:
        fit(*ready)

    def with_record() -> None:
        record = fit(*to_device(), record=True)
        # The last batch of an epoch is short: what a user pads, or keeps as a list.
        [np.concatenate([p.numpy() for p in record[0]])]
        [torch.stack(values).numpy() for values in record[1:]]

    def fit(
        X: torch.Tensor, y: torch.Tensor, batches: list[torch.Tensor], *, record: bool = False
    ) -> list[list[torch.Tensor]]:
        recorded: list[list[torch.Tensor]] = [[], [], [], [], [], []]
        net = torch.nn.Linear(2, 1)
        with torch.no_grad():
            net.weight.copy_(torch.tensor(problem.w)[None])
            net.bias.fill_(float(problem.b))
        loss = torch.nn.MSELoss()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
        for batch in batches:
            optimizer.zero_grad()
            prediction = net(X[batch])
            value = loss(prediction, y[batch])
            value.backward()
            optimizer.step()
            if record:
                new = (prediction, value, net.weight.grad, net.bias.grad, net.weight, net.bias)
                for values, item in zip(recorded, new, strict=True):
                    values.append(item.detach().clone())
        return recorded

    return train_only, with_record


def jax_scans(plan: Plan) -> tuple[Callable[[], None], Callable[[], None]]:
    """The fit a JAX user writes: value_and_grad, optax.sgd, one jitted scan over the batches."""
    problem = plan.problems[0]
    optimizer = optax.sgd(0.03)

    def to_device() -> list[Any]:
        params = {
            "w": jnp.asarray(problem.w, jnp.float32),
            "b": jnp.asarray(problem.b, jnp.float32),
        }
        mask = np.arange(plan.batches.shape[2]) < plan.rows
        data = [jnp.asarray(a, jnp.float32) for a in (problem.X, problem.y, mask)]
        return [*data, jnp.asarray(plan.batches[:, 0]), params]

    def loss(params: Any, X: Any, y: Any, m: Any) -> Any:
        prediction = X @ params["w"] + params["b"]
        return (m * (prediction - y) ** 2).sum() / m.sum(), prediction

    @functools.partial(jax.jit, static_argnames="record")
    def run(X: Any, y: Any, mask: Any, batches: Any, params: Any, *, record: bool) -> Any:
        def step(carry: Any, x: Any) -> Any:
            params, state = carry
            batch, m = x
            (value, prediction), grads = jax.value_and_grad(loss, has_aux=True)(
                params, X[batch], y[batch], m
            )
            updates, state = optimizer.update(grads, state)
            params = optax.apply_updates(params, updates)
            return (params, state), (prediction, value, grads, params) if record else value

        (params, _), recorded = jax.lax.scan(
            step, (params, optimizer.init(params)), (batches, mask)
        )
        return params, recorded

    ready = to_device()

    def train_only() -> None:
        jax.block_until_ready(run(*ready, record=False))

    def with_record() -> None:
        jax.tree.map(np.asarray, run(*to_device(), record=True))

    return train_only, with_record


def main() -> None:
    """Print the ratio for each backend."""
    plan = Plan.of(samestep.SyntheticRegression().draw(0))
    for name, natives in (("torch", torch_loops(plan)), ("jax", jax_scans(plan))):
        ours = functools.partial(samestep.train, samestep.backend(name), plan)
        rounds = []
        for _ in range(ROUNDS):
            times = []
            for work in (ours, *natives):
                started = time.perf_counter()
                work()
                times.append(time.perf_counter() - started)
            rounds.append(times)
        seconds = np.array(rounds[5:])
        sys.stdout.write(f"{name}: ours {np.median(seconds[:, 0]) * 1e3:.3f} ms\n")
        for column, what in ((1, "native, training only"), (2, "native, same work")):
            low, median, high = np.quantile(seconds[:, 0] / seconds[:, column], [0.25, 0.5, 0.75])
            sys.stdout.write(
                f"  {what:22} {np.median(seconds[:, column]) * 1e3:7.3f} ms, "
                f"ours is {median:.2f}x (quartiles {low:.2f} to {high:.2f})\n"
            )


if __name__ == "__main__":
    main()
