"""RMSprop and Adagrad."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Adagrad, Adam, RMSprop

from samestep_torch.ledger.optimizers.following import Formula, Loop, native

__all__ = ["RMSPROPS"]


def rmsprop(params: list[Tensor]) -> Loop:
    return Loop(RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3))


def rmsprop_foreach(params: list[Tensor]) -> Loop:
    return Loop(RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3, foreach=True))


def rmsprop_eps_inside(params: list[Tensor]) -> Loop:
    def update(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> None:
        v = state["square_avg"].lerp_(g * g, 1 - 0.9)
        p.sub_(0.1 * g / torch.sqrt(v + 1e-3))

    return Loop(Formula(params, update, square_avg=0.0))


def rmsprop_momentum(params: list[Tensor]) -> Loop:
    return Loop(RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3, momentum=0.9))


def rmsprop_momentum_rate(params: list[Tensor]) -> Loop:
    optimizer = RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[20], gamma=0.1)
    return Loop(optimizer, after=scheduler.step)


def rmsprop_nesterov(params: list[Tensor]) -> Loop:
    def update(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> None:
        v = state["square_avg"].lerp_(g * g, 1 - 0.9)
        scaled = g / (torch.sqrt(v) + 1e-3)
        velocity = state["momentum_buffer"].mul_(0.9).add_(scaled)
        p.sub_(0.1 * (scaled + 0.9 * velocity))

    return Loop(Formula(params, update, square_avg=0.0, momentum_buffer=0.0))


def rmsprop_centered(params: list[Tensor]) -> Loop:
    return Loop(RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3, centered=True))


def rmsprop_initial_scale(params: list[Tensor]) -> Loop:
    optimizer = RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3)
    for p in params:
        optimizer.state[p] = {"step": torch.zeros(()), "square_avg": torch.ones_like(p)}
    return Loop(optimizer)


def rmsprop_corrected(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, betas=(0.0, 0.9), eps=1e-3))


def rmsprop_decay(params: list[Tensor]) -> Loop:
    return Loop(RMSprop(params, lr=0.1, alpha=0.9, eps=1e-3, weight_decay=0.1, maximize=True))


def adagrad(params: list[Tensor]) -> Loop:
    return Loop(Adagrad(params, lr=0.1, eps=1e-3, initial_accumulator_value=0.1))


RMSPROPS = {
    "rmsprop-plain": native(rmsprop, "RMSprop()"),
    "rmsprop-foreach": native(rmsprop_foreach, "RMSprop(foreach)"),
    "rmsprop-eps-inside": native(rmsprop_eps_inside, lookalike=("RMSprop()", rmsprop)),
    "rmsprop-momentum": native(rmsprop_momentum, "RMSprop(momentum)"),
    "rmsprop-momentum-rate": native(rmsprop_momentum_rate, "RMSprop(momentum), MultiStepLR"),
    "rmsprop-nesterov": native(rmsprop_nesterov),
    "rmsprop-centered": native(rmsprop_centered, "RMSprop(centered)"),
    "rmsprop-initial-scale": native(
        rmsprop_initial_scale,
        "RMSprop(), its state set",
        converted=True,
        lookalike=("RMSprop()", rmsprop),
    ),
    "rmsprop-corrected": native(
        rmsprop_corrected,
        "Adam(betas=(0, decay))",
        converted=True,
        lookalike=("RMSprop()", rmsprop),
    ),
    "rmsprop-decay": native(rmsprop_decay, "RMSprop(weight_decay, maximize)"),
    "adagrad-plain": native(adagrad, "Adagrad(initial_accumulator_value)"),
}
"""Native code of the entries on RMSprop and Adagrad."""
