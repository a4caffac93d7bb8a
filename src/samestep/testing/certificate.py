"""The certificate: what was tried, what was found, on which versions."""

from __future__ import annotations

import datetime
import enum
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from samestep.interface import DTYPES, Backend
from samestep.table import Cell, Column, Row, Table
from samestep.testing.catalogue import CHECKS

__all__ = ["Certificate", "Outcome"]


class Outcome(enum.Enum):
    """What became of a check."""

    HELD = "held"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Certificate:
    """What the kit found about a backend.

    Parameters
    ----------
    backend : Backend
        At any precision.
    outcomes : mapping
        By the check's id and dtype; a check that was not tried is missing.
    """

    backend: Backend
    outcomes: Mapping[tuple[str, str], Outcome]

    def count(self, outcome: Outcome) -> int:
        """How many checks came out so, each precision counted."""
        return sum(found is outcome for found in self.outcomes.values())

    @property
    def tried(self) -> int:
        """How many checks held or failed."""
        return self.count(Outcome.HELD) + self.count(Outcome.FAILED)

    @property
    def holds(self) -> bool:
        """Whether every check was run at every precision, some held, and none failed."""
        complete = len(self.outcomes) == len(CHECKS) * len(DTYPES)
        return complete and self.tried > 0 and not self.count(Outcome.FAILED)

    @property
    def title(self) -> str:
        """Say whether the backend conforms."""
        who = f"{self.backend.name} on {self.backend.device}"
        if self.holds:
            return f"Certificate: {who} conforms to the interface of samestep"
        failed, total = self.count(Outcome.FAILED), len(CHECKS) * len(DTYPES)
        if failed:
            return f"No certificate: {who} fails {failed} of {len(self.outcomes)} checks"
        if self.outcomes and not self.tried:
            return f"No certificate: nothing could be tried on {who}"
        return f"No certificate: {len(self.outcomes)} of {total} checks were run on {who}"

    def table(self) -> Table:
        """Return one row per promise, one column per precision."""
        versions = {
            "samestep": version("samestep"),
            **self.backend.environment().versions,
            "Python": platform.python_version(),
        }
        counts = ", ".join(f"{self.count(outcome)} {outcome.value}" for outcome in Outcome)
        where = f"{platform.system()} {platform.machine()}"
        listed = ", ".join(f"{name} {found}" for name, found in versions.items())
        today = datetime.datetime.now(datetime.UTC).date()
        return Table(
            id=f"conformance-{self.backend.name}",
            title=self.title,
            note=f"{counts}. {listed}, {where}; {today}.",
            columns=(
                Column(title="part"),
                Column(title="promise"),
                *(Column(title=dtype, kind="verdict") for dtype in DTYPES),
            ),
            rows=tuple(
                Row(
                    cells=(
                        check.part,
                        check.promise,
                        *(self._cell(check.id, dtype) for dtype in DTYPES),
                    )
                )
                for check in CHECKS
            ),
        )

    def _cell(self, check: str, dtype: str) -> Cell:
        outcome = self.outcomes.get((check, dtype))
        return outcome.value if outcome else "not run"
