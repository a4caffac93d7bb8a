"""Which intermediate value of the original is which of the port.

Layers are paired by the parameters in them, innermost first; what has no parameters, and what the
user tapped, by name. A guess that turns out wrong cannot hide a divergence: outputs, loss and
gradients are compared whatever the pairing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.errors import UsageError, unknown_name
from samestep.loss import Float64
from samestep.port.naming import Name
from samestep.port.pairing import Pairing
from samestep.port.side import Pass
from samestep.table import Column, Row, Table

__all__ = ["Tap", "Taps", "pair_taps"]

_CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


@dataclass(frozen=True)
class Tap:
    """One intermediate value on each side.

    Parameters
    ----------
    original, port : str
    channels_last : bool
        Whether the port keeps the channels on the last axis where the original has them second.
    given : bool
        Whether the user said so.
    """

    original: str
    port: str
    channels_last: bool
    given: bool

    def to_original(self, value: Float64) -> Float64:
        """Bring the port's value to the axes of the original."""
        if not self.channels_last:
            return value
        return value.transpose(np.argsort(_CHANNELS_LAST[value.ndim]))


@dataclass(frozen=True)
class Taps:
    """All pairs of intermediate values, in the original's order, and what has no partner."""

    pairs: tuple[Tap, ...]
    output: Tap
    alone: tuple[str, ...]
    alone_in_port: tuple[str, ...]

    @property
    def table(self) -> Table:
        """The mapping for a reader."""
        axes = {True: "channels last", False: "same axes"}
        unpaired = ", ".join((*self.alone, *self.alone_in_port))
        return Table(
            id="port-activations",
            title="Layers, as they are paired",
            note="To correct a line: activations={'original name': 'port name'}, or None."
            + (f" Not compared: {unpaired}." if unpaired else ""),
            columns=tuple(Column(title=title) for title in ("original", "port", "axes")),
            rows=tuple(Row(cells=(t.original, t.port, axes[t.channels_last])) for t in self.pairs),
        )


def pair_taps(
    original: Pass, port: Pass, params: Pairing, given: Mapping[str, str | None] | None = None
) -> Taps:
    """Pair the intermediate values of two passes.

    Parameters
    ----------
    original, port : Pass
        On one batch.
    params : Pairing
    given : mapping, optional
        Corrections: name of the original to name of the port, or None to leave one out.

    Raises
    ------
    UsageError
        For names that are not there, and if it is ambiguous where the channels are.
    """
    mine, theirs = original.activations, port.activations
    chosen: dict[str, str] = {}
    for name, partner in (given or {}).items():
        if name not in mine:
            raise unknown_name("layer of the original", name, mine)
        if partner is not None and partner not in theirs:
            raise unknown_name("layer or tap of the port", partner, theirs)
        if partner is not None:
            chosen[name] = partner
    free = [name for name in mine if name not in (given or {})]
    for name, partner in _guessed(free, [n for n in theirs if n not in chosen.values()], params):
        chosen.setdefault(name, partner)
    ordered = {name: chosen[name] for name in mine if name in chosen}
    shapes = {n: (mine[n].shape, theirs[p].shape) for n, p in ordered.items()}
    last = _channels_last({**shapes, "output": (original.output.shape, port.output.shape)})
    return Taps(
        tuple(Tap(n, p, last[n], n in (given or {})) for n, p in ordered.items()),
        Tap("output", "output", last["output"], given=True),
        tuple(name for name in mine if name not in ordered),
        tuple(name for name in theirs if name not in ordered.values()),
    )


def _guessed(mine: list[str], theirs: list[str], params: Pairing) -> list[tuple[str, str]]:
    """Pair by name as it is written, by the parameters inside, and by the words of the name."""
    found: dict[str, str] = {}

    def free(names: list[str], used: set[str]) -> list[str]:
        return [name for name in names if name not in used]

    for name in mine:
        if name.replace(".", "/") in {n.replace(".", "/") for n in theirs}:
            found[name] = next(n for n in theirs if n.replace(".", "/") == name.replace(".", "/"))
    inside = _params_inside(mine, [pair.original for pair in params.pairs], ".")
    inside_port = _params_inside(theirs, [pair.port for pair in params.pairs], "/")
    for name in sorted(free(mine, set(found)), key=_depth, reverse=True):
        partners = [
            p
            for p in free(theirs, set(found.values()))
            if inside[name] and inside[name] == inside_port[p] and _call(p) == _call(name)
        ]
        same = [n for n in mine if inside[n] == inside[name] and _call(n) == _call(name)]
        if partners and name == max(same, key=_depth):
            found[name] = max(partners, key=_depth)
    for name in free(mine, set(found)):
        words = Name.of(name)
        partners = [p for p in free(theirs, set(found.values())) if Name.of(p) == words]
        if len(partners) == 1 and (words.words or words.role):
            found[name] = partners[0]
    return list(found.items())


def _params_inside(
    layers: list[str], groups: list[tuple[str, ...]], separator: str
) -> dict[str, frozenset[int]]:
    """Number the pairs of parameters that lie within each layer, whole."""

    def within(layer: str) -> frozenset[int]:
        prefix = layer.partition("#")[0] + separator
        return frozenset(
            i for i, names in enumerate(groups) if all(n.startswith(prefix) for n in names)
        )

    return {layer: within(layer) for layer in layers}


def _depth(name: str) -> int:
    return name.count(".") + name.count("/")


def _call(name: str) -> str:
    """Which call of the layer it is."""
    return name.partition("#")[2]


def _channels_last(
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]],
) -> dict[str, bool]:
    """Decide where the port keeps its channels: by the shapes, one habit for the whole model."""
    can: dict[str, set[bool]] = {}
    for name, (mine, theirs) in shapes.items():
        order = _CHANNELS_LAST.get(len(mine))
        moved = order and tuple(mine[axis] for axis in order)
        can[name] = {last for last, shape in ((False, mine), (True, moved)) if shape == theirs}
    habits = set().union(*(c for n, c in can.items() if len(c) == 1 and len(shapes[n][0]) > 2))
    unclear = [n for n, c in can.items() if len(c) == 2]
    if unclear and len(habits) != 1:
        name = unclear[0]
        raise UsageError(
            f"The channels of {name} {shapes[name][0]} may be the second axis of the port's "
            f"{shapes[name][1]}, or the last.",
            "Use a batch whose lengths differ, so that the shapes tell; or leave the layer out: "
            f"activations={{{name!r}: None}}.",
        )
    return {n: (c == {True}) or (len(c) == 2 and habits == {True}) for n, c in can.items()}
