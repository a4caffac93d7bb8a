"""A proven setting of an optimizer, as a row, as a page and as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from samestep.ledger.book import number
from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep.ledger.updates import OptimizerProof, OptimizerSide
from samestep.ledger.verdict import Side, Verdict, decide
from samestep.table import Column, Detail, Row

__all__ = ["OptimizerPage", "optimizer_columns"]


def optimizer_columns(sides: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of the ledger of optimizers."""
    return (
        Column(title="setting"),
        *(Column(title=side, kind="code") for side in sides),
        Column(title="verdict", kind="verdict"),
        Column(title="what it takes"),
        Column(title="error/bound", kind="number", form=".2f"),
    )


@dataclass(frozen=True)
class OptimizerPage:
    """A setting of an optimizer with its proof.

    Parameters
    ----------
    entry : OptimizerEntry
    proof : OptimizerProof
    """

    entry: OptimizerEntry
    proof: OptimizerProof

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        sides = self.proof.sides.values()
        found = [
            Side(
                shipped=bool(side.native.public),
                converted=side.native.converted,
                agrees=not side.failure and not side.misdescribed,
                lookalike_differs=None
                if side.differs is None or side.native.converted
                else bool(side.differs),
            )
            for side in sides
        ]
        # What one would write without the conversion must be something else.
        needed = all(side.differs != "" for side in sides if side.native.converted)
        return decide(found, conversion_needed=needed)

    @property
    def largest_ratio(self) -> float:
        """The largest error over its bound, of any side at any precision."""
        ratios = [max(side.ratio.values()) for side in self.proof.sides.values() if side.ratio]
        return max(ratios, default=float("nan"))

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not proven."""
        return tuple(
            f"{name}: {text}"
            for name, side in self.proof.sides.items()
            for text in (
                side.failure,
                side.misdescribed
                and f"the like-named code is not what is said: {side.misdescribed}",
                "the conversion changes nothing" if side.differs == "" else "",
            )
            if text
        )

    def row(self) -> Row:
        """Return one row of the ledger, with the page behind it."""
        return Row(
            cells=(
                self.entry.id,
                *(side.native.public for side in self.proof.sides.values()),
                str(self.verdict),
                self.entry.conversion,
                self.largest_ratio,
            ),
            details=self.sections(),
        )

    def sections(self) -> tuple[Detail, ...]:
        """Return the page, section by section."""
        entry = self.entry
        parts = [
            Detail(title="Formula", text=entry.formula, language="text"),
            Detail(title="Purpose", text=entry.purpose),
        ]
        if entry.conversion:
            text = f"{entry.conversion[0].upper()}{entry.conversion[1:]}."
            parts.append(Detail(title="What it takes", text=text))
        parts += [Detail(title="Remark", text=text) for text in entry.remarks]
        for name, side in self.proof.sides.items():
            title = f"{name}: {side.native.public or 'an expression'}"
            parts.append(Detail(title=title, text=side.native.source, language="python"))
            lookalike = side.native.lookalike
            if lookalike:
                parts.append(
                    Detail(
                        title=f"{name}: {lookalike.name} takes another step",
                        text=f"{lookalike.source}\n# {side.differs or 'NO DIFFERENCE FOUND'}",
                        language="python",
                    )
                )
        parts.append(Detail(title="Errors", text=self._errors()))
        parts += [Detail(title="NOT PROVEN", text=text) for text in self.failures]
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
            "verdict": str(self.verdict),
            "conversion": entry.conversion,
            "steps": entry.course.steps,
            "sides": {name: _side_data(side) for name, side in self.proof.sides.items()},
            "relative_gap": {dtype: number(x) for dtype, x in self.proof.gap.items()},
            "numbers_compared": self.proof.numbers,
        }

    def _errors(self) -> str:
        parts = [
            f"{self.proof.numbers} numbers of {self.entry.course.steps} steps compared with the "
            "rule, each from the recorded state before its step."
        ]
        parts += [
            f"{name}, {dtype}: at most {side.error[dtype]:.2g}, {side.ratio[dtype]:.2g} of the "
            "bound."
            for name, side in self.proof.sides.items()
            for dtype in side.ratio
        ]
        parts += [
            f"Parameters part by at most {gap:.1g} of the largest ({dtype})."
            for dtype, gap in self.proof.gap.items()
        ]
        return " ".join(parts)


def _side_data(side: OptimizerSide) -> dict[str, Any]:
    lookalike = side.native.lookalike
    return {
        "public": side.native.public,
        "converted": side.native.converted,
        "code": side.native.source,
        "largest_error": {dtype: number(x) for dtype, x in side.error.items()},
        "largest_error_over_bound": {dtype: number(x) for dtype, x in side.ratio.items()},
        "failure": side.failure,
        "lookalike": lookalike
        and {"name": lookalike.name, "code": lookalike.source, "differs": side.differs},
    }
