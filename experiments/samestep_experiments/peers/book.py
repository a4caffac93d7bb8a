"""The book's way (Dive into Deep Learning, sections 3.2 to 3.5): a model, data, and a trainer.

The classes are the book's, without what plots or moves to a GPU. Three things are ours: data and
order of the minibatches are the plan's; the lazily built layer is given the plan's initial values;
and the trainer calls back after each step, for the record.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep.problem import SyntheticRegression
from samestep_experiments.peers.handed import run_data
from samestep_experiments.peers.torch_fits import Steps

__all__ = ["with_validation", "without_validation"]


class LinearRegression(nn.Module):
    """The linear regression model implemented with high-level APIs."""

    def __init__(self, lr: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.lr = lr
        self.net = nn.LazyLinear(1, dtype=dtype)
        self.loss = nn.MSELoss()

    def forward(self, X: Tensor) -> Any:
        """Predict."""
        return self.net(X)

    def training_step(self, batch: list[Tensor]) -> Any:
        """Return the loss of a minibatch; the predictions stay for the record."""
        self.prediction = self(*batch[:-1])
        return self.loss(self.prediction, batch[-1])

    def validation_step(self, batch: list[Tensor]) -> Any:
        """Return the loss of a minibatch."""
        return self.loss(self(*batch[:-1]), batch[-1])

    def configure_optimizers(self) -> torch.optim.SGD:
        """Minibatch stochastic gradient descent."""
        return torch.optim.SGD(self.parameters(), self.lr)


class PlannedOrder(Sampler[int]):
    """All rows, in the order of the next epoch each time that it is asked."""

    def __init__(self, orders: list[list[int]]) -> None:
        self._size = len(orders[0])
        self._orders = itertools.cycle(orders)

    def __iter__(self) -> Iterator[int]:
        return iter(next(self._orders))

    def __len__(self) -> int:
        return self._size


class Trainer:
    """The base class for training models with data."""

    def __init__(self, max_epochs: int, after_step: Callable[[Tensor], None] | None) -> None:
        self.max_epochs = max_epochs
        self.after_step = after_step

    def fit(
        self, model: LinearRegression, train: DataLoader[Any], val: DataLoader[Any] | None
    ) -> None:
        """Train for all epochs."""
        self.model, self.train_dataloader, self.val_dataloader = model, train, val
        self.optim = model.configure_optimizers()
        for _ in range(self.max_epochs):
            self.fit_epoch()

    def fit_epoch(self) -> None:
        """Train on every minibatch; then validate, if there are data for it."""
        self.model.train()
        for batch in self.train_dataloader:
            loss = self.model.training_step(batch)
            self.optim.zero_grad()
            with torch.no_grad():
                loss.backward()
                self.optim.step()
            if self.after_step:
                self.after_step(loss)
        if self.val_dataloader is None:
            return
        self.model.eval()
        for batch in self.val_dataloader:
            with torch.no_grad():
                self.model.validation_step(batch)


def without_validation(workload: Workload) -> Fit:
    """Train as the book does, but do not validate."""
    return prepared(workload, None)


def with_validation(workload: Workload) -> Fit:
    """Train as the book does, with as many examples for validation as for training."""
    (problem,) = workload.plan().problems
    assert problem.true_w is not None
    assert problem.true_b is not None
    source = SyntheticRegression(tuple(problem.true_w), float(problem.true_b), num_val=workload.n)
    drawn = source.draw(seed=0)
    assert drawn.X_val is not None
    assert drawn.y_val is not None
    examples = (drawn.X_val.astype(workload.dtype), drawn.y_val[:, None].astype(workload.dtype))
    val = TensorDataset(*map(torch.from_numpy, examples))
    return prepared(workload, DataLoader(val, workload.batch_size, shuffle=False))


def prepared(workload: Workload, val: DataLoader[Any] | None) -> Fit:
    """Put the data into tensors, and the loaders over them."""
    run = run_data(workload)
    X, y = torch.tensor(run.X), torch.tensor(run.y)[:, None]
    start = {"net.weight": torch.tensor(run.w)[None], "net.bias": torch.tensor(run.b)[None]}
    order = PlannedOrder([rows.tolist() for rows in run.orders(workload.epochs)])
    train = DataLoader(TensorDataset(X, y), workload.batch_size, sampler=order)

    def fit() -> Outcome:
        model = LinearRegression(workload.learning_rate, X.dtype)
        model(X[:1])  # now its shape is known
        model.load_state_dict(start)
        steps = Steps(model.net)

        def keep(loss: Tensor) -> None:
            steps.keep(model.prediction, loss)

        Trainer(workload.epochs, keep if workload.record == "every step" else None).fit(
            model, train, val
        )
        return steps.outcome()

    return fit
