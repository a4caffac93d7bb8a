"""The fairness gate: may the times of two contenders be put into a ratio?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Condition", "Conditions", "Ruling", "rule"]

Condition: TypeAlias = Literal[
    "work", "precision", "device", "threads", "recording", "compile effort", "stacking"
]


@dataclass(frozen=True)
class Conditions:
    """Under what conditions a contender's time was taken.

    Parameters
    ----------
    name : str
        Who it was.
    problem : str
        Why it has not proved parity; empty if it has.
    dtype : str
        Precision of its results.
    device : str
    threads : int
        Threads that were at work, from CPU over wall seconds.
    recording : {"every step", "final"}
        What it returned.
    compiler : str
        ``"none"``, or the one it has.
    does_more : str
        What it does beyond the work.
    stacked : bool
        Whether many fits were done at once.
    """

    name: str
    problem: str
    dtype: str
    device: str
    threads: int
    recording: str
    compiler: str
    does_more: str
    stacked: bool


@dataclass(frozen=True)
class Ruling:
    """What the gate says of a pair.

    Parameters
    ----------
    refusals : tuple of str
        What stands against a ratio, one sentence each; none: it may be printed.
    named : tuple of str
        Conditions that differ because they are what is compared; they are printed beside it.
    """

    refusals: tuple[str, ...]
    named: tuple[str, ...]

    @property
    def fair(self) -> bool:
        """Whether the ratio may be printed."""
        return not self.refusals


def rule(a: Conditions, b: Conditions, compared: Collection[Condition] = ()) -> Ruling:
    """Say whether two times may be compared.

    Both must have proved parity, whatever is compared. Of the conditions those in ``compared`` may
    differ, and are then named.

    Parameters
    ----------
    a, b : Conditions
    compared : collection of str
        The conditions that are the very thing compared.
    """
    refusals = [f"{side.name}: {side.problem}" for side in (a, b) if side.problem]
    named = []
    for condition, difference in _differences(a, b).items():
        if condition in compared:
            named.append(difference)
        else:
            refusals.append(f"{condition} differs: {difference}")
    return Ruling(tuple(refusals), tuple(named))


def _differences(a: Conditions, b: Conditions) -> dict[Condition, str]:
    """Describe the conditions that differ."""

    def against(x: object, y: object) -> str:
        return f"{x} against {y}"

    found: dict[Condition, str] = {}
    if a.does_more != b.does_more:
        more = [f"{side.name} {side.does_more}" for side in (a, b) if side.does_more]
        found["work"] = ", ".join(more)
    if a.dtype != b.dtype:
        found["precision"] = against(a.dtype, b.dtype)
    if a.device != b.device:
        found["device"] = against(a.device, b.device)
    if a.threads != b.threads:
        found["threads"] = against(a.threads, b.threads)
    if a.recording != b.recording:
        found["recording"] = against(a.recording, b.recording)
    effort = [side.compiler != "none" for side in (a, b)]
    if effort[0] != effort[1]:
        found["compile effort"] = against(*("compiled" if c else "eager" for c in effort))
    if a.stacked != b.stacked:
        found["stacking"] = against(*("stacked" if s.stacked else "one by one" for s in (a, b)))
    return found
