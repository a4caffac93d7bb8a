"""Normalisation: epsilons, variances, momenta."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from samestep_torch.port.calls import Call
from samestep_torch.port.faults.alternative import Alternative

__all__ = ["batch_norm", "epsilon", "layer_norm"]

_EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 0.0)
_EPSILON_AT = {"layer_norm": 4, "group_norm": 4, "rms_norm": 3, "instance_norm": 7, "batch_norm": 7}
_MOMENTA = (0.001, 0.01, 0.1, 0.9, 0.99, 0.999)


def epsilon(call: Call) -> Iterator[Alternative]:
    """Other epsilons."""
    now = call.get("eps", _EPSILON_AT[call.function], 1e-5)
    for eps in _EPSILONS:
        if eps != now:
            yield Alternative(
                "epsilon",
                f"uses eps={eps:g} in {{place}}, where the original has {now}",
                f"set the epsilon of {{place}} to {now} in the port",
                partial(_with_epsilon, eps=eps),
            )


def _with_epsilon(call: Call, eps: float) -> Any:
    return call.again(eps=(_EPSILON_AT[call.function], eps))


def layer_norm(call: Call) -> Iterator[Alternative]:
    """Other epsilons, and other formulas for what is divided by.

    Arguments are (input, normalized_shape, weight, bias, eps).
    """
    yield from epsilon(call)
    for correction, outside, what in (
        (1, False, "divides by the unbiased variance"),
        (0, True, "adds eps to the standard deviation, not to the variance,"),
        (1, True, "divides by the unbiased standard deviation plus eps"),
    ):
        yield Alternative(
            "norm-formula",
            f"{what} in {{place}}",
            "use the biased variance with eps below the root in {place}",
            partial(_layer_norm, correction=correction, outside=outside),
        )


def _layer_norm(call: Call, *, correction: int, outside: bool) -> Any:
    x, eps = call.args[0], call.get("eps", 4, 1e-5)
    axes = tuple(range(-len(call.get("normalized_shape", 1)), 0))
    var = x.var(axes, correction=correction, keepdim=True)
    normal = (x - x.mean(axes, keepdim=True)) / (
        var.sqrt() + eps if outside else (var + eps).sqrt()
    )
    weight, bias = call.get("weight", 2), call.get("bias", 3)
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def batch_norm(call: Call) -> Iterator[Alternative]:
    """Other momenta, the biased variance, the other mode, other epsilons.

    Arguments are (input, running_mean, running_var, weight, bias, training, momentum, eps).
    """
    training = call.get("training", 5, False)
    if training and call.get("running_var", 2) is not None:
        yield from _running_statistics(call.get("momentum", 6, 0.1))
    yield from epsilon(call)
    yield Alternative(
        "batchnorm-mode",
        f"uses {'running' if training else 'batch'} statistics in {{place}}, where the original is "
        f"in {'training' if training else 'evaluation'} mode",
        "call both sides in one mode: module.train() or eval(), use_running_average or train",
        lambda call: call.again(training=(5, not training)),
    )


def _running_statistics(now: float) -> Iterator[Alternative]:
    others = [1 - now, *(m for m in _MOMENTA if m not in (now, 1 - now))]
    correct = "multiply the batch variance by n / (n - 1) before it enters the running variance"
    yield Alternative(
        "biased-variance",
        "updates the running variance of {place} with the biased variance of the batch; PyTorch "
        "uses the unbiased one, n / (n - 1) times as large",
        correct,
        partial(_updated, momentum=now, biased=True),
    )
    for biased in (False, True):
        for momentum in others:
            inverse = math.isclose(momentum, 1 - now)
            text = (
                f"updates the statistics of {{place}} with momentum {momentum:g} in PyTorch's "
                f"convention, where the original has {now}"
            )
            text += ": it weighs the old statistics where PyTorch weighs the new" if inverse else ""
            advice = (
                f"PyTorch's momentum {now} is the weight of the new batch; where it is that of the "
                f"old statistics, as in Flax, it must be {1 - now:g}"
            )
            yield Alternative(
                "batchnorm-momentum",
                text + (", and with the biased variance" if biased else ""),
                advice + (f"; {correct}" if biased else ""),
                partial(_updated, momentum=momentum, biased=biased),
            )


def _updated(call: Call, *, momentum: float, biased: bool) -> Any:
    """Normalise as ever, but update the running statistics otherwise."""
    if not biased:
        return call.again(momentum=(6, momentum))
    x, mean, var = call.args[0], call.get("running_mean", 1), call.get("running_var", 2)
    copies = {"running_mean": (1, mean.clone()), "running_var": (2, var.clone())}
    out = call.again(momentum=(6, momentum), **copies)  # autograd keeps what it was given
    axes = [axis for axis in range(x.ndim) if axis != 1]
    with torch.no_grad():
        mean.copy_(copies["running_mean"][1])
        var.mul_(1 - momentum).add_(x.var(axes, correction=0), alpha=momentum)
    return out
