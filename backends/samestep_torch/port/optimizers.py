"""PyTorch's optimizers as data: their rules, what they keep, and their schedules."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from samestep.errors import UsageError
from samestep.port.rules import Rule

__all__ = ["SLOTS", "Schedule", "check_known", "rule_of"]

SLOTS = {
    "momentum_buffer": "momentum",
    "exp_avg": "first_moment",
    "exp_avg_sq": "second_moment",
    "max_exp_avg_sq": "max_second_moment",
}
"""Our name of each array that the known optimizers keep."""

_KNOWN = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


def check_known(optimizer: object) -> None:
    """Raise an error for an optimizer whose state we cannot carry over."""
    if type(optimizer) not in _KNOWN:
        known = ", ".join(f"torch.optim.{kind.__name__}" for kind in _KNOWN)
        raise UsageError(
            f"The optimizer of the PyTorch side is a {type(optimizer).__name__}, which the port "
            "check does not know.",
            f"It knows {known}.",
        )


def rule_of(optimizer: torch.optim.Optimizer, group: dict[str, Any], rate: float) -> Rule:
    """Describe what an optimizer does to the parameters of one group."""
    decay = float(group["weight_decay"])
    maximize = bool(group["maximize"])
    if isinstance(optimizer, torch.optim.SGD):
        return Rule(
            "sgd",
            rate,
            weight_decay=decay,
            momentum=float(group["momentum"]),
            dampening=float(group["dampening"]),
            nesterov=bool(group["nesterov"]),
            maximize=maximize,
        )
    return Rule(
        "adam",
        rate,
        weight_decay=decay,
        decoupled=isinstance(optimizer, torch.optim.AdamW)
        or bool(group.get("decoupled_weight_decay")),
        beta1=float(group["betas"][0]),
        beta2=float(group["betas"][1]),
        epsilon=float(group["eps"]),
        amsgrad=bool(group["amsgrad"]),
        maximize=maximize,
    )


class Schedule:
    """Learning rates of all groups by step, read off a copy of the scheduler.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    scheduler : LRScheduler, optional
        Stepped once after every step of the optimizer.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, scheduler: LRScheduler | None) -> None:
        self.start = scheduler.last_epoch if scheduler else 0
        self._scheduler = copy.deepcopy(scheduler)
        self._rates = [[float(group["lr"]) for group in optimizer.param_groups]]

    def rates(self, count: int) -> list[float]:
        """Return the rate of each group in the step after so many steps."""
        if self._scheduler is None:
            return self._rates[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it misses optimizer.step(), which is not wanted here
            while len(self._rates) <= count - self.start:
                self._scheduler.step()
                groups = self._scheduler.optimizer.param_groups
                self._rates.append([float(group["lr"]) for group in groups])
        return self._rates[max(count - self.start, 0)]
