"""What the port check said about ports with planted bugs, as a table, as JSON, as a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samestep.port_trials import PortTrialResult
from samestep.table import Column, Detail, Row, Table

__all__ = ["PortTrials"]

_CAUSES_WANTED = 0.8
"""Least share of the bugs whose cause must be named first; all must be located."""


@dataclass(frozen=True)
class PortTrials:
    """Faithful ports, and ports with a bug.

    Parameters
    ----------
    faithful : sequence of PortTrialResult
        Any divergence is a false alarm.
    bugs : sequence of PortTrialResult
    """

    faithful: Sequence[PortTrialResult]
    bugs: Sequence[PortTrialResult]

    @property
    def alarms(self) -> list[str]:
        """False alarms, one line each."""
        return [
            f"{r.trial.id} in {r.trial.dtype}: {r.result.first.quantity}"
            for r in self.faithful
            if r.result and r.result.first
        ]

    @property
    def not_run(self) -> list[str]:
        """Trials that were not run, with what they lack."""
        every = (*self.faithful, *self.bugs)
        return [f"{r.trial.id}: {r.not_run}" for r in every if r.result is None]

    @property
    def holds(self) -> bool:
        """Every bug caught in the right place, most causes named, and no false alarm."""
        ran = self._ran
        located = all(r.caught and r.located for r in ran)
        causes = sum(r.cause_right for r in ran)
        return bool(ran) and located and causes >= _CAUSES_WANTED * len(ran) and not self.alarms

    def summary(self) -> str:
        """Return the counts as sentences."""
        ran = self._ran
        lacking = f" {len(self.not_run)} trials were not run." if self.not_run else ""
        judged = sum(r.result is not None for r in self.faithful)
        return (
            f"{sum(r.caught for r in ran)} of {len(ran)} caught, "
            f"{sum(r.located for r in ran)} in the right layer or the optimizer, "
            f"{sum(r.cause_right for r in ran)} with the right cause first. "
            f"{len(self.alarms)} false alarms in {judged} checks of faithful ports.{lacking}"
        )

    def table(self) -> Table:
        """Return one row per bug."""
        return Table(
            id="port-bugs",
            title="Planted bugs of ports: what the port check says about each",
            note=self.summary(),
            columns=(
                Column(title="model"),
                Column(title="bug"),
                Column(title="caught at"),
                Column(title="located"),
                Column(title="likely cause"),
                Column(title="right"),
            ),
            rows=tuple(map(_row, self.bugs)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for ``--json``."""
        return {
            "holds": self.holds,
            "bugs": [_plain(r) for r in self.bugs],
            "faithful": [_plain(r) for r in self.faithful],
            "false_alarms": self.alarms,
            "not_run": self.not_run,
        }

    @property
    def _ran(self) -> list[PortTrialResult]:
        return [r for r in self.bugs if r.result is not None]


def _row(tried: PortTrialResult) -> Row:
    trial, result = tried.trial, tried.result
    if result is None:
        return Row(cells=(trial.model, trial.description, tried.not_run, None, "", None))
    first, causes = result.first, result.causes
    return Row(
        cells=(
            trial.model,
            trial.description,
            f"step {first.step}, {first.quantity}" if first else "not caught",
            tried.located,
            causes[0].text if causes else "none found",
            tried.cause_right,
        ),
        details=(Detail(title=trial.id, text=str(result)),),
    )


def _plain(tried: PortTrialResult) -> dict[str, Any]:
    trial, result = tried.trial, tried.result
    first = result.first if result else None
    return {
        "model": trial.model,
        "bug": trial.bug,
        "description": trial.description,
        "dtype": trial.dtype,
        "run": result is not None,
        "caught": tried.caught,
        "step": first.step if first else None,
        "quantity": str(first.quantity) if first else None,
        "place": tried.place,
        "expected_place": trial.place,
        "causes": [cause.id for cause in result.causes] if result else [],
        "expected_causes": list(trial.causes),
        "located": tried.located,
        "cause_right": tried.cause_right,
        "seconds": result.seconds if result else None,
    }
