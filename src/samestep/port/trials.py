"""Faults of the forward and backward pass, tried on the original.

A fault fits if the original, run with it, does what the port did: the first divergence disappears.
Of those that fit, the one after which most quantities agree is the likeliest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from samestep.errors import UsageError
from samestep.loss import Float64
from samestep.port.lockstep import Step
from samestep.port.observation import Observation, Quantity, View, distance
from samestep.port.result import Cause
from samestep.port.side import Arrays, Batch, State, Tensor, Variation

__all__ = ["SLACK", "Trial", "parameter_trials", "side_trials", "tried"]

SLACK = 16.0
"""How many bounds an explanation may be off: the bounds were estimated without the fault."""


@dataclass(frozen=True)
class Trial:
    """A fault to try.

    Parameters
    ----------
    id, place, text, advice : str
        As of :class:`samestep.port.Variation`.
    observe : callable
        Runs the original with the fault.
    """

    id: str
    place: str
    text: str
    advice: str
    observe: Callable[[], Observation]


def side_trials(view: View, step: Step, suspects: frozenset[str] | None) -> Iterator[Trial]:
    """What the original's framework says could be done otherwise.

    Parameters
    ----------
    view : View
        The original.
    step : Step
    suspects : frozenset of str, optional
        Layers that can have made the first divergence; all if left out.
    """
    state, batch = step.setting.state, step.setting.batch

    def suspected(place: str) -> bool:
        if suspects is None or not place or place.startswith("("):
            return True
        return any(s == place or s.startswith(f"{place}.") for s in suspects)

    for variation in view.side.variations(state, batch):
        if suspected(variation.place):
            yield Trial(
                variation.id,
                variation.place,
                variation.text,
                variation.advice,
                partial(_varied, view, step, variation),
            )


def _varied(view: View, step: Step, variation: Variation) -> Observation:
    with variation.applied():
        return _forward(view, step, step.setting.state, step.setting.batch)


def parameter_trials(view: View, step: Step, suspects: frozenset[str] | None) -> Iterator[Trial]:
    """Parameters that are missing, transposed, flipped or exchanged; masks that are inverted."""
    state, batch = step.setting.state, step.setting.batch
    described = view.side.parameters()
    names = [
        name
        for name in state.params
        if suspects is None or any(name.startswith(f"{layer}.") for layer in suspects)
    ]
    for name in names:
        for id_, text, advice, x in _otherwise(name, described[name], state.params[name]):
            changed = replace(state, params={**state.params, name: x})
            yield Trial(id_, name, text, advice, partial(_forward, view, step, changed, batch))
    for one, other, swapped in _exchanges(names, described, state.params):
        changed = replace(state, params={**state.params, **swapped})
        yield Trial(
            "swapped-parameters",
            one,
            f"has {one} and {other} exchanged",
            "exchange them in the conversion, or correct the mapping",
            partial(_forward, view, step, changed, batch),
        )
    for i, x in enumerate(batch.inputs):
        if x.dtype.kind == "b":
            inverted = replace(
                batch, inputs=(*batch.inputs[:i], np.logical_not(x), *batch.inputs[i + 1 :])
            )
            yield Trial(
                "mask-polarity",
                "",
                f"reads input {i}, a mask, the other way round",
                "invert the mask on the way into the port",
                partial(_forward, view, step, state, inverted),
            )


def _exchanges(
    names: Sequence[str], described: Mapping[str, Tensor], params: Arrays
) -> Iterator[tuple[str, str, Arrays]]:
    """Exchange all that two like layers hold, or two of three fused projections."""
    layers: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, own = name.rpartition(".")
        layers.setdefault(layer, {})[own] = name
    for (one, mine), (other, theirs) in combinations(layers.items(), 2):
        if {own: params[n].shape for own, n in mine.items()} == {
            own: params[n].shape for own, n in theirs.items()
        }:
            pairs = [(mine[own], theirs[own]) for own in mine]
            there = {a: params[b] for a, b in pairs}
            yield one, other, there | {b: params[a] for a, b in pairs}
    for layer, mine in layers.items():
        fused = [name for name in mine.values() if described[name].axes.startswith("(part out)")]
        for i, j in combinations(range(3), 2) if fused else ():
            order = {i: j, j: i}
            swapped = {}
            for name in fused:
                parts = np.split(params[name], 3)
                swapped[name] = np.concatenate([parts[order.get(k, k)] for k in range(3)])
            shown = ("query", "key", "value")
            yield f"the {shown[i]} of {layer}", f"its {shown[j]}", swapped


def _otherwise(name: str, tensor: Tensor, x: Float64) -> Iterator[tuple[str, str, str, Float64]]:
    """List what a port may have in place of a parameter: fault, text, advice, value."""
    norm = tensor.axes == "features"
    if x.ndim == 1:
        if x.any():
            yield (
                "missing-bias",
                f"does not add {name}",
                f"add {name} in the port",
                np.zeros_like(x),
            )
        if norm and not (x == 1).all():
            text = f"does not multiply by {name}"
            yield "missing-scale", text, f"multiply by {name} in the port", np.ones_like(x)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        advice = (
            f"transpose it in the conversion or in the product: PyTorch keeps {name} as (out, in) "
            "and computes x @ W.T"
        )
        yield "transposed-kernel", f"uses {name} transposed", advice, x.T
    if x.ndim > 2 and tensor.axes.startswith("out in"):
        space = tuple(range(2, x.ndim))
        yield (
            "flipped-kernel",
            f"uses {name} flipped: a convolution where PyTorch correlates",
            "do not flip the kernel; lax.conv_general_dilated correlates, too",
            np.flip(x, space),
        )
        advice = "convert (out, in, h, w) to (h, w, in, out)"
        if len(space) > 1 and x.shape[-1] == x.shape[-2]:
            text = f"uses {name} with height and width exchanged"
            yield "transposed-kernel", text, advice, x.swapaxes(-1, -2)
        if x.shape[0] == x.shape[1]:
            text = f"uses {name} with input and output channels exchanged"
            yield "transposed-kernel", text, advice, x.swapaxes(0, 1)


def tried(
    trial: Trial, step: Step, wrong: dict[Quantity, float], first: Quantity, label: str
) -> tuple[int, Cause] | None:
    """Try a fault; return how many quantities it explains, and the cause, if it fits.

    Parameters
    ----------
    trial : Trial
    step : Step
    wrong : dict of Quantity to float
        Every quantity that diverges, with its error.
    first : Quantity
        The first of them, which must be explained.
    label : str
        Name of the original.
    """
    original, port = step.referee
    try:
        seen = trial.observe()
    except UsageError:
        return None  # a fault that this model cannot have: its shapes do not allow it
    explained = []
    for quantity in original.seen:
        if quantity not in seen or quantity not in port.seen:
            continue
        bound = original.spread.bound(quantity) + port.spread.bound(quantity)
        if distance(seen[quantity], port.seen[quantity]) <= SLACK * bound:
            explained.append(quantity)
    if first not in explained:
        return None
    mended = sum(quantity in explained for quantity in wrong)
    error = distance(seen[first], port.seen[first])
    before = "another shape" if np.isinf(wrong[first]) else f"{wrong[first]:.3g}"
    evidence = (
        f"with this in the {label} side, {first} is off by {error:.2g} instead of {before}, and "
        f"{mended} of the {len(wrong)} quantities that diverge agree"
    )
    cause = Cause(trial.id, trial.place, trial.text, evidence, trial.advice)
    return len(explained), cause


def _forward(view: View, step: Step, state: State, batch: Batch) -> Observation:
    return view.forward(state, batch, step.referee[0].dtype)[0]
