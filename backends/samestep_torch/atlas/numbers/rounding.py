"""Sums, narrow types, saturated tails."""

import torch
from torch.func import grad
from torch.nn import functional

from samestep.probes import Natives

native = Natives()


@native
def bfloat16_sum() -> object:
    return torch.ones(4096, dtype=torch.bfloat16).sum().float()


@native
def bfloat16_running_sum() -> object:
    return torch.ones(4096, dtype=torch.bfloat16).cumsum(0)[-1].float()


@native
def bfloat16_product() -> object:
    ones = torch.ones(4096, dtype=torch.bfloat16)
    return (ones @ ones).float()


@native
def float16_mean() -> object:
    return torch.full((100,), 1000.0, dtype=torch.float16).mean()


@native
def float16_sum_overflow() -> object:
    return torch.full((100,), 1000.0, dtype=torch.float16).sum()


@native
def sum_with_cancellation() -> object:
    return torch.tensor([1e8, 1.0, -1e8]).sum()


@native
def sum_of_tenths() -> object:
    return torch.full((1_000_000,), 0.1).sum()


@native
def default_variance() -> object:
    return torch.tensor([1.0, 3.0]).var()


@native
def variance_far_from_zero() -> object:
    return torch.tensor([10_000.0, 10_001.0, 10_002.0]).var(correction=0)


@native
def log_of_sigmoid() -> object:
    return grad(lambda x: torch.log(torch.sigmoid(x)))(torch.tensor(-100.0))


@native
def stable_log_sigmoid() -> object:
    return grad(functional.logsigmoid)(torch.tensor(-100.0))


@native
def sigmoid_tail() -> object:
    return grad(torch.sigmoid)(torch.tensor(20.0))


@native
def tanh_tail() -> object:
    return grad(torch.tanh)(torch.tensor(10.0))


@native
def log_of_softmax() -> object:
    return torch.log(torch.softmax(torch.tensor([0.0, -200.0]), dim=0))


@native
def softmax_of_large_logits() -> object:
    return torch.softmax(torch.tensor([1000.0, 0.0]), dim=0)


@native
def sine_of_a_large_number() -> object:
    return torch.sin(torch.tensor(1e10))
