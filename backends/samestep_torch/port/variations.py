"""What a PyTorch model could do otherwise, gathered from its calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn

from samestep.port import Variation
from samestep_torch.port.calls import LOSS, Call
from samestep_torch.port.faults import ALTERNATIVES

__all__ = ["Instead", "reroute", "variations_of"]

Instead: TypeAlias = dict[int, Callable[[Call], Any]]
"""From the number of a call to what is done in its place."""


def variations_of(
    calls: Sequence[Call], doing: Callable[[Instead], AbstractContextManager[None]]
) -> list[Variation]:
    """List the alternatives of each call, and of all calls that have the same one.

    Parameters
    ----------
    calls : sequence of Call
    doing : callable
        Makes the context in which calls are done otherwise.
    """
    single: list[Variation] = []
    together: dict[tuple[str, str], tuple[str, dict[str, None], Instead]] = {}
    for call in calls:
        for other in ALTERNATIVES[call.function](call):
            place = _shown(call)
            instead: Instead = {call.index: other.do}
            single.append(
                Variation(
                    other.id,
                    call.place,
                    other.text.format(place=place),
                    other.advice.format(place=place),
                    partial(doing, instead),
                )
            )
            _, places, all_of_them = together.setdefault(
                (other.id, other.text), (other.advice, {}, {})
            )
            places[place] = None
            all_of_them |= instead
    every = [
        Variation(
            id_,
            "",
            text.format(place=", ".join(places)),
            advice.format(place=", ".join(places)),
            partial(doing, instead),
        )
        for (id_, text), (advice, places, instead) in together.items()
        if len(instead) > 1
    ]
    return [*single, *every]


@contextlib.contextmanager
def reroute(layer: nn.Module, x: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Give a layer another input, wherever it is given its first one, and collect its outputs."""
    outputs: list[torch.Tensor] = []

    def enter(
        layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        del layer
        first = args[0]

        def other(given: Any) -> Any:
            same = isinstance(given, torch.Tensor) and given.shape == first.shape
            return x if same and torch.equal(given, first) else given

        return tuple(map(other, args)), {name: other(value) for name, value in kwargs.items()}

    def leave(layer: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del layer, args
        outputs.append(output[0] if isinstance(output, tuple) else output)

    handles = [
        layer.register_forward_pre_hook(enter, with_kwargs=True),
        layer.register_forward_hook(leave),
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _shown(call: Call) -> str:
    """Say where a call is: in a layer of its own, or in which model, after which layer."""
    if call.place == LOSS:
        return "the loss"
    inside = (f"layer {call.place}" if call.place.isdigit() else call.place) or "the model"
    return f"{inside}, after {call.after}" if _contains(call.place, call.after) else inside


def _contains(place: str, layer: str) -> bool:
    return bool(layer) and (not place or layer.startswith(f"{place}."))
