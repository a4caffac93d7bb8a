"""Activations, convolutions, pooling, shapes, sums and losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from samestep_torch.port.calls import Call
from samestep_torch.port.faults.alternative import Alternative

__all__ = ["activation", "addition", "convolution", "flatten", "gelu", "loss", "pooling"]

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "leaky_relu with slope 0.01": functional.leaky_relu,
    "leaky_relu with slope 0.2": partial(functional.leaky_relu, negative_slope=0.2),
    "relu6": functional.relu6,
    "no activation": lambda x: x,
}


def activation(call: Call) -> Iterator[Alternative]:
    """Other activations, or none."""
    for name, function in _ACTIVATIONS.items():
        if name != call.function:
            yield Alternative(
                "activation",
                f"has {name} for {call.function} in {{place}}",
                f"use {call.function} there",
                partial(_applied, function=function),
            )


def _applied(call: Call, *, function: Callable[[Any], Any]) -> Any:
    return function(call.args[0])


def gelu(call: Call) -> Iterator[Alternative]:
    """The other flavours of GELU, and other activations."""
    now = call.kwargs.get("approximate", "none")
    other = "none" if now == "tanh" else "tanh"
    names = {"none": "the exact GELU, by erf", "tanh": "the tanh approximation of GELU"}
    advice = f"jax.nn.gelu(x, approximate={now == 'tanh'}); its default is approximate=True"
    yield Alternative(
        "gelu",
        f"uses {names[other]}, in {{place}}, where the original has {names[now]}",
        advice,
        partial(_applied, function=partial(functional.gelu, approximate=other)),
    )
    yield Alternative(
        "gelu",
        "uses the sigmoid approximation of GELU, x * sigmoid(1.702 x), in {place}",
        advice,
        partial(_applied, function=lambda x: x * torch.sigmoid(1.702 * x)),
    )
    yield from activation(call)


def convolution(call: Call) -> Iterator[Alternative]:
    """Other paddings; arguments are (input, weight, bias, stride, padding, dilation, groups)."""
    kernel = tuple(call.get("weight", 1).shape[2:])
    now = call.get("padding", 4, 0)
    advice = f"pad as the original does: padding={now}, the same on both ends of each axis"
    yield Alternative(
        "padding",
        "pads {place} as 'SAME' does, the larger half at the end",
        advice,
        _same_convolution,
    )
    for amount in range(max(kernel) + 1):
        if _tuple(now, len(kernel)) != (amount,) * len(kernel):
            yield Alternative(
                "padding",
                f"pads {{place}} by {amount}{' (VALID)' if not amount else ''}",
                advice,
                partial(_padded, amount=amount),
            )


def _padded(call: Call, *, amount: int) -> Any:
    return call.again(padding=(4, amount))


def _same_convolution(call: Call) -> Any:
    kernel = tuple(call.get("weight", 1).shape[2:])
    stride = _tuple(call.get("stride", 3, 1), len(kernel))
    padded = functional.pad(call.args[0], _same_padding(call.args[0], kernel, stride))
    unpadded = Call(call.function, 0, "", "", call.run, (padded, *call.args[1:]), call.kwargs)
    return unpadded.again(padding=(4, 0))


def _same_padding(x: Any, kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[int]:
    """Amounts that padding to the size ``ceil(n / stride)`` adds, the larger half at the end."""
    amounts: list[int] = []
    sizes = x.shape[-len(kernel) :]
    for n, k, s in zip(reversed(sizes), reversed(kernel), reversed(stride), strict=True):
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        amounts += [total // 2, total - total // 2]
    return amounts


def pooling(call: Call) -> Iterator[Alternative]:
    """Other paddings, and whether a mean counts them."""
    advice = "pad as the original does, the same on both ends of each axis"
    yield Alternative(
        "padding", "pads the pooling in {place} as 'SAME' does", advice, _same_pooling
    )
    if call.function.startswith("avg"):
        counted = call.get("count_include_pad", 5, True)
        yield Alternative(
            "padding",
            f"{'does not count' if counted else 'counts'} the padding in the means of {{place}}",
            f"count_include_pad={counted}",
            lambda call: call.again(count_include_pad=(5, not counted)),
        )


def _same_pooling(call: Call) -> Any:
    x = call.args[0]
    space = int(call.function[-2])
    kernel = _tuple(call.get("kernel_size", 1), space)
    stride = _tuple(call.get("stride", 2) or kernel, space)
    amounts = _same_padding(x, kernel, stride)
    if call.function.startswith("max"):
        return call.run(functional.pad(x, amounts, value=-torch.inf), kernel, stride)
    counts = call.run(functional.pad(torch.ones_like(x), amounts), kernel, stride)
    return call.run(functional.pad(x, amounts), kernel, stride) / counts


def flatten(call: Call) -> Iterator[Alternative]:
    """Channels last."""
    x = call.args[0]
    if isinstance(x, torch.Tensor) and x.ndim > 3:
        yield Alternative(
            "flatten-order",
            "flattens in {place} with the channels last",
            "bring the channels to the second axis before flattening: x.transpose(0, 3, 1, 2)",
            lambda call: call.run(
                call.args[0].movedim(1, -1).contiguous(), *call.args[1:], **call.kwargs
            ),
        )


def addition(call: Call) -> Iterator[Alternative]:
    """A missing residual connection."""
    if len(call.args) != 2 or not all(isinstance(x, torch.Tensor) for x in call.args):
        return
    if call.args[0].shape != call.args[1].shape or call.args[0].ndim < 2:
        return
    for kept, missing in ((0, "second"), (1, "first")):
        yield Alternative(
            "residual",
            f"leaves out the {missing} term of a sum of activations in {{place}}",
            "add the residual connection",
            partial(_one_term, kept=kept),
        )


def _one_term(call: Call, *, kept: int) -> Any:
    return call.args[kept]


def loss(call: Call) -> Iterator[Alternative]:
    """The other reduction."""
    now = call.kwargs.get("reduction", "mean")
    other = {"mean": "sum", "sum": "mean"}.get(now)
    if other:
        yield Alternative(
            "loss-reduction",
            f"takes the {other} in {{place}}, {call.function}, where the original takes the {now}",
            f"take the {now}",
            lambda call: call.run(*call.args, **{**call.kwargs, "reduction": other}),
        )


def _tuple(value: Any, length: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,) * length
