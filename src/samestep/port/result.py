"""The answer of a port check, to print, to assert on, and to keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from samestep.port.pairing import Pairing
from samestep.port.taps import Taps
from samestep.port.verdicts import Finding, Row
from samestep.table import Column, Table
from samestep.table import Row as TableRow

__all__ = ["Cause", "Divergence", "PortResult"]

_SHOWN = 3
"""Causes that are printed; the result has them all."""


@dataclass(frozen=True)
class Cause:
    """A known fault under which the original does what the port did.

    Parameters
    ----------
    id : str
    place : str
        The layer or parameter; empty for the whole model or the optimizer.
    text : str
        What the port does, as a clause.
    evidence : str
        What was measured when the original did the same.
    advice : str
        What to change.
    """

    id: str
    place: str
    text: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        """Cause, evidence and remedy."""
        return (
            f"likely cause: {self.text} [{self.id}]\n"
            f"  evidence: {self.evidence}\n"
            f"  to mend it: {self.advice}"
        )


@dataclass(frozen=True)
class Divergence:
    """The first divergence of one part of a step.

    Parameters
    ----------
    finding : Finding
    causes : tuple of Cause
        The known faults that fit, the likeliest first.
    """

    finding: Finding
    causes: tuple[Cause, ...]

    def __str__(self) -> str:
        """The divergence with its likely cause."""
        f = self.finding
        lines = [
            f"step {f.step}, {f.quantity}, element {list(f.element)}",
            *(f"  {name:14} {value!r}" for name, value in zip(f.sides, f.values, strict=True)),
            f"  error {f.error:.3g}, bound {f.bound:.3g}: {f.ratio:.3g} times what rounding does",
        ]
        if not self.causes:
            lines.append("  No known fault fits.")
        for cause in self.causes[:_SHOWN]:
            lines.extend(f"  {line}" for line in str(cause).splitlines())
        return "\n".join(lines)


@dataclass(frozen=True)
class PortResult:
    """What a port check found.

    Parameters
    ----------
    labels : tuple of str
        How the original and the port are called.
    dtype : str
        Working precision.
    steps : int
        Steps that were judged.
    findings : tuple of Finding
        Every comparison, step by step, in the order in which a step makes the quantities.
    rows : tuple of Row
        The same by quantity.
    divergences : tuple of Divergence
        The first of each part of a step (what was given, forward and backward pass, optimizer,
        precision), with its causes; the earliest first.
    parameters, statistics : Pairing
    activations : Taps
    gaps : tuple of float
        After each step, how far the parameters are apart if both sides run freely; not judged.
    notes : tuple of str
    seconds : float
    peak_memory : int
        Of the process, in bytes.
    """

    labels: tuple[str, str]
    dtype: str
    steps: int
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    divergences: tuple[Divergence, ...]
    parameters: Pairing
    statistics: Pairing
    activations: Taps
    gaps: tuple[float, ...]
    notes: tuple[str, ...]
    seconds: float
    peak_memory: int

    @property
    def holds(self) -> bool:
        """Whether the port took the same step as the original, every step."""
        return all(row.holds for row in self.rows)

    @property
    def first(self) -> Finding | None:
        """The first divergence: the earliest step, and in it the first quantity."""
        return self.divergences[0].finding if self.divergences else None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The known faults that fit the first divergence, the likeliest first."""
        return self.divergences[0].causes if self.divergences else ()

    def table(self) -> Table:
        """Every quantity with its largest error, its bound and the verdict."""
        columns = (
            Column(title="layer or parameter"),
            Column(title="quantity"),
            Column(title="largest error", kind="number", form=".2g"),
            Column(title="bound", kind="number", form=".2g"),
            Column(title="verdict", kind="verdict"),
            Column(title="step", kind="number"),
            Column(title="compared"),
        )
        rows = []
        for row in self.rows:
            shown = row.first or row.worst
            if row.holds and row.quantity.kind.startswith("initial"):
                continue
            cells = (
                row.quantity.name,
                row.quantity.kind.replace("_", " "),
                shown.error,
                shown.bound,
                row.holds,
                shown.step,
                " / ".join(shown.sides),
            )
            rows.append(TableRow(cells=cells))
        return Table(
            id="port",
            title=f"{self.labels[1]} against {self.labels[0]}, {self.steps} steps in {self.dtype}",
            note="Of each quantity the comparison that is nearest to its bound, or the first that "
            "is beyond it.",
            columns=columns,
            rows=tuple(rows),
        )

    def tables(self) -> tuple[Table, ...]:
        """The mappings of parameters, statistics and layers, and the table of verdicts."""
        statistics = (self.statistics.table,) if self.statistics.pairs else ()
        return (self.parameters.table, *statistics, self.activations.table, self.table())

    def __str__(self) -> str:
        """The answer in a few lines: the first divergence, the cause and what to change."""
        original, port = self.labels
        steps = f"{self.steps} step{'s' if self.steps != 1 else ''} in {self.dtype}"
        if self.holds:
            worst = max(self.rows, key=lambda row: row.worst.ratio).worst
            lines = [
                f"Same step: {port} did what {original} does, {steps}: {len(self.findings)} "
                "comparisons are within rounding.",
                f"Nearest to its bound: {worst.quantity} at step {worst.step}, error "
                f"{worst.error:.3g}, bound {worst.bound:.3g} ({' / '.join(worst.sides)}).",
            ]
        else:
            lines = [f"Not the same step: {port} and {original} part, {steps}.", *self._parting()]
        gap = f"Free-running gap of the parameters after {self.steps} steps, not judged: "
        lines.extend(
            [
                gap + f"{self.gaps[-1]:.3g}." if self.gaps else "",
                *self.notes,
                f"{self.seconds:.1f} s; peak memory of the process {self.peak_memory >> 20} MiB.",
            ]
        )
        return "\n".join(line for line in lines if line)

    def _parting(self) -> list[str]:
        failed = sum(not row.holds for row in self.rows)
        first, *others = map(str, self.divergences)
        return [
            f"{failed} of {len(self.rows)} quantities diverge.",
            f"First divergence: {first}",
            *(f"Also: {other}" for other in others),
        ]

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>{self.table().to_html()}"

    def to_json(self) -> str:
        """Return verdict, first divergence, causes, table and mappings as JSON."""
        first = self.first
        content: dict[str, Any] = {
            "holds": self.holds,
            "dtype": self.dtype,
            "steps": self.steps,
            "first": first
            and {
                "step": first.step,
                "kind": first.quantity.kind,
                "name": first.quantity.name,
                "error": first.error,
                "bound": first.bound,
                "sides": first.sides,
            },
            "causes": [vars(cause) for cause in self.causes],
            "gaps": self.gaps,
            "notes": self.notes,
            "seconds": self.seconds,
            "peak_memory": self.peak_memory,
            "tables": {t.id: json.loads(t.model_dump_json()) for t in self.tables()},
        }
        return json.dumps(content, indent=1)
