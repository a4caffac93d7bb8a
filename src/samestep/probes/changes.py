"""Version memory: what two runs say differently, such as before and after an upgrade."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.probes.comparison import Relation, relate
from samestep.probes.result import Atlas, Page
from samestep.table import Column, Row, Table

__all__ = ["Change", "Changes", "compare_runs"]


@dataclass(frozen=True)
class Change:
    """A probe that says something else than before.

    Parameters
    ----------
    probe : str
    what : str
        ``"verdict"``, the name of a backend whose observation changed, or ``"probe"``.
    before, after : str
        As they are shown; empty for a probe that the other run does not have.
    """

    probe: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """All changes from one run to another.

    Parameters
    ----------
    before, after : str
        Versions of the frameworks.
    changes : tuple of Change
    compared : int
        Number of probes that both runs have.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    compared: int

    def table(self) -> Table:
        """Return the changes as a table."""
        heads = ("probe", "what", "before", "after")
        return Table(
            id="atlas-changes",
            title="Changes of the atlas",
            note=f"From {self.before} to {self.after}; {self.compared} probes in both.",
            columns=tuple(Column(title=head) for head in heads),
            rows=tuple(Row(cells=(c.probe, c.what, c.before, c.after)) for c in self.changes),
        )


def compare_runs(before: Atlas, after: Atlas) -> Changes:
    """List what changed: verdicts, observations beyond rounding, probes that came.

    A probe that ``after`` does not have is not listed: it may be a run of a few probes.
    """
    old = {page.id: page for page in before.probes}
    changes: list[Change] = []
    for page in after.probes:
        if page.id in old:
            changes += _of_page(old[page.id], page)
        else:
            changes.append(Change(page.id, "probe", "", page.verdict.value))
    return Changes(
        before.versions_text,
        after.versions_text,
        tuple(changes),
        sum(page.id in old for page in after.probes),
    )


def _of_page(old: Page, new: Page) -> list[Change]:
    changes = []
    if old.verdict is not new.verdict:
        changes.append(Change(new.id, "verdict", old.verdict.value, new.verdict.value))
    for name in new.observed:
        if name not in old.observed:
            continue
        was, now = old.observed[name].outcome, new.observed[name].outcome
        if relate(was, now, max(old.scale, new.scale)) is not Relation.SAME:
            changes.append(Change(new.id, name, old.observation(name), new.observation(name)))
    return changes
