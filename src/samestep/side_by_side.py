"""The versions of an exercise's code, and how they lie side by side.

An exercise's fits exist once per framework, as its users write them (:mod:`samestep.native`), and
once in shared code, which is what a run executes. All versions go through the same stages, and say
so in comments of one line, ``# model`` or ``# gradient: forward mode``; these align them.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from samestep.descent import Step
from samestep.experiment import Experiment
from samestep.interface import Backend
from samestep.loss import Objective, get_loss, predict

__all__ = [
    "SHARED",
    "STAGES",
    "Row",
    "align",
    "native_version",
    "shared_version",
    "shown_with",
    "source",
    "versions",
]

STAGES = ("fits", "data", "model", "optimizer", "step", "loss", "gradient", "update", "record")
"""The stages of a version, in the order in which rows are shown."""

SHARED = "shared"
"""Name of the version in shared code."""

Function: TypeAlias = Callable[..., Any]
Part: TypeAlias = Function | tuple[str, Function]
_F = TypeVar("_F", bound=Function)

_PARTS: dict[Function, tuple[Part, ...]] = {}
_MARK = re.compile(rf"\s*# ((?:{'|'.join(STAGES)})(?:: .+)?)")


def shown_with(*parts: Part) -> Callable[[_F], _F]:
    """Say which functions a reader has to see to understand the decorated native version.

    Parameters
    ----------
    *parts : function, or (str, function)
        As for :func:`source`, which shows them below the decorated function.
    """

    def note(function: _F) -> _F:
        _PARTS[function] = parts
        return function

    return note


def versions(exercise: Experiment, backends: Iterable[Backend]) -> dict[str, str]:
    """Collect the versions of an exercise.

    Parameters
    ----------
    exercise : Experiment
    backends : iterable of Backend
        The frameworks to look for a native version in.

    Returns
    -------
    dict of str to str
        Source by name: of each backend that has a native version, and last of :data:`SHARED`.

    Raises
    ------
    OSError
        If a version has no source file.
    """
    found = {}
    for item in backends:
        if f"exercise/{exercise.id}" in item.native and item.name not in found:
            found[item.name] = native_version(item, exercise.id)
    return found | {SHARED: shared_version(exercise)}


def native_version(backend: Backend, exercise: str) -> str:
    """Source of a backend's own version of an exercise, with what is to be shown with it.

    Raises
    ------
    OSError
        If it has no source file.
    """
    version = backend.native[f"exercise/{exercise}"]
    return source(("fits", version), *_PARTS.get(version, ()))


def shared_version(exercise: Experiment) -> str:
    """Source of an exercise's fits, of the losses that they name, and of what trains them.

    Raises
    ------
    OSError
        If the exercise has no source file.
    """
    losses = [get_loss(plan.loss).value for plan in exercise.fits().values()]
    named = [
        f for f in dict.fromkeys(losses) if inspect.isfunction(f) and f.__name__.isidentifier()
    ]
    parts: list[Part] = [("model", predict), *(("loss", f) for f in named)]
    kind = type(exercise)
    fits = kind.typical_fit if kind.fits is Experiment.fits else kind.fits
    return source(("fits", fits), *parts, ("loss", Objective.__call__), Step.__call__)


def source(*parts: Part) -> str:
    """Return the source of some functions, without docstrings, two empty lines between them.

    Parameters
    ----------
    *parts : function, or (str, function)
        A function whose source names no stage comes with its stage, such as
        ``("gradient: forward mode", jacfwd)``.

    Raises
    ------
    ValueError
        If a function goes through its stages in another order than :data:`STAGES`.
    """
    pieces = []
    for part in parts:
        stage, function = part if isinstance(part, tuple) else ("", part)
        code = _code(function)
        order = [_rank(mark[1]) for mark in map(_MARK.fullmatch, code.splitlines()) if mark]
        if order != sorted(order):
            raise ValueError(f"{function.__qualname__} leaves the order {', '.join(STAGES)}.")
        pieces.append(f"# {stage}\n{code}" if stage else code)
    return "\n\n\n".join(pieces) + "\n"


def _code(function: Function) -> str:
    """Source of a function without docstring, :func:`shown_with` and notes to linters."""
    text = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    hidden: list[ast.expr | ast.stmt] = [
        node
        for node in definition.decorator_list
        if isinstance(node, ast.Call) and ast.unparse(node.func) == shown_with.__name__
    ]
    if ast.get_docstring(definition) is not None:
        hidden.append(definition.body[0])
    lines = text.splitlines()
    for node in reversed(hidden):
        del lines[node.lineno - 1 : node.end_lineno]
    code = re.sub(r":\n\n", ":\n", "\n".join(lines), count=1)
    code = re.sub(r"  # (?:type: ignore|noqa).*", "", code)
    # The head of a method does not say whose it is.
    return f"# {function.__qualname__}\n{code}" if "." in function.__qualname__ else code


@dataclass(frozen=True)
class Row:
    """One stage of several versions.

    Parameters
    ----------
    stage : str
    cells : tuple of list of str
        The lines of each version, without the comment that names the stage; empty where a version
        has no such stage.
    """

    stage: str
    cells: tuple[list[str], ...]


def align(sources: Sequence[str]) -> list[Row]:
    """Lay versions side by side, one row per stage.

    A stage begins at a comment of one line: one of :data:`STAGES`, and after a colon perhaps what
    is particular here. It ends at the next one or at two empty lines; the lines from there on, such
    as the head of the next function, belong to the stage that follows. What a version has of one
    stage in several places is put together.

    Parameters
    ----------
    sources : sequence of str
        As :func:`versions` returns them.

    Returns
    -------
    list of Row
        In the order of :data:`STAGES`; of stages that differ in what follows the colon, one that is
        new in a version comes after the one that it follows there.
    """
    blocks = [_blocks(text) for text in sources]
    stages = sorted(_merged(blocks), key=_rank)
    return [Row(stage, tuple(by_stage.get(stage, []) for by_stage in blocks)) for stage in stages]


def _rank(stage: str) -> int:
    return STAGES.index(stage.partition(":")[0])


def _blocks(text: str) -> dict[str, list[str]]:
    """Lines by stage; what comes from different places has an empty line between."""
    blocks: dict[str, list[str]] = {}
    for piece in text.strip("\n").split("\n\n\n"):
        head = block = list[str]()
        for line in piece.splitlines():
            mark = _MARK.fullmatch(line)
            if mark:
                block = blocks.setdefault(mark[1], [])
                if block:
                    block[:] = [*_trimmed(block), ""]
                block.extend(head)
                head = []
            else:
                block.append(line)
        if head:
            raise ValueError(f"No stage is named in: {head[0]}")
    return {stage: _trimmed(lines) for stage, lines in blocks.items()}


def _trimmed(lines: list[str]) -> list[str]:
    """Return lines without the empty ones at their end."""
    return "\n".join(lines).rstrip("\n").splitlines()


def _merged(sequences: Iterable[Iterable[str]]) -> list[str]:
    merged: list[str] = []
    for sequence in sequences:
        place = 0
        for item in sequence:
            if item not in merged:
                merged.insert(place, item)
            place = merged.index(item) + 1
    return merged
