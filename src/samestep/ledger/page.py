"""A proven loss, as a row of the ledger, as a page of its own, and as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from samestep.interface import DTYPES
from samestep.ledger.book import number
from samestep.ledger.examination import Point
from samestep.ledger.loss_entry import LossEntry
from samestep.ledger.proof import Proof, SideProof
from samestep.ledger.verdict import Side, Verdict, decide
from samestep.table import Cell, Column, Detail, Row

__all__ = ["LossPage", "columns"]


def columns(sides: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of the ledger of losses."""
    return (
        Column(title="loss"),
        *(Column(title=side, kind="code") for side in sides),
        Column(title="verdict", kind="verdict"),
        Column(title="conversion"),
        Column(title="error/bound", kind="number", form=".2f"),
        Column(title="differ at", kind="number"),
    )


@dataclass(frozen=True)
class _Spot:
    """Points of one kind, in one quantity of one case."""

    first: Point
    count: int

    def text(self) -> str:
        point = self.first
        inputs = f", at {point.inputs}" if point.inputs else ""
        values = ", ".join(f"{side} {value:.6g}" for side, value in point.values.items())
        many = f"; {self.count} such elements" if self.count > 1 else ""
        dtypes = "" if len(point.dtypes) == len(DTYPES) else f" ({', '.join(point.dtypes)})"
        return (
            f"{point.kind}{dtypes}: {point.quantity}{inputs}: {values}; "
            f"reference {point.reference:.6g} [{point.case}{many}]"
        )


@dataclass(frozen=True)
class LossPage:
    """A loss with its proof.

    Parameters
    ----------
    entry : LossEntry
    proof : Proof
    """

    entry: LossEntry
    proof: Proof

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        sides = [
            Side(
                shipped=bool(side.native.public),
                converted=side.native.converted,
                agrees=not side.failures,
                lookalike_differs=None if side.lookalike is None else bool(side.lookalike),
            )
            for side in self.proof.sides.values()
        ]
        return decide(sides, conversion_needed=all(step.without for step in self.proof.steps))

    @property
    def failures(self) -> tuple[str, ...]:
        """Where each side that is not what the reference is first departs from it."""
        return tuple(
            f"{name}: {side.failures[0]}"
            for name, side in self.proof.sides.items()
            if side.failures
        )

    @property
    def largest_ratio(self) -> float:
        """The largest error over its bound, of any side at any precision."""
        return max(max(side.ratio.values()) for side in self.proof.sides.values())

    @property
    def conversion(self) -> str:
        """What has to be changed, in a few words."""
        return ", ".join(dict.fromkeys(step.kind for step in self.entry.conversion))

    def row(self) -> Row:
        """Return one row of the ledger, with the page behind it."""
        names = [_shipped(side) for side in self.proof.sides.values()]
        differ: Cell = len(self.proof.points) or None
        return Row(
            cells=(
                self.entry.id,
                *names,
                str(self.verdict),
                self.conversion,
                self.largest_ratio,
                differ,
            ),
            details=self.sections(),
        )

    def sections(self) -> tuple[Detail, ...]:
        """Return the page, section by section."""
        entry, proof = self.entry, self.proof
        reductions = f" Reductions: {', '.join(entry.reductions)}." if entry.reductions else ""
        parts = [
            Detail(title="Formula", text=entry.formula, language="text"),
            Detail(title="Purpose", text=f"{entry.purpose}{reductions}"),
        ]
        parts += [Detail(title="Remark", text=text) for text in entry.remarks]
        for name, side in proof.sides.items():
            title = f"{name}: {side.native.public or 'an expression'}"
            parts.append(Detail(title=title, text=side.native.source, language="python"))
            lookalike = side.native.lookalike
            if lookalike:
                parts.append(
                    Detail(
                        title=f"{name}: {lookalike.name} is another function",
                        text=f"{lookalike.source}\n# {side.lookalike or 'NO DIFFERENCE FOUND'}",
                        language="python",
                    )
                )
        for step in proof.steps:
            without = step.without or "NOTHING CHANGES"
            text = f"{step.step.text}. Without this step: {without}"
            parts.append(Detail(title=f"Conversion: {step.step.kind}", text=text))
        parts += [Detail(title="Differ", text=spot.text()) for spot in self._spots()]
        parts.append(Detail(title="Errors", text=self._errors()))
        parts += [
            Detail(title=f"NOT PROVEN: {name}", text=text)
            for name, side in proof.sides.items()
            for text in side.failures
        ]
        return tuple(parts)

    def to_markdown(self) -> str:
        """Return the page as Markdown."""
        lines = [f"## {self.entry.title} (`{self.entry.id}`): {self.verdict}"]
        for part in self.sections():
            if part.language:
                lines.append(f"### {part.title}\n\n```{part.language}\n{part.text}\n```")
            else:
                lines.append(f"**{part.title}.** {part.text}")
        return "\n\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as data."""
        entry = self.entry
        return {
            "id": entry.id,
            "family": entry.family,
            "title": entry.title,
            "formula": entry.formula,
            "latex": entry.latex,
            "purpose": entry.purpose,
            "remarks": list(entry.remarks),
            "reductions": list(entry.reductions),
            "verdict": str(self.verdict),
            "sides": {name: _side_data(side) for name, side in self.proof.sides.items()},
            "conversion": [
                {"kind": s.step.kind, "text": s.step.text, "without": s.without}
                for s in self.proof.steps
            ],
            "points": [_point_data(point) for point in self.proof.points],
            "numbers_compared": self.proof.numbers,
        }

    def _spots(self) -> list[_Spot]:
        grouped: dict[tuple[str, str, str], list[Point]] = {}
        for point in self.proof.points:
            grouped.setdefault((point.case, point.quantity, point.kind), []).append(point)
        return [_Spot(points[0], len(points)) for points in grouped.values()]

    def _errors(self) -> str:
        parts = [f"{self.proof.numbers} numbers compared with the reference."]
        parts += [
            f"{name}, {dtype}: at most {side.error[dtype]:.2g}, {side.ratio[dtype]:.2g} of the "
            f"bound, {side.relative[dtype]:.2g} relative."
            for name, side in self.proof.sides.items()
            for dtype in DTYPES
        ]
        return " ".join(parts)


def _shipped(side: SideProof) -> str:
    """Return what a framework ships for an entry, without its package."""
    return side.native.public.rpartition(".")[-1]


def _side_data(side: SideProof) -> dict[str, Any]:
    lookalike = side.native.lookalike
    return {
        "public": side.native.public,
        "converted": side.native.converted,
        "code": side.native.source,
        "largest_error": {dtype: number(x) for dtype, x in side.error.items()},
        "largest_error_over_bound": {dtype: number(x) for dtype, x in side.ratio.items()},
        "largest_relative_error": {dtype: number(x) for dtype, x in side.relative.items()},
        "failures": list(side.failures),
        "lookalike": lookalike and {"name": lookalike.name, "differs": side.lookalike},
    }


def _point_data(point: Point) -> dict[str, Any]:
    return {
        "kind": point.kind,
        "case": point.case,
        "quantity": point.quantity,
        "index": list(point.index),
        "inputs": point.inputs,
        "dtypes": list(point.dtypes),
        "values": {side: number(x) for side, x in point.values.items()},
        "reference": number(point.reference),
    }
