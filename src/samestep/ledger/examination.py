"""One case of a loss, examined: every number of every side beside the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.ledger.adjoint import Adjoint
from samestep.ledger.elements import Finding, Nearness, look
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.sides import Outcome, refer

__all__ = ["Examined", "Point", "examine"]

_KINDS = {
    Nearness.WITHIN: "digits lost",
    Nearness.KINK: "kink",
    Nearness.OUT_OF_RANGE: "out of range",
    Nearness.NOT_FINITE: "not finite",
    Nearness.DIFFERS: "not the formula",
}

Host = npt.NDArray[Any]


@dataclass(frozen=True)
class Point:
    """A single element at which the sides differ.

    Parameters
    ----------
    case, quantity : str
        Where; the quantity is the value or a gradient.
    index : tuple of int
    inputs : str
        What the loss was given there.
    values : mapping
        By side.
    reference : float
        At a kink between the one-sided slopes.
    kind : str
        ``"kink"``, ``"out of range"``, ``"not finite"``, ``"not the formula"`` (one side is not the
        reference) or ``"digits lost"`` (all are within its bound, but one lacks even the leading
        digit).
    dtypes : tuple of str
        Working precisions in which they differ; the values are those of the first.
    """

    case: str
    quantity: str
    index: tuple[int, ...]
    inputs: str
    values: Mapping[str, float]
    reference: float
    kind: str
    dtypes: tuple[str, ...]


@dataclass(frozen=True)
class Examined:
    """A value or gradient of every side, for one case and one reduction.

    Parameters
    ----------
    case : Case
    options : mapping
    dtype, quantity : str
    reference : Adjoint
    arrays, findings : mapping
        By side.
    """

    case: Case
    options: Mapping[str, Any]
    dtype: str
    quantity: str
    reference: Adjoint
    arrays: Mapping[str, Host]
    findings: Mapping[str, Finding]

    def failure(self, side: str) -> str:
        """Say where a side is furthest from the reference; nothing if it is that everywhere.

        Among inputs that are out of the ordinary on purpose, an element is a failure only if no
        side is what the reference is; otherwise it is one of :meth:`points`.
        """
        finding = self.findings[side]
        where = f"{self.case.name}, {self.dtype}"
        if "reduction" in self.options:
            where += f", {self.options['reduction']}"
        if finding.problem:
            return f"{where}: {self.quantity} is {finding.problem}"
        if self.case.adversarial:
            best = np.min([f.nearness for f in self.findings.values() if not f.problem], axis=0)
            failed = (finding.nearness == Nearness.DIFFERS) & (best > Nearness.OUT_OF_RANGE)
        else:
            failed = finding.nearness > Nearness.KINK
        if not failed.any():
            return ""
        with np.errstate(all="ignore"):
            error = np.abs(self.arrays[side] - self.reference.value)
        furthest = np.where(failed, np.nan_to_num(error, nan=np.inf), -1.0).argmax()
        index = np.unravel_index(int(furthest), failed.shape)
        inputs = self._inputs(index)
        return (
            f"{where}: {self.quantity} {self.arrays[side][index]:.9g} instead of "
            f"{self.reference.value[index]:.9g}{' at ' if inputs else ''}{inputs}"
        )

    def points(self) -> Iterator[Point]:
        """Yield the elements at which the sides differ by more than ordinary rounding."""
        findings = self.findings.values()
        if len(findings) < 2 or any(finding.problem for finding in findings):
            return
        nearness = np.max([finding.nearness for finding in findings], axis=0)
        for index in np.ndindex(nearness.shape):
            values = {side: float(array[index]) for side, array in self.arrays.items()}
            if not self._alike(list(values.values()), Nearness(nearness[index]), index):
                yield Point(
                    case=self.case.name,
                    quantity=self.quantity,
                    index=index,
                    inputs=self._inputs(index),
                    values=values,
                    reference=float(self.reference.value[index]),
                    kind=_KINDS[Nearness(nearness[index])],
                    dtypes=(self.dtype,),
                )

    def _alike(self, values: Sequence[float], nearness: Nearness, index: tuple[int, ...]) -> bool:
        """Whether numbers are the same but for rounding, infinities and NaN included."""
        exact, bound = float(self.reference.value[index]), float(self.reference.error[index])
        limits = np.finfo(self.dtype)
        if nearness == Nearness.WITHIN:
            # They agree by the bound. But has one the leading digit, and another not?
            known = bound * 2.0**-53 / float(limits.eps)  # how far off the reference may be
            right = [abs(x - exact) <= abs(exact) / 2 for x in values]
            return all(right) or not any(right) or abs(exact) <= max(known, float(limits.tiny))
        first, size = values[0], max(map(abs, values))
        # Where there is no bound: as if each had been rounded a few times.
        apart = 2 * bound if np.isfinite(bound) else 16 * float(limits.eps) * size
        return all(
            x == first or (math.isnan(x) and math.isnan(first)) or abs(x - first) <= apart
            for x in values
        )

    def _inputs(self, index: Sequence[Any]) -> str:
        """Describe the arguments that belong to an element."""
        shown = []
        for name, x in self.case.arguments.items():
            if 0 < x.ndim <= len(index) and x.shape == self.reference.value.shape[: x.ndim]:
                shown.append(f"{name}={x[tuple(index[: x.ndim])]:g}")
        return ", ".join(shown)


def examine(
    entry: LossEntry, case: Case, dtype: str, outcomes: Mapping[str, Sequence[Outcome]]
) -> Iterator[Examined]:
    """Put what the sides made of a case beside the reference.

    Parameters
    ----------
    entry : LossEntry
    case : Case
    dtype : str
    outcomes : mapping
        By side, one for each reduction.
    """
    for k, options in enumerate(entry.settings(case)):
        for quantity, reference in refer(entry, case, options, dtype).items():
            arrays = {side: found[k][quantity] for side, found in outcomes.items()}
            findings = {side: look(array, reference, dtype) for side, array in arrays.items()}
            yield Examined(case, options, dtype, quantity, reference, arrays, findings)
