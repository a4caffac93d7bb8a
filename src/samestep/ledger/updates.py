"""The proof of an optimizer: each recorded step beside the rule, from the state before it.

Both sides follow the same gradients. From the recorded parameters and state before each step the
rule computes what comes after it in float64, with a bound on what rounding can do in one step
(:mod:`samestep.ledger.tape`). So a difference is found in the step that makes it, and is not mixed
up with those before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samestep.errors import one_line
from samestep.interface import DTYPES
from samestep.ledger.adjoint import Adjoint
from samestep.ledger.elements import Nearness, look
from samestep.ledger.native import Exhibit
from samestep.ledger.optimizer_entry import Course, OptimizerEntry, OptimizerNative, Record, Rule
from samestep.ledger.tape import Tape
from samestep.registry import backend

__all__ = ["OptimizerProof", "OptimizerSide", "Parting", "check", "prove_update"]


@dataclass(frozen=True)
class Parting:
    """The first number that is not what a rule says.

    Parameters
    ----------
    dtype : str
    step : int
    element : str
    found, expected, bound : float
    problem : str
        What is wrong with the array as a whole.
    """

    dtype: str
    step: int
    element: str
    found: float
    expected: float
    bound: float
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"{self.element} is {self.problem}"
        when = f"after step {self.step}" if self.step >= 0 else "before the first step"
        return (
            f"{self.element} {when} is {self.found:.9g} instead of {self.expected:.9g} +- "
            f"{self.bound:.1g} ({self.dtype})"
        )


@dataclass
class OptimizerSide:
    """What was found about one side.

    Parameters
    ----------
    native : Exhibit
    ratio, error, relative : dict
        By dtype: the largest error over its bound, the largest error, and the largest relative
        error, of any number of any step.
    failure : str
        Where it is not what the rule says; empty if it is everywhere.
    differs : str, optional
        Where the like-named code is not what the rule says; empty if it is everywhere.
    misdescribed : str
        Where the like-named code is not what the entry says of it.
    """

    native: Exhibit
    ratio: dict[str, float] = field(default_factory=dict)
    error: dict[str, float] = field(default_factory=dict)
    relative: dict[str, float] = field(default_factory=dict)
    failure: str = ""
    differs: str | None = None
    misdescribed: str = ""


@dataclass(frozen=True)
class OptimizerProof:
    """Everything that was found about a setting of an optimizer.

    Parameters
    ----------
    sides : mapping
        By backend.
    gap : dict
        By dtype: largest difference of the sides' parameters over the whole course, relative to the
        largest parameter; reported, not judged.
    numbers : int
        How many numbers of all sides were compared with the rule.
    """

    sides: Mapping[str, OptimizerSide]
    gap: dict[str, float]
    numbers: int


@dataclass(frozen=True)
class Checked:
    """A record beside a rule."""

    parting: Parting | None
    ratio: float
    error: float
    relative: float
    numbers: int


def check(
    record: Record, rule: Rule, course: Course, dtype: str, initial: Mapping[str, float]
) -> Checked:
    """Judge each step of a record by a rule.

    State that the rule does not know is not judged: what it does shows in the parameters.

    Raises
    ------
    KeyError
        If the rule needs state that was not recorded.
    """
    tape = Tape(dtype)
    before = {name: tape.constant(values[:-1]) for name, values in record.items()}
    with np.errstate(all="ignore"):
        after = rule(tape, course, before)
    partings, findings = [], []
    for name, reference in after.items():
        values = record[name][1:]
        adjoint = Adjoint(reference.value, reference.error, np.zeros(reference.shape))
        finding = look(values, adjoint, dtype)
        findings.append(finding)
        if finding.problem:
            nan = float("nan")
            partings.append(Parting(dtype, -1, name, nan, nan, nan, finding.problem))
        elif finding.worst > Nearness.WITHIN:
            index = tuple(int(i) for i in np.argwhere(finding.nearness)[0])
            inner = "".join(f"[{i}]" for i in index[1:])
            partings.append(
                Parting(
                    dtype,
                    index[0],
                    name + inner,
                    float(values[index]),
                    float(reference.value[index]),
                    float(reference.error[index]),
                )
            )
        expected = _start(name, course, initial)
        if not np.array_equal(record[name][0], expected.astype(dtype)):
            first, wanted = record[name][0].ravel()[0], expected.ravel()[0]
            partings.append(Parting(dtype, -1, name, float(first), float(wanted), 0.0))
    return Checked(
        # Of what parts in the same step, parameters come before state.
        min(partings, key=lambda p: (p.step, " " in p.element), default=None),
        max(finding.ratio for finding in findings),
        max(finding.error for finding in findings),
        max(finding.relative for finding in findings),
        sum(finding.nearness.size for finding in findings),
    )


def _start(name: str, course: Course, initial: Mapping[str, float]) -> Any:
    if name in course.start:
        return course.start[name]
    kind, _, parameter = name.partition(" ")
    return np.full_like(course.start[parameter], initial.get(kind, 0.0))


def prove_update(entry: OptimizerEntry, natives: Mapping[str, OptimizerNative]) -> OptimizerProof:
    """Prove an entry in every working precision.

    Parameters
    ----------
    entry : OptimizerEntry
    natives : mapping
        The code of each side, by backend.
    """
    sides = {name: OptimizerSide(native.exhibit()) for name, native in natives.items()}
    gap: dict[str, float] = {}
    numbers = 0
    for dtype in DTYPES:
        records: dict[str, Record] = {}
        for name, side in sides.items():
            native = natives[name]
            checked, raised = _try(entry, name, native.call, native, dtype, entry.rule)
            if checked is None:
                side.failure = side.failure or raised
                continue
            found, records[name] = checked
            side.ratio[dtype], side.error[dtype] = found.ratio, found.error
            side.relative[dtype] = found.relative
            numbers += found.numbers
            if found.parting:
                side.failure = side.failure or str(found.parting)
        gap[dtype] = _gap(entry.course, list(records.values()))
    for name, side in sides.items():
        if side.native.lookalike:
            side.differs = _difference(entry, name, natives[name], entry.rule)
            if entry.instead:
                side.misdescribed = _difference(entry, name, natives[name], entry.instead)
    return OptimizerProof(sides, gap, numbers)


def _try(
    entry: OptimizerEntry,
    side: str,
    call: Callable[..., Any],
    native: OptimizerNative,
    dtype: str,
    rule: Rule,
) -> tuple[tuple[Checked, Record] | None, str]:
    """Follow the course and judge it; what a framework raises is a finding."""
    try:
        record = _followed(native.follow, call, entry.course, side, dtype)
    except Exception as error:  # noqa: BLE001  # whatever a framework may raise
        return None, one_line(error)
    try:
        return (check(record, rule, entry.course, dtype, entry.initial), record), ""
    except KeyError as missing:
        return None, f"keeps no {missing.args[0]!r}"


@functools.lru_cache(maxsize=1024)
def _followed(
    follow: Callable[..., Record], call: Callable[..., Any], course: Course, side: str, dtype: str
) -> Record:
    """Follow a course, once for all entries and rules that share the code."""
    return follow(backend(side, dtype=dtype), call, course)


def _difference(entry: OptimizerEntry, side: str, native: OptimizerNative, rule: Rule) -> str:
    """Say where the like-named code first leaves a rule; nothing if nowhere.

    The precision in which differences show best is tried first.
    """
    if native.lookalike is None:
        return ""
    for dtype in reversed(DTYPES):
        checked, raised = _try(entry, side, native.lookalike.call, native, dtype, rule)
        if checked is None:
            return raised
        if checked[0].parting:
            return str(checked[0].parting)
    return ""


def _gap(course: Course, records: list[Record]) -> float:
    """Largest difference between records of the parameters, relative to the largest of them."""
    if len(records) < 2:
        return float("nan")
    first, *others = records
    size = max(float(np.abs(first[name]).max()) for name in course.start)
    return max(
        float(np.abs(first[name].astype(np.float64) - other[name]).max()) / size
        for other in others
        for name in course.start
    )
