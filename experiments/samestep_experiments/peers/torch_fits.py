"""PyTorch: the loop of its tutorials, and all runs in one tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn, optim

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep_experiments.peers.handed import in_columns, of_one_run, run_data, stack_data

__all__ = ["Steps", "hand_batched", "loop"]


class Steps:
    """What a loop over an ``nn.Linear`` did, as far as it was kept."""

    def __init__(self, net: nn.Linear) -> None:
        self._net = net
        self._kept: list[tuple[Any, ...]] = []

    def keep(self, prediction: Tensor, loss: Tensor) -> None:
        """Keep a step after its update; ``zero_grad`` lets go of these gradients."""
        w, b = self._net.weight, self._net.bias
        after = (w.detach().clone(), b.detach().clone())
        self._kept.append((prediction.detach(), loss.detach(), w.grad, b.grad, *after))

    def outcome(self) -> Outcome:
        """Return all of it in NumPy, the predictions of short minibatches padded."""
        final = {"w": self._net.weight.detach()[0].numpy(), "b": self._net.bias.detach()[0].numpy()}
        if not self._kept:
            return of_one_run(final, None)
        predictions, losses, dw, db, w, b = zip(*self._kept, strict=True)
        record = {
            "prediction": nn.utils.rnn.pad_sequence(list(predictions), batch_first=True)[..., 0],
            "loss": torch.stack(losses),
            "gradient/w": torch.cat(dw),
            "gradient/b": torch.cat(db),
            "params/w": torch.cat(w),
            "params/b": torch.cat(b),
        }
        return of_one_run(final, {key: values.numpy() for key, values in record.items()})


def loop(workload: Workload) -> Fit:
    """``nn.Linear``, ``nn.MSELoss``, ``backward`` and ``optim.SGD``.

    Rows are taken by ``index_select``: ``X[rows]`` is several times slower where rows are long.
    """
    run = run_data(workload)
    X, y = torch.tensor(run.X), torch.tensor(run.y)[:, None]
    start = {"weight": torch.tensor(run.w)[None], "bias": torch.tensor(run.b)[None]}
    minibatches = [torch.tensor(rows) for rows in run.minibatches]

    def fit() -> Outcome:
        net = nn.Linear(X.shape[1], 1, dtype=X.dtype)
        net.load_state_dict(start)
        loss_function = nn.MSELoss()
        optimizer = optim.SGD(net.parameters(), lr=workload.learning_rate)
        steps = Steps(net)
        for rows in minibatches:
            prediction = net(X.index_select(0, rows))
            loss = loss_function(prediction, y.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if workload.record == "every step":
                steps.keep(prediction, loss)
        return steps.outcome()

    return fit


def hand_batched(workload: Workload) -> Fit:
    """All runs in one tensor; the gradient of the sum of their losses holds each run's gradient.

    The record is written into arrays that are there before the loop: stacking at the end would
    read everything once more.
    """
    minibatches, w0, b0 = stack_data(workload)
    ready = [(torch.tensor(in_columns(X)), torch.tensor(y)) for X, y in minibatches]
    start = torch.tensor(w0), torch.tensor(b0)
    steps, runs, width = workload.plan().batches.shape
    shapes = {"prediction": (width,), "loss": ()}
    shapes |= {
        "gradient/w": w0.shape[1:],
        "gradient/b": (),
        "params/w": w0.shape[1:],
        "params/b": (),
    }

    def fit() -> Outcome:
        w, b = (p.clone().requires_grad_() for p in start)
        record = {
            key: torch.zeros((steps, runs, *shape), dtype=w.dtype)
            for key, shape in shapes.items()
            if workload.record == "every step"
        }
        for k, (X, y) in enumerate(ready):
            prediction = (X * w[:, :, None]).sum(1) + b[:, None]
            loss = (prediction - y).square().mean(1)
            dw, db = torch.autograd.grad(loss.sum(), (w, b))
            with torch.no_grad():
                w.sub_(dw, alpha=workload.learning_rate)
                b.sub_(db, alpha=workload.learning_rate)
                if record:
                    record["prediction"][k, :, : y.shape[1]] = prediction
                    record["loss"][k] = loss
                    record["gradient/w"][k], record["gradient/b"][k] = dw, db
                    record["params/w"][k], record["params/b"][k] = w, b
        final = {"w": w.detach().numpy(), "b": b.detach().numpy()}
        return Outcome(final, {key: values.numpy() for key, values in record.items()} or None)

    return fit
