"""A PyTorch module with its optimizer at one precision, set to any state."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from samestep.port import Arrays, State
from samestep_torch.port.optimizers import SLOTS
from samestep_torch.port.recording import as_tensor, numbers

__all__ = ["Model"]

_STATISTICS = ("running_mean", "running_var")
_OWN = {ours: theirs for theirs, ours in SLOTS.items()}


@dataclass(frozen=True)
class Model:
    """Module and optimizer at one precision.

    Parameters
    ----------
    module : torch.nn.Module
    optimizer : torch.optim.Optimizer
        Over its parameters.
    """

    module: nn.Module
    optimizer: torch.optim.Optimizer

    @property
    def params(self) -> dict[str, nn.Parameter]:
        """Parameters by name; those that are tied once."""
        return dict(self.module.named_parameters())

    @property
    def statistics(self) -> dict[str, torch.Tensor]:
        """Running statistics; other buffers are constants of the model."""
        buffers = dict(self.module.named_buffers())
        return {n: b for n, b in buffers.items() if n.rpartition(".")[2] in _STATISTICS}

    @property
    def like(self) -> torch.Tensor:
        """A tensor of its precision, on its device."""
        return next(self.module.parameters())

    def copy(self, dtype: str) -> Model:
        """Copy both to a precision."""
        module, optimizer = copy.deepcopy((self.module, self.optimizer))
        # A scheduler replaces the step of its optimizer by one that is tied to the original.
        optimizer.__dict__.pop("step", None)
        return Model(module.to(getattr(torch, dtype)), optimizer)

    def load(self, state: State) -> None:
        """Set parameters and statistics."""
        with torch.no_grad():
            for name, p in self.params.items():
                p.copy_(as_tensor(state.params[name], p))
            for name, b in self.statistics.items():
                b.copy_(as_tensor(state.statistics[name], b))

    def give(self, state: State, gradients: Arrays) -> None:
        """Give the optimizer gradients and what it kept; it is fresh if that is nothing."""
        self.optimizer.state.clear()
        for name, p in self.params.items():
            p.grad = as_tensor(gradients[name], p) if name in gradients else None
            slots = {s: arrays[name] for s, arrays in state.slots.items() if name in arrays}
            if state.count or any(array.any() for array in slots.values()):
                kept = {_OWN[slot]: as_tensor(array, p) for slot, array in slots.items()}
                if "exp_avg" in kept:
                    kept["step"] = torch.tensor(float(state.count), device=p.device)
                self.optimizer.state[p] = kept

    def state(self, slots: Mapping[str, Sequence[str]], count: int) -> State:
        """Read everything off; a slot that the optimizer has not made yet is zero."""
        found: dict[str, Arrays] = {}
        for slot, names in slots.items():
            found[slot] = {}
            for name in names:
                p = self.params[name]
                value = self.optimizer.state.get(p, {}).get(_OWN[slot])
                found[slot][name] = numbers(torch.zeros_like(p) if value is None else value)
        return State(
            {name: numbers(p) for name, p in self.params.items()},
            {name: numbers(b) for name, b in self.statistics.items()},
            found,
            count,
        )
