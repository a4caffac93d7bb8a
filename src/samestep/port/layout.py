"""Layouts of parameters, and how one becomes another, in the notation of einops.

``"out in -> in out"`` transposes a dense weight; ``"(heads head) in -> in heads head"`` splits its
rows by attention heads. Both directions follow from the one pattern.
"""

from __future__ import annotations

import math
import re
from itertools import permutations

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.port.side import Tensor

__all__ = ["Rearrangement", "candidates"]

_SPATIAL = ("w", "h w", "d h w")

_KNOWN = {
    "out in": (
        "out in -> in out",
        "out in -> out in",
        "(heads head) in -> in heads head",
        "out (heads head) -> heads head out",
    ),
    "out": (
        "out -> out",
        "(heads head) -> heads head",
        *(f"out -> out{' 1' * n}" for n in (1, 2, 3)),
    ),
    "features": ("features -> features",),
    "vocab features": ("vocab features -> vocab features",),
    "(part out) in": (
        "out in -> in out",
        "out in -> out in",
        "(part out) in -> part in out",
        "(part out) in -> part out in",
        "(part out) in -> in part out",
        "(part heads head) in -> part in heads head",
        "(part heads head) in -> in part heads head",
    ),
    "(part out)": (
        "out -> out",
        "(part out) -> part out",
        "(part heads head) -> part heads head",
    ),
    "part out in": (
        "part out in -> in (part out)",
        "part out in -> (part out) in",
        "part out in -> in part out",
        "part out in -> part in out",
        "part out in -> part out in",
        "part (heads head) in -> in part heads head",
        "part (heads head) in -> part in heads head",
    ),
    "part out": (
        "part out -> (part out)",
        "part out -> part out",
        "part (heads head) -> part heads head",
    ),
    **{
        f"out in {space}": (
            f"out in {space} -> {space} in out",
            f"out in {space} -> out in {space}",
        )
        for space in _SPATIAL
    },
}
"""Layouts in which a port may keep a parameter, by the axes that the original gives it."""


class Rearrangement:
    """A reordering of the elements of an array.

    Parameters
    ----------
    pattern : str
        ``"left -> right"``; brackets join axes, ``1`` is an axis of length one.
    left, right : tuple of int
        The shapes, from which the lengths of the axes follow.

    Raises
    ------
    UsageError
        If the pattern cannot be read or does not fit the shapes.
    """

    def __init__(self, pattern: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        self.pattern = pattern
        sides = pattern.split("->")
        if len(sides) != 2:
            raise UsageError(
                f"{pattern!r} is no layout rule.", "Write it like 'out in -> in out', as in einops."
            )
        self._groups = tuple(_parse(text, pattern) for text in sides)
        self._shapes = (left, right)
        self._axes = tuple([axis for group in groups for axis in group] for groups in self._groups)
        lone = sorted(set(self._axes[0]) ^ set(self._axes[1]))
        if lone:
            raise UsageError(
                f"The axes {', '.join(lone)} of {pattern!r} stand on one side only.",
                "Name each axis on both sides.",
            )
        self._sizes = _solve(self._groups, self._shapes, pattern)

    def forward(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Rearrange from left to right."""
        return self._move(x, 0, 1)

    def backward(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Rearrange from right to left."""
        return self._move(x, 1, 0)

    def _move(self, x: npt.NDArray[np.float64], start: int, end: int) -> npt.NDArray[np.float64]:
        split = x.reshape([self._sizes[axis] for axis in self._axes[start]])
        order = [self._axes[start].index(axis) for axis in self._axes[end]]
        return split.transpose(order).reshape(self._shapes[end])


def candidates(left: Tensor, right: Tensor) -> list[str]:
    """List the patterns by which one tensor may become another.

    Where the original's axes are unknown, an equal shape is taken as it is, and another shape by
    the permutations that fit.
    """
    if left.axes in _KNOWN:
        patterns = [
            pattern for pattern in _KNOWN[left.axes] if right.axes in ("", *_names_of_axes(pattern))
        ]
    elif left.shape == right.shape:
        axes = " ".join(f"a{i}" for i in range(len(left.shape)))
        patterns = [f"{axes} -> {axes}"]
        if right.axes == "in out":  # the port's is a dense weight, so the original's may be either
            patterns = ["out in -> in out", "in out -> in out"]
    elif len(left.shape) == len(right.shape):
        names = [f"a{i}" for i in range(len(left.shape))]
        patterns = [f"{' '.join(names)} -> {' '.join(order)}" for order in permutations(names)]
    else:
        patterns = []
    return [pattern for pattern in patterns if _fits(pattern, left.shape, right.shape)]


def _names_of_axes(pattern: str) -> tuple[str, str]:
    """Name the axes of the right side; fused query, key and value count as one projection, too."""
    right = pattern.partition("-> ")[2]
    return right, re.sub(r"\(part (\w+)\)", r"\1", right)


def _fits(pattern: str, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    try:
        Rearrangement(pattern, left, right)
    except UsageError:
        return False
    return True


def _parse(text: str, pattern: str) -> list[list[str]]:
    """Split one side into groups of axes; an axis of length one is an empty group."""
    groups = []
    for bracket, single in re.findall(r"\(([^()]*)\)|(\S+)", text):
        names = bracket.split() if bracket else ([] if single == "1" else [single])
        if not all(name.isidentifier() for name in names):
            raise UsageError(
                f"{pattern!r} is no layout rule.", "Write it like 'out in -> in out', as in einops."
            )
        groups.append(names)
    return groups


def _solve(
    groups: tuple[list[list[str]], ...], shapes: tuple[tuple[int, ...], ...], pattern: str
) -> dict[str, int]:
    """Find the length of each axis from the two shapes."""
    misfit = UsageError(
        f"The layout rule {pattern!r} does not fit the shapes {shapes[0]} and {shapes[1]}.",
        "Give a rule whose axes multiply to these lengths, one group for each axis.",
    )
    equations: list[tuple[list[str], int]] = []
    for side, shape in zip(groups, shapes, strict=True):
        if len(side) != len(shape):
            raise misfit
        equations.extend(zip(side, shape, strict=True))
    sizes: dict[str, int] = {}
    for _ in equations:  # each round settles an axis, or nothing is left to settle
        for names, length in equations:
            unknown = [name for name in names if name not in sizes]
            rest = math.prod(sizes[name] for name in names if name in sizes)
            if len(unknown) == 1 and rest and length % rest == 0:
                sizes[unknown[0]] = length // rest
    for names, length in equations:
        if any(n not in sizes for n in names) or math.prod(sizes[n] for n in names) != length:
            raise misfit
    return sizes
