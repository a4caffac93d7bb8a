"""SGD and what stands around it in a training loop."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import SGD

from samestep_torch.ledger.optimizers.following import Formula, Loop, native

__all__ = ["SGDS"]


def plain(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1))


def foreach(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, foreach=True))


def fused(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, fused=True))


def momentum(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9))


def nesterov(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, nesterov=True))


def dampening(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, dampening=0.9))


def decay(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, weight_decay=0.1))


def decay_momentum(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1))


def decay_nesterov(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1))


def decay_decoupled(params: list[Tensor]) -> Loop:
    lr, weight_decay = 0.1, 0.1

    @torch.no_grad()
    def shrink() -> None:
        for p in params:
            p.mul_(1 - lr * weight_decay)

    return Loop(SGD(params, lr=lr, momentum=0.9), before=shrink)


def decay_some(params: list[Tensor]) -> Loop:
    w, b = params
    groups = [{"params": [w], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}]
    return Loop(SGD(groups, lr=0.1, momentum=0.9))


def clip_norm(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1), before=lambda: clip_grad_norm_(params, max_norm=1.0))


def clip_value(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1), before=lambda: clip_grad_value_(params, clip_value=0.5))


def maximize(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, maximize=True))


def maximize_decay(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1, maximize=True))


def together(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1, maximize=True)
    return Loop(optimizer, before=lambda: clip_grad_value_(params, clip_value=0.5))


def rate_change(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    steps = iter(range(1, 51))

    def change() -> None:
        if next(steps) == 20:
            optimizer.param_groups[0]["lr"] = 0.01

    return Loop(optimizer, after=change)


def unused_none(params: list[Tensor]) -> Loop:
    return Loop(SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1))


def unused_zero(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1)
    return Loop(optimizer, set_to_none=False)


def frozen(params: list[Tensor]) -> Loop:
    w, _ = params
    w.requires_grad = False
    return Loop(SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1))


def coarse_velocity(params: list[Tensor]) -> Loop:
    momentum = torch.tensor(0.9, dtype=torch.bfloat16).item()  # 0.8984375

    def update(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> None:
        velocity = momentum * state["momentum_buffer"].bfloat16() + g
        p.sub_(0.1 * velocity)
        state["momentum_buffer"] = velocity.bfloat16()

    return Loop(Formula(params, update, momentum_buffer=0.0))


SGDS = {
    "sgd-plain": native(plain, "SGD()"),
    "sgd-momentum": native(momentum, "SGD(momentum)"),
    "sgd-nesterov": native(nesterov, "SGD(momentum, nesterov)"),
    "sgd-foreach": native(foreach, "SGD(momentum, foreach)"),
    "sgd-fused": native(fused, "SGD(momentum, fused)"),
    "sgd-dampening": native(dampening, "SGD(momentum, dampening)"),
    "sgd-decay": native(decay, "SGD(weight_decay)"),
    "sgd-decay-momentum": native(decay_momentum, "SGD(momentum, weight_decay)"),
    "sgd-decay-nesterov": native(decay_nesterov, "SGD(momentum, nesterov, weight_decay)"),
    "sgd-decay-decoupled": native(decay_decoupled),
    "sgd-decay-some": native(decay_some, "SGD(groups with weight_decay)"),
    "sgd-clip-norm": native(clip_norm, "clip_grad_norm_, SGD"),
    "sgd-clip-value": native(clip_value, "clip_grad_value_, SGD"),
    "sgd-maximize": native(maximize, "SGD(momentum, maximize)"),
    "sgd-maximize-decay": native(maximize_decay, "SGD(weight_decay, maximize)"),
    "sgd-together": native(together, "clip_grad_value_, SGD(...)"),
    "sgd-rate-change": native(rate_change, 'param_groups[0]["lr"] = ...'),
    "sgd-unused-none": native(unused_none, "SGD(...), .grad is None"),
    "sgd-unused-zero": native(unused_zero, "SGD(...), .grad is 0"),
    "sgd-frozen": native(frozen, "requires_grad = False"),
    "sgd-coarse-velocity": native(coarse_velocity),
}
"""Native code of the entries on SGD."""
