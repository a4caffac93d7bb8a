"""A PyTorch model, its loss and its optimizer as one side of a port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from samestep import port
from samestep.errors import UsageError, one_line
from samestep.loss import Float64
from samestep.port import Arrays, Batch, Pass, Rule, State, Tensor, Variation
from samestep_torch.port.calls import Places, Replaced, Sites
from samestep_torch.port.faults import ALTERNATIVES
from samestep_torch.port.layouts import axes_of
from samestep_torch.port.model import Model
from samestep_torch.port.optimizers import Schedule, check_known, rule_of
from samestep_torch.port.recording import (
    Deterministic,
    Recorder,
    as_tensor,
    dtype_name,
    numbers,
    switch_off_dropout,
)
from samestep_torch.port.variations import Instead, reroute, variations_of
from samestep_torch.threads import one_thread

__all__ = ["Side"]


@final
class Side(port.Side):
    """The PyTorch side of a port; the user's own objects are copied, never changed.

    Parameters
    ----------
    module : torch.nn.Module
        Its mode counts: in ``train()`` batch normalisation uses and updates batch statistics.
        Dropout is switched off in either mode.
    loss : callable
        ``loss(output, *targets)``, a scalar.
    optimizer : torch.optim.SGD, Adam or AdamW
        Over the module's parameters; its state, if any, is where the check starts.
    scheduler : LRScheduler, optional
        Stepped once after every step of the optimizer.
    call : mapping, optional
        Keyword arguments of every call of the module.
    prepare : callable, optional
        Changes the arrays of a batch to what this side expects: ``prepare(inputs, *targets)``
        returns them in the same order, ``inputs`` being a tuple if there are several.

    Raises
    ------
    UsageError
        For what is no module, an optimizer that is not known or has other parameters, and
        parameters of several precisions or devices.
    """

    label = "torch"
    role = "original"

    def __init__(
        self,
        module: nn.Module,
        loss: Callable[..., torch.Tensor],
        optimizer: torch.optim.Optimizer,
        scheduler: LRScheduler | None = None,
        *,
        call: Mapping[str, Any] | None = None,
        prepare: Callable[..., Any] | None = None,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise UsageError(
                f"The PyTorch side was given a {type(module).__name__} as its module.",
                "Give it a torch.nn.Module: Side(module, loss, optimizer).",
            )
        check_known(optimizer)
        params = list(module.parameters())
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if not held <= {id(p) for p in params}:
            raise UsageError(
                "The optimizer of the PyTorch side holds parameters that its module does not have.",
                "Make it from this module: torch.optim.SGD(module.parameters(), ...).",
            )
        device = port.only("device", [p.device.type for p in params], self.label)
        self.device = {"cuda": "gpu"}.get(device, device)
        self.dtype = port.only("dtype", [dtype_name(p) for p in params], self.label)
        self._start = Model(module, optimizer).copy(self.dtype)
        self.notes = switch_off_dropout(self._start.module)
        self._schedule = Schedule(optimizer, scheduler)
        self._loss = loss
        self._call = dict(call or {})
        self._prepare = prepare
        self._models: dict[str, Model] = {}
        self._instead: Instead = {}

    def parameters(self) -> dict[str, Tensor]:
        """Describe all parameters, in the order in which they were registered."""
        found = {}
        for name, p in self._start.params.items():
            layer, _, own = name.rpartition(".")
            axes = axes_of(self._start.module.get_submodule(layer), own)
            found[name] = Tensor(tuple(p.shape), axes)
        return found

    def statistics(self) -> dict[str, Tensor]:
        """Describe running means and variances."""
        return {n: Tensor(tuple(b.shape), "features") for n, b in self._start.statistics.items()}

    def rules(self, count: int) -> dict[str, Rule]:
        """Describe what the optimizer does to each parameter after so many steps."""
        names = {id(p): name for name, p in self._start.params.items()}
        optimizer = self._start.optimizer
        rates = self._schedule.rates(count)
        return {
            names[id(p)]: rule_of(optimizer, group, rate)
            for group, rate in zip(optimizer.param_groups, rates, strict=True)
            for p in group["params"]
        }

    def slots(self) -> dict[str, tuple[str, ...]]:
        """Names of what the optimizer keeps, and for which parameters."""
        found: dict[str, tuple[str, ...]] = {}
        for name, rule in self.rules(self._schedule.start).items():
            for slot in port.slot_names(rule):
                found[slot] = (*found.get(slot, ()), name)
        return found

    def state(self) -> State:
        """Return parameters, statistics and the optimizer's state as the user gave them."""
        kept = self._start.optimizer.state.values()
        steps = [int(state["step"]) for state in kept if "step" in state]
        return self._start.state(self.slots(), max([self._schedule.start, *steps]))

    @one_thread()
    def run(self, state: State, batch: Batch, dtype: str) -> Pass:
        """Run forward and backward; see :meth:`samestep.port.Side.run`."""
        model = self._at(dtype)
        model.load(state)
        inputs, targets = self._tensors(batch, model.like)
        trained = {name: p for name, p in model.params.items() if p.requires_grad}
        try:
            with Recorder(model.module) as seen, torch.enable_grad():
                output, loss = self._forward(model.module, inputs, targets)
            _check_loss(loss)
            grads = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"The PyTorch side fails in {dtype}: {one_line(error)}",
                "It is called as module(*inputs), then loss(output, *targets), with the arrays of "
                "the batch.",
            ) from error
        output = output[0] if isinstance(output, tuple) else output
        return Pass(
            activations=seen.outputs,
            output=numbers(output),
            loss=numbers(loss),
            gradients={n: numbers(g) for n, g in zip(trained, grads, strict=True) if g is not None},
            statistics={name: numbers(b) for name, b in model.statistics.items()},
            dtypes=frozenset({*seen.dtypes, dtype_name(output), dtype_name(loss)}),
            inputs=seen.inputs,
        )

    @one_thread()
    def update(self, state: State, gradients: Arrays, dtype: str) -> State:
        """Let the optimizer take a step; see :meth:`samestep.port.Side.update`."""
        model = self._at(dtype)
        model.load(state)
        rates = self._schedule.rates(state.count)
        for group, rate in zip(model.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        model.give(state, gradients)
        model.optimizer.step()
        return model.state(self.slots(), state.count + 1)

    def variations(self, state: State, batch: Batch) -> list[Variation]:
        """List what the calls of PyTorch's functions in the model and the loss could be instead."""
        model = self._at("float64")
        model.load(state)
        inputs, targets = self._tensors(batch, model.like)
        with Places(model.module) as places, Sites(ALTERNATIVES, places) as sites:
            self._forward(model.module, inputs, targets)
        return variations_of(sites.calls, self._doing)

    def rerouted(self, state: State, batch: Batch, layer: str, x: Float64) -> Float64:
        """Give one layer another input; see :meth:`samestep.port.Side.rerouted`."""
        model = self._at("float64")
        model.load(state)
        inputs, targets = self._tensors(batch, model.like)
        found = reroute(model.module.get_submodule(layer), as_tensor(x, model.like))
        with found as outputs, torch.no_grad():
            self._forward(model.module, inputs, targets)
        return numbers(outputs[0])

    @contextlib.contextmanager
    def _doing(self, instead: Instead) -> Iterator[None]:
        """Do some calls otherwise for a while."""
        self._instead = instead
        try:
            yield
        finally:
            self._instead = {}

    def _forward(
        self,
        module: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        targets: tuple[torch.Tensor, ...],
    ) -> tuple[Any, torch.Tensor]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(Deterministic())
            if self._instead:
                places = stack.enter_context(Places(module))
                stack.enter_context(Replaced(ALTERNATIVES, places, self._instead))
            output = module(*inputs, **self._call)
            return output, self._loss(output, *targets)

    def loaded(self, params: Arrays) -> nn.Module:
        """Return a copy of the module that holds these parameters."""
        model = self._start.copy(self.dtype)
        model.load(State(params, {n: numbers(b) for n, b in model.statistics.items()}))
        return model.module

    def _at(self, dtype: str) -> Model:
        if dtype not in self._models:
            self._models[dtype] = self._start.copy(dtype)
        return self._models[dtype]

    def _tensors(
        self, batch: Batch, like: torch.Tensor
    ) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
        ready = batch.prepared(self._prepare)
        inputs, targets = (
            tuple(as_tensor(x, like) for x in arrays) for arrays in (ready.inputs, ready.targets)
        )
        return inputs, targets


def _check_loss(loss: object) -> None:
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise UsageError(
            f"The loss of the PyTorch side returned {shape} where a scalar was expected.",
            "Reduce it: reduction='mean' or 'sum'.",
        )
