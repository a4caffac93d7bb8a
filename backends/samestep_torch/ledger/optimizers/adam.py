"""Adam and its relatives."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, NAdam

from samestep_torch.ledger.optimizers.following import Formula, Loop, native

__all__ = ["ADAMS"]


def adam(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, betas=(0.9, 0.999), eps=1e-3))


def adam_foreach(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, foreach=True))


def adam_fused(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, fused=True))


def adam_maximize(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, weight_decay=0.1, maximize=True))


def adam_decay(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, weight_decay=0.1))


def adam_decoupled(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, weight_decay=0.1, decoupled_weight_decay=True))


def adamw(params: list[Tensor]) -> Loop:
    return Loop(AdamW(params, lr=0.1, eps=1e-3, weight_decay=0.1))


def adamw_defaults(params: list[Tensor]) -> Loop:
    return Loop(AdamW(params, lr=0.1))


def adamw_some(params: list[Tensor]) -> Loop:
    w, b = params
    groups: list[dict[str, Any]] = [{"params": [w]}, {"params": [b], "weight_decay": 0.0}]
    return Loop(AdamW(groups, lr=0.1, eps=1e-3, weight_decay=0.1))


def adam_rate_change(params: list[Tensor]) -> Loop:
    optimizer = Adam(params, lr=0.1, eps=1e-3)
    steps = iter(range(1, 51))

    def change() -> None:
        if next(steps) == 20:
            optimizer.param_groups[0]["lr"] = 0.01

    return Loop(optimizer, after=change)


def adam_unused(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3))


def amsgrad(params: list[Tensor]) -> Loop:
    return Loop(Adam(params, lr=0.1, eps=1e-3, amsgrad=True))


def nadam(params: list[Tensor]) -> Loop:
    # With this momentum decay the momentum is constant from the first step on.
    optimizer = NAdam(params, lr=0.1, eps=1e-3, momentum_decay=1e6)
    for p in params:
        optimizer.state[p] = {
            "step": torch.zeros(()),
            "mu_product": torch.ones((), dtype=p.dtype),  # float32 otherwise
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
    return Loop(optimizer)


def nadam_shipped(params: list[Tensor]) -> Loop:
    return Loop(NAdam(params, lr=0.1, eps=1e-3))


def adam_eps_root(params: list[Tensor]) -> Loop:
    def update(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> None:
        state["step"] += 1
        m = state["exp_avg"].lerp_(g, 1 - 0.9)
        v = state["exp_avg_sq"].lerp_(g * g, 1 - 0.999)
        m_hat = m / (1 - 0.9 ** state["step"].double()).to(p.dtype)
        v_hat = v / (1 - 0.999 ** state["step"].double()).to(p.dtype)
        p.sub_(0.1 * m_hat / (torch.sqrt(v_hat + 1e-3) + 1e-3))

    return Loop(Formula(params, update, step=0.0, exp_avg=0.0, exp_avg_sq=0.0))


def adam_coarse(params: list[Tensor]) -> Loop:
    b1 = torch.tensor(0.9, dtype=torch.bfloat16).item()  # 0.8984375

    def update(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> None:
        state["step"] += 1
        m = b1 * state["exp_avg"].bfloat16() + (1 - 0.9) * g
        v = state["exp_avg_sq"].lerp_(g * g, 1 - 0.999)
        m_hat = m / (1 - 0.9 ** state["step"].double()).to(p.dtype)
        v_hat = v / (1 - 0.999 ** state["step"].double()).to(p.dtype)
        p.sub_(0.1 * m_hat / (torch.sqrt(v_hat) + 1e-3))
        state["exp_avg"] = m.bfloat16()

    return Loop(Formula(params, update, step=0.0, exp_avg=0.0, exp_avg_sq=0.0))


ADAMS = {
    "adam-plain": native(adam, "Adam()"),
    "adam-foreach": native(adam_foreach, "Adam(foreach)"),
    "adam-fused": native(adam_fused, "Adam(fused)"),
    "adam-decay": native(adam_decay, "Adam(weight_decay)"),
    "adam-maximize": native(adam_maximize, "Adam(weight_decay, maximize)"),
    "adam-decoupled": native(adam_decoupled, "Adam(weight_decay, decoupled_weight_decay)"),
    "adamw": native(adamw, "AdamW(weight_decay)"),
    "adamw-defaults": native(adamw_defaults, "AdamW()"),
    "adamw-some": native(adamw_some, "AdamW(groups with weight_decay)"),
    "adam-rate-change": native(adam_rate_change, 'param_groups[0]["lr"] = ...'),
    "adam-unused-none": native(adam_unused, "Adam(), .grad is None"),
    "adam-amsgrad": native(amsgrad, "Adam(amsgrad)"),
    "adam-nesterov": native(
        nadam,
        "NAdam(momentum_decay=1e6), its state set",
        converted=True,
        lookalike=("NAdam()", nadam_shipped),
    ),
    "adam-eps-root": native(adam_eps_root),
    "adam-coarse": native(adam_coarse),
}
"""Native code of the entries on Adam."""
