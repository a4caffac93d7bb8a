"""Schedules of the learning rate, stepped after every update."""

from __future__ import annotations

from torch import Tensor
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)

from samestep_torch.ledger.optimizers.following import Loop, native

__all__ = ["SCHEDULES"]


def exponential(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=ExponentialLR(optimizer, gamma=0.9).step)


def staircase(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=StepLR(optimizer, step_size=10, gamma=0.5).step)


def milestones(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=MultiStepLR(optimizer, milestones=[10, 30], gamma=0.1).step)


def warmup(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    scheduler = LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=10)
    return Loop(optimizer, after=scheduler.step)


def polynomial(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=PolynomialLR(optimizer, total_iters=40, power=2.0).step)


def cosine(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=CosineAnnealingLR(optimizer, T_max=50, eta_min=0.001).step)


def cosine_past_the_end(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    return Loop(optimizer, after=CosineAnnealingLR(optimizer, T_max=20, eta_min=0.001).step)


def restarts(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2, eta_min=0.001)
    return Loop(optimizer, after=scheduler.step)


def warmup_cosine(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    warmup = LinearLR(optimizer, start_factor=0.1, total_iters=10)
    cosine = CosineAnnealingLR(optimizer, T_max=40, eta_min=0.001)
    scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[10])
    return Loop(optimizer, after=scheduler.step)


def one_cycle(params: list[Tensor]) -> Loop:
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    scheduler = OneCycleLR(
        optimizer, max_lr=0.1, total_steps=50, pct_start=0.4, cycle_momentum=False
    )
    return Loop(optimizer, after=scheduler.step)


SCHEDULES = {
    "schedule-exponential": native(exponential, "ExponentialLR"),
    "schedule-staircase": native(staircase, "StepLR"),
    "schedule-milestones": native(milestones, "MultiStepLR"),
    "schedule-warmup": native(warmup, "LinearLR"),
    "schedule-polynomial": native(polynomial, "PolynomialLR"),
    "schedule-cosine": native(cosine, "CosineAnnealingLR"),
    "schedule-cosine-past-end": native(cosine_past_the_end, "CosineAnnealingLR"),
    "schedule-restarts": native(restarts, "CosineAnnealingWarmRestarts"),
    "schedule-warmup-cosine": native(warmup_cosine, "SequentialLR(LinearLR, CosineAnnealingLR)"),
    "schedule-one-cycle": native(one_cycle, "OneCycleLR"),
}
"""Native code of the entries on schedules."""
