"""How an optimizer of PyTorch is followed along a course of gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from samestep.interface import Backend
from samestep.ledger.native import Lookalike
from samestep.ledger.optimizer_entry import Course, OptimizerNative, Record

__all__ = ["Formula", "Loop", "follow", "native"]

_STATE = {
    "momentum_buffer": "velocity",
    "exp_avg": "first",
    "grad_avg": "first",
    "exp_avg_sq": "second",
    "square_avg": "second",
    "sum": "second",
    "max_exp_avg_sq": "largest",
}
"""What the optimizers of torch.optim keep, and what it is."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Loop:
    """The lines of a training loop that are about the optimizer.

    Parameters
    ----------
    optimizer : Optimizer
    before, after : callable
        What stands between ``backward`` and ``optimizer.step``, and after that.
    set_to_none : bool
        Of ``zero_grad``, which stands before ``backward``.
    """

    optimizer: Optimizer
    before: Callable[[], Any] = _nothing
    after: Callable[[], Any] = _nothing
    set_to_none: bool = True


class Formula(Optimizer):
    """An optimizer written out: ``update(p, g, state)`` changes a parameter and its state in place.

    Parameters
    ----------
    params : list of Tensor
    update : callable
    state : mapping of str to float
        What each parameter keeps, and what that starts from.
    """

    def __init__(
        self,
        params: list[Tensor],
        update: Callable[[Tensor, Tensor, dict[str, Any]], None],
        **state: float,
    ) -> None:
        super().__init__(params, {})
        self._update = update
        for p in params:
            self.state[p] = {name: torch.full_like(p, start) for name, start in state.items()}

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # it takes no closure
        """Update every parameter that has a gradient."""
        for p in self.param_groups[0]["params"]:
            if p.grad is not None:
                self._update(p, p.grad, self.state[p])


def follow(backend: Backend, call: Callable[..., Loop], course: Course) -> Record:
    """Run what a call makes along a course, and record parameters and state of every step."""
    params = {name: backend.asarray(start) for name, start in course.start.items()}
    for p in params.values():
        p.requires_grad_()
    recorded: dict[str, list[Any]] = {}
    with backend.scope():
        loop = call(list(params.values()))
        _take_down(backend, params, loop.optimizer, recorded)
        for k in course.number:
            loop.optimizer.zero_grad(set_to_none=loop.set_to_none)
            for name, p in params.items():
                if course.used[name][k] and p.requires_grad:
                    gradient = backend.asarray(course.gradients[name][k])
                    p.grad = gradient if p.grad is None else p.grad + gradient
            loop.before()
            loop.optimizer.step()
            loop.after()
            _take_down(backend, params, loop.optimizer, recorded)
    # State that is made by a parameter's first gradient is zero before that.
    steps = course.steps + 1
    return {
        name: np.stack([np.zeros_like(values[0])] * (steps - len(values)) + values)
        for name, values in recorded.items()
    }


def _take_down(
    backend: Backend,
    params: dict[str, Tensor],
    optimizer: Optimizer,
    recorded: dict[str, list[Any]],
) -> None:
    """Copy what is there: the optimizer changes it in place."""
    for name, p in params.items():
        recorded.setdefault(name, []).append(backend.to_numpy(p).copy())
        for key, value in optimizer.state[p].items():
            if key in _STATE and value is not None:
                kept = backend.to_numpy(value.to(p.dtype)).copy()
                recorded.setdefault(f"{_STATE[key]} {name}", []).append(kept)


def native(
    call: Callable[..., Loop],
    public: str = "",
    *,
    converted: bool = False,
    lookalike: tuple[str, Callable[..., Loop]] | None = None,
) -> OptimizerNative:
    """Return PyTorch's side of an entry."""
    return OptimizerNative(
        call=call,
        public=public,
        converted=converted,
        lookalike=Lookalike(*lookalike) if lookalike else None,
        follow=follow,
    )
