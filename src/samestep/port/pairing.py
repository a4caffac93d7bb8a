"""Which parameter of the original is which of the port, and how to carry values across."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from samestep.errors import UsageError, unknown_name
from samestep.port.layout import Rearrangement, candidates
from samestep.port.side import Arrays, Tensor
from samestep.table import Column, Row, Table

__all__ = ["Corrections", "Pair", "Pairing", "Partner", "fused", "given_pairs", "joined"]

Partner: TypeAlias = str | Sequence[str] | tuple[str | Sequence[str], str] | None
Corrections: TypeAlias = Mapping[str | tuple[str, ...], Partner]


@dataclass(frozen=True)
class Pair:
    """One parameter on each side, or one that is split in parts on the other.

    Parameters
    ----------
    original, port : tuple of str
        Several names are parts that are stacked along a first axis, ``part``.
    pattern : str
        Layout rule from the original to the port.
    left, right : tuple of int
        Shapes, those of stacked parts with the axis of the parts.
    reason : str
        Why they are taken for each other.
    """

    original: tuple[str, ...]
    port: tuple[str, ...]
    pattern: str
    left: tuple[int, ...]
    right: tuple[int, ...]
    reason: str

    @cached_property
    def rule(self) -> Rearrangement:
        """The layout rule, ready to use."""
        return Rearrangement(self.pattern, self.left, self.right)


@dataclass(frozen=True)
class Pairing:
    """A mapping of the parameters, or of the statistics, of two sides.

    Parameters
    ----------
    pairs : tuple of Pair
        In the order of the original.
    alone : tuple of str
        Names that the user left out, of either side.
    what : str
        What is paired: parameters or statistics.
    """

    pairs: tuple[Pair, ...]
    alone: tuple[str, ...] = ()
    what: str = "parameters"

    def to_port(self, arrays: Arrays) -> Arrays:
        """Carry values of the original over to the port's names and layouts.

        What is there in part only, such as a slot for some parameters, is carried as far as it is
        whole.
        """
        moved: Arrays = {}
        for pair in self.pairs:
            if all(name in arrays for name in pair.original):
                there = pair.rule.forward(joined([arrays[name] for name in pair.original]))
                moved |= _parted(there, pair.port)
        return moved

    def to_original(self, arrays: Arrays) -> Arrays:
        """Carry values of the port back to the original's names and layouts."""
        moved: Arrays = {}
        for pair in self.pairs:
            if all(name in arrays for name in pair.port):
                back = pair.rule.backward(joined([arrays[name] for name in pair.port]))
                moved |= _parted(back, pair.original)
        return moved

    def prove_round_trip(self) -> None:
        """Carry a numbering of all elements there and back; each must arrive where it was.

        Raises
        ------
        AssertionError
            If one does not, which would be a bug of a layout rule.
        """
        start: Arrays = {}
        count = 0
        for pair in self.pairs:
            numbers = count + np.arange(math.prod(pair.left), dtype=np.float64)
            start |= _parted(numbers.reshape(pair.left), pair.original)
            count += numbers.size
        there = self.to_port(start)
        back = self.to_original(there)
        seen = np.sort(np.concatenate([a.ravel() for a in there.values()] or [np.empty(0)]))
        whole = np.array_equal(seen, np.arange(count)) and start.keys() == back.keys()
        if not (whole and all(np.array_equal(start[name], back[name]) for name in start)):
            raise AssertionError("a layout rule loses elements on the way there and back")

    @property
    def table(self) -> Table:
        """The mapping for a reader: names, shapes, rule and reason."""

        def shown(names: Iterable[str]) -> str:
            return ", ".join(names)

        rows = [
            Row(
                cells=(
                    shown(p.original),
                    str(p.left),
                    shown(p.port),
                    str(p.right),
                    p.pattern,
                    p.reason,
                )
            )
            for p in self.pairs
        ]
        titles = ("original", "shape", "port", "shape", "layout rule", "paired because")
        return Table(
            id=f"port-{self.what}",
            title=f"{self.what.capitalize()}, as they are paired",
            note="To correct a line: mapping={'original name': ('port name', 'layout rule')}."
            + (f" Left out: {shown(self.alone)}." if self.alone else ""),
            columns=tuple(Column(title=title) for title in titles),
            rows=tuple(rows),
        )


def joined(
    parts: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float64]]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Stack several parts along a first axis; one is left as it is."""
    return parts[0] if len(parts) == 1 else np.stack(parts)


def _parted(
    whole: np.ndarray[tuple[int, ...], np.dtype[np.float64]], names: Sequence[str]
) -> Arrays:
    return {names[0]: whole} if len(names) == 1 else dict(zip(names, whole, strict=True))


def fused(names: Sequence[str], known: Mapping[str, Tensor]) -> Tensor:
    """Describe one tensor, or several parts as the tensor that they are when stacked."""
    tensors = [known[name] for name in names]
    if len(tensors) == 1:
        return tensors[0]
    axes = f"part {tensors[0].axes}" if tensors[0].axes else ""
    return Tensor((len(tensors), *tensors[0].shape), axes)


def given_pairs(
    mapping: Corrections, original: Mapping[str, Tensor], port: Mapping[str, Tensor]
) -> tuple[list[Pair], list[str]]:
    """Read the user's corrections.

    Returns
    -------
    pairs, left out

    Raises
    ------
    UsageError
        For names that are not there, parts of different shapes, and rules that do not fit.
    """
    pairs: list[Pair] = []
    alone: list[str] = []
    for key, value in mapping.items():
        names = _names(key, original, "parameter of the original")
        if value is None:
            alone.extend(names)
            continue
        target, pattern = _split(value)
        partners = _names(target, port, "parameter of the port")
        for side, known in ((names, original), (partners, port)):
            shapes = {known[name].shape for name in side}
            if len(shapes) > 1:
                raise UsageError(
                    f"{', '.join(side)} cannot be stacked: their shapes are "
                    f"{', '.join(map(str, sorted(shapes)))}.",
                    "Parts of one parameter have one shape.",
                )
        left, right = fused(names, original), fused(partners, port)
        rules = [pattern] if pattern else candidates(left, right)
        if len(rules) != 1:
            wrong = (
                "fits no known layout rule" if not rules else f"is ambiguous: {' or '.join(rules)}"
            )
            raise UsageError(
                f"The layout of {', '.join(names)} {left.shape} in {', '.join(partners)} "
                f"{right.shape} {wrong}.",
                f"Say it: mapping={{{names[0]!r}: ({partners[0]!r}, 'out in -> in out')}}, "
                "with the rule that is right.",
            )
        Rearrangement(rules[0], left.shape, right.shape)  # raises if it does not fit
        pairs.append(Pair(names, partners, rules[0], left.shape, right.shape, "as you said"))
    return pairs, alone


def _split(
    value: str | Sequence[str] | tuple[str | Sequence[str], str],
) -> tuple[str | Sequence[str], str]:
    """Split partner and layout rule."""
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[1], str)
        and "->" in value[1]
    ):
        return value[0], value[1]
    return value, ""  # type: ignore[return-value]  # a name, or names of parts


def _names(given: str | Sequence[str], known: Mapping[str, Tensor], kind: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in known:
            raise unknown_name(kind, str(name), known)
    return names
