"""Trying the port check on real models: a faithful port must agree, a planted bug must be named.

The models are on ``Backend.native``, by names that begin with ``"port/"``: the original's backend
offers ``original() -> Side``, the port's ``port(bug) -> Side``, faithful without a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from samestep.errors import MissingParticipantError, UsageError, unknown_name
from samestep.port.causes import part_of
from samestep.port.check import port_check
from samestep.port.naming import parent
from samestep.port.result import PortResult
from samestep.port.verdicts import Finding
from samestep.port_bugs import PortTrial
from samestep.registry import backend

__all__ = ["PortTrialResult", "place_of", "side_backends", "try_port"]

_SIDES = "samestep.port"
"""Group of the entry points that name the sides."""

_STEPS = 3
"""As few as show a schedule, a momentum and the running statistics."""

_EXAMPLES = 8


@dataclass(frozen=True)
class PortTrialResult:
    """What the port check said about a port.

    Parameters
    ----------
    trial : PortTrial
    result : PortResult or None
        None if the trial was not run.
    not_run : str
        What it lacked.
    """

    trial: PortTrial
    result: PortResult | None
    not_run: str = ""

    @property
    def caught(self) -> bool:
        """Whether the port was told from a faithful one."""
        return self.result is not None and not self.result.holds

    @property
    def place(self) -> str:
        """The layer of the first divergence, ``loss`` or ``optimizer``; empty if there is none."""
        return place_of(self.result.first) if self.result and self.result.first else ""

    @property
    def located(self) -> bool:
        """Whether the first divergence is where the bug is: in that layer, or in one inside it."""
        return f"{self.place}.".startswith(f"{self.trial.place}.")

    @property
    def cause(self) -> str:
        """Id of the cause that is named first; empty if none fits."""
        return self.result.causes[0].id if self.result and self.result.causes else ""

    @property
    def cause_right(self) -> bool:
        """Whether the cause that is named first is the bug's."""
        return self.cause in self.trial.causes


def place_of(finding: Finding) -> str:
    """Return the layer of a divergence, or ``output``, ``loss`` or ``optimizer``."""
    kind, name = finding.quantity.kind, finding.quantity.name
    if part_of(finding) in ("update", "start"):
        return "optimizer"
    if kind in ("output", "loss"):
        return kind
    return name.partition("#")[0] if kind == "activation" else parent(name)


def try_port(trial: PortTrial) -> PortTrialResult:
    """Check a port against its original, one step on each of a few batches.

    A trial whose port needs a library that is not installed is not run, and says so.

    Raises
    ------
    MissingParticipantError
        If a backend itself is not installed.
    UsageError
        For a model or bug that is not known.
    """
    name = f"port/{trial.model}"
    makers = {role: _maker(native, name) for role, native in _natives().items()}
    try:
        sides = makers["original"](), makers["port"](trial.bug or None)
    except MissingParticipantError as error:
        return PortTrialResult(trial, None, f"{error.message} {error.hint}")
    batches = _BATCHES[trial.model](np.random.default_rng(0))
    return PortTrialResult(
        trial, port_check(*sides, batches, dtype=trial.dtype, leave_out=trial.leave_out)
    )


def side_backends() -> list[str]:
    """Names of the backends that have a side of a port; none of them is imported."""
    return sorted(entry.name for entry in entry_points(group=_SIDES))


def _natives() -> dict[str, Mapping[str, Callable[..., Any]]]:
    """What the backends offer that have a side of a port, by the role of that side."""
    found = {}
    for entry in entry_points(group=_SIDES):
        native = backend(entry.name).native
        found[entry.load().role] = native
    if set(found) != {"original", "port"}:
        raise UsageError(
            f"Registered sides of a port: {', '.join(sorted(found)) or 'none'}.",
            "It needs an original and a port, as entry points of the group samestep.port.",
        )
    return found


def _maker(native: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    if name not in native:
        raise unknown_name("model", name, [n for n in native if n.startswith("port/")])
    return native[name]


def _tables(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for _ in range(_STEPS):
        yield rng.normal(size=(_EXAMPLES, 6)), rng.integers(3, size=_EXAMPLES)


def _images(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for _ in range(_STEPS):
        yield rng.normal(size=(_EXAMPLES, 3, 8, 8)), rng.integers(5, size=_EXAMPLES)


def _sentences(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Tokens, a mask that is true for those that are no padding, and labels, -100 for padding."""
    for _ in range(_STEPS):
        tokens = rng.integers(11, size=(_EXAMPLES, 5))
        mask = np.arange(5) < rng.integers(2, 6, size=(_EXAMPLES, 1))
        labels = np.where(mask, rng.integers(4, size=tokens.shape), -100)
        yield (tokens, mask), labels


_BATCHES = {"mlp": _tables, "cnn": _images, "transformer": _sentences}
