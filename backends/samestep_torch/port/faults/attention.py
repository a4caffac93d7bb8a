"""Attention: masks, scales and the axis of the softmax, fused or written out by the user."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from samestep_torch.port.calls import Call
from samestep_torch.port.faults.alternative import Alternative

__all__ = ["attention", "mask", "scale", "softmax"]

_LOW = -1e9
"""What masked scores are often set to, so that a row without any key is no NaN."""


@dataclass(frozen=True)
class _Manner:
    """How attention is done.

    Parameters
    ----------
    invert, masked : bool
        Invert the mask, or use it at all.
    fill : float
        What masked scores become; beside a finite number a row without any key is uniform.
    axis : int
        Of the softmax over scores of shape (..., queries, keys).
    power : float
        The scores are divided by features**power.
    all_heads : bool
        Count the features of all heads, the heads being axis -3.
    """

    invert: bool = False
    masked: bool = True
    fill: float = -math.inf
    axis: int = -1
    power: float = 0.5
    all_heads: bool = False


def _attend_fused(call: Call, manner: _Manner) -> Any:
    """Perform ``scaled_dot_product_attention`` otherwise; a boolean mask keeps what is true.

    Arguments are (query, key, value, attn_mask, dropout_p, is_causal, scale).
    """
    query, key, value = call.args[:3]
    mask = _boolean(call.get("attn_mask", 3))
    if call.get("is_causal", 5, False):
        square = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device)
        mask = square.tril()
    return _perform(query, key, value, mask, call.kwargs.get("scale"), manner)


def _attend_multi_head(call: Call, manner: _Manner) -> Any:
    """Perform ``multi_head_attention_forward`` otherwise, with one width for all.

    Arguments are (query, key, value, features, heads, in_proj_weight, in_proj_bias, ...,
    out_proj_weight, out_proj_bias), the sequence first. A boolean mask drops what is true.
    """
    query, key, value = call.args[:3]
    heads = call.args[4]
    length, batch, features = query.shape
    biases = call.args[6].chunk(3) if call.args[6] is not None else (None,) * 3
    projected = (
        functional.linear(x, w, b)
        for x, w, b in zip((query, key, value), call.args[5].chunk(3), biases, strict=True)
    )
    q, k, v = (x.reshape(len(x), batch, heads, -1).permute(1, 2, 0, 3) for x in projected)
    mask = _kept(call.kwargs.get("attn_mask"), heads)
    padding = call.kwargs.get("key_padding_mask")
    if padding is not None:
        padding = _kept(padding, heads)[:, None, None, :]
        mask = padding if mask is None else mask & padding
    out = _perform(q, k, v, mask, None, manner)
    out = out.permute(2, 0, 1, 3).reshape(length, batch, features)
    return functional.linear(out, *call.args[11:13]), None


def _kept(mask: Any, heads: int) -> Any:
    """Turn a mask of multi-head attention, which drops what is true, into one that keeps it."""
    if mask is None:
        return None
    if mask.ndim == 3:
        mask = mask.reshape(-1, heads, *mask.shape[1:])
    return ~mask if mask.dtype == torch.bool else _boolean(mask)


def _boolean(mask: Any) -> Any:
    """Turn a mask that is added to the scores into one that keeps what is true."""
    if mask is None or mask.dtype == torch.bool:
        return mask
    return mask > -1e3


def _perform(
    query: Any, key: Any, value: Any, mask: Any, scale: float | None, manner: _Manner
) -> Any:
    features = query.shape[-1] * (query.shape[-3] if manner.all_heads else 1)
    usual = manner.power == 0.5 and not manner.all_heads
    factor = scale if usual and scale is not None else features**-manner.power
    scores = query @ key.mT * factor
    if mask is not None and manner.masked:
        kept = ~mask if manner.invert else mask
        scores = scores.masked_fill(~kept, manner.fill)
    return torch.softmax(scores, manner.axis) @ value


def softmax(call: Call) -> Iterator[Alternative]:
    """Other axes."""
    x = call.args[0]
    now = call.get("dim", 1, -1) % x.ndim
    for axis in reversed(range(x.ndim)):
        if axis != now:
            yield Alternative(
                "softmax-axis",
                f"takes the softmax in {{place}} over axis {axis - x.ndim}, where the original "
                f"takes it over axis {now - x.ndim}",
                f"{call.function}(x, axis={now - x.ndim})",
                partial(_softmax_over, axis=axis),
            )


def _softmax_over(call: Call, *, axis: int) -> Any:
    return getattr(functional, call.function)(call.args[0], dim=axis)


def scale(call: Call) -> Iterator[Alternative]:
    """A factor of the scores that is missing, or squared."""
    factor = call.args[1] if len(call.args) > 1 else None
    x = call.args[0]
    if not isinstance(factor, float) or not isinstance(x, torch.Tensor) or x.ndim < 3:
        return
    advice = "scale the scores as the original does, by 1 / sqrt(features of one head)"
    yield Alternative(
        "attention-scale",
        f"leaves out the factor {factor:.4g} in {{place}}",
        advice,
        lambda call: call.args[0],
    )
    yield Alternative(
        "attention-scale",
        f"applies the factor {factor:.4g} in {{place}} twice",
        advice,
        lambda call: call.run(call.run(*call.args), factor),
    )


def mask(call: Call) -> Iterator[Alternative]:
    """A mask that is read the other way round."""
    name, position = ("condition", 0) if call.function == "where" else ("mask", 1)
    given = call.get(name, position)
    if isinstance(given, torch.Tensor) and given.dtype == torch.bool:
        yield Alternative(
            "mask-polarity",
            "reads the mask in {place} the other way round: true where the original has false",
            "invert the mask",
            lambda call: call.again(**{name: (position, ~call.get(name, position))}),
        )


def attention(call: Call) -> Iterator[Alternative]:
    """Masks, scales and the axis of the softmax in fused attention."""
    multi_head = call.function == "multi_head_attention_forward"
    perform = _attend_multi_head if multi_head else _attend_fused
    inverse = (
        "invert it: PyTorch's scaled_dot_product_attention keeps what is true, its "
        "MultiheadAttention masks it out, Flax keeps it"
    )
    scaling = "scale the scores by 1 / sqrt(d), d the features of one head"
    polarity = "reads the attention mask in {place} the other way round"
    queries = (
        "takes the softmax in {place} over the queries, where the original takes it over the keys"
    )
    for id_, text, advice, manner in (
        ("mask-polarity", polarity, inverse, _Manner(invert=True)),
        ("mask-polarity", polarity, inverse, _Manner(invert=True, fill=_LOW)),
        ("mask-ignored", "ignores the attention mask in {place}", "use it", _Manner(masked=False)),
        ("softmax-axis", queries, "softmax over the keys", _Manner(axis=-2)),
        ("softmax-axis", queries, "softmax over the keys", _Manner(axis=-2, fill=_LOW)),
        ("attention-scale", "does not scale the scores in {place}", scaling, _Manner(power=0.0)),
        ("attention-scale", "divides the scores by d in {place}", scaling, _Manner(power=1.0)),
        (
            "attention-scale",
            "scales the scores in {place} by the features of all heads, not of one",
            scaling,
            _Manner(all_heads=True),
        ),
    ):
        yield Alternative(id_, text, advice, partial(perform, manner=manner))
