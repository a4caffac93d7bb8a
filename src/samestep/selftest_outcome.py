"""What a self-test found, as tables, as a figure, as JSON, and as a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samestep.figures import FigureSpec
from samestep.fuzz import Trial
from samestep.referee import QUANTITIES
from samestep.selftest import BugResult, Sensitivity
from samestep.sensitivity_figure import draw_sensitivity
from samestep.summary import FigureModel
from samestep.table import Column, Row, Table

__all__ = ["SelfTest"]

_CAUSES_WANTED = 0.9
"""Least share of the planted bugs whose cause must be named first; all must be located."""


@dataclass(frozen=True)
class SelfTest:
    """Planted bugs, sound problems, and the smallest gradient error that is caught.

    Parameters
    ----------
    bugs : sequence of BugResult
    trials : sequence of Trial
        Sound problems; any alarm is a false one.
    sensitivities : sequence of Sensitivity
        Empty unless they were asked for.
    """

    bugs: Sequence[BugResult]
    trials: Sequence[Trial]
    sensitivities: Sequence[Sensitivity]

    @property
    def alarms(self) -> list[str]:
        """False alarms, one line each."""
        return [f"{t.plan.name} on {t.participant}: {t.alarm}" for t in self.trials if t.alarm]

    @property
    def judged(self) -> int:
        """Sound runs of which at least one number was judged."""
        return sum(trial.judged > 0 for trial in self.trials)

    @property
    def holds(self) -> bool:
        """Every bug found at the right place, nearly every cause named, and no false alarm."""
        located = all(bug.caught and bug.step_right and bug.quantity_right for bug in self.bugs)
        causes = sum(bug.cause_right for bug in self.bugs)
        return located and causes >= _CAUSES_WANTED * len(self.bugs) and not self.alarms

    def looseness(self) -> dict[str, dict[str, float]]:
        """Return error over bound by dtype and quantity: median over steps, then over sound runs.

        In float64 the participants often get the referee's number to the bit, so that a median of 0
        says nothing about the bound.
        """
        judged = [trial for trial in self.trials if trial.judged]
        by_dtype: dict[str, list[Trial]] = {}
        for trial in judged:
            by_dtype.setdefault(trial.dtype, []).append(trial)
        return {
            dtype: {q: float(np.median([t.looseness[q] for t in trials])) for q in QUANTITIES}
            for dtype, trials in by_dtype.items()
        }

    def summary(self) -> str:
        """Return the counts as sentences."""
        bugs, count = self.bugs, len(self.bugs)
        return (
            f"{sum(b.caught for b in bugs)} of {count} caught, "
            f"{sum(b.step_right for b in bugs)} at the right step, "
            f"{sum(b.quantity_right for b in bugs)} in the right quantity, "
            f"{sum(b.cause_right for b in bugs)} with the right cause first. "
            f"{len(self.alarms)} false alarms in {self.judged} sound runs."
        )

    def bug_table(self) -> Table:
        """Return one row per planted bug."""
        return Table(
            id="planted-bugs",
            title="Planted bugs: what the cross-check says about each",
            note=self.summary(),
            columns=(
                Column(title="planted bug"),
                Column(title="in"),
                Column(title="found at"),
                Column(title="likely cause"),
                Column(title="right"),
            ),
            rows=tuple(_bug_row(bug) for bug in self.bugs),
        )

    def sensitivity_table(self) -> Table:
        """Return the smallest gradient error that is caught, by participant and size."""
        return Table(
            id="sensitivity",
            title="The smallest relative gradient error that is caught, in 24 steps of a fit",
            note="Error/bound of the sound run: median over steps. Where a quantity equals the "
            "float64 referee to the bit it is 0.",
            columns=(
                Column(title="participant"),
                Column(title="rows", kind="number"),
                Column(title="features", kind="number"),
                Column(title="smallest caught", kind="number", form=".1e"),
                *(Column(title=q, kind="number", form=".4f") for q in QUANTITIES),
            ),
            rows=tuple(
                Row(
                    cells=(
                        s.participant,
                        s.batch_size,
                        s.features,
                        s.smallest,
                        *(s.looseness[q] for q in QUANTITIES),
                    )
                )
                for s in self.sensitivities
            ),
        )

    def figure(self) -> FigureSpec:
        """Return the figure of the smallest error and of the looseness against the sizes."""
        return FigureSpec(
            name="selftest-sensitivity",
            caption="The smallest relative error of a gradient that is caught grows with the "
            "number of terms whose rounding is allowed for; and the bound is looser the more terms "
            "a sum has, because rounding errors cancel and a bound must not count on it.",
            draw=draw_sensitivity,
            data={
                "records": [
                    {
                        "participant": s.participant,
                        "dtype": s.dtype,
                        "batch_size": float(s.batch_size),
                        "features": float(s.features),
                        "smallest": s.smallest,
                        **s.looseness,
                    }
                    for s in self.sensitivities
                ]
            },
        )

    def save(self, folder: Path) -> None:
        """Write the tables, and the figure if there is one, where the report finds them."""
        self.bug_table().save(folder)
        if self.sensitivities:
            figure = self.figure()
            figures = folder / "figures"
            figures.mkdir(parents=True, exist_ok=True)
            files = [str(path.relative_to(folder)) for path in figure.save(figures)]
            shown = FigureModel(name=figure.name, caption=figure.caption, files=files)
            self.sensitivity_table().model_copy(update={"figures": (shown,)}).save(folder)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for ``--json``."""
        return {
            "bugs": [
                {
                    "id": bug.bug.id,
                    "description": bug.bug.description,
                    "participant": bug.participant,
                    "caught": bug.caught,
                    "step_right": bug.step_right,
                    "quantity_right": bug.quantity_right,
                    "cause_right": bug.cause_right,
                    "step": bug.divergence.finding.step if bug.divergence else None,
                    "quantity": bug.divergence.quantity if bug.divergence else None,
                    "causes": [c.id for c in bug.divergence.causes] if bug.divergence else [],
                }
                for bug in self.bugs
            ],
            "false_alarms": len(self.alarms),
            "alarms": self.alarms,
            "sound_runs": self.judged,
            "looseness": self.looseness(),
            "sensitivity": [
                {
                    "participant": s.participant,
                    "batch_size": s.batch_size,
                    "features": s.features,
                    "smallest_relative_gradient_error": s.smallest,
                    "looseness": s.looseness,
                }
                for s in self.sensitivities
            ],
        }


def _bug_row(result: BugResult) -> Row:
    divergence = result.divergence
    causes = divergence.causes if divergence else ()
    right = result.step_right and result.quantity_right and result.cause_right
    where = f"step {divergence.finding.step}, {divergence.quantity}" if divergence else "not caught"
    return Row(
        cells=(
            result.bug.id,
            result.participant,
            where,
            causes[0].text if causes else "none found",
            right,
        )
    )
