"""``samestep attribute``: which axis makes the paths differ, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from samestep.attribution import attribute, every_combination
from samestep.cli.console import HELD, output
from samestep.cli.interpreters import interpreters
from samestep.interface import DTYPES
from samestep.participants import open_team
from samestep.registry import experiment
from samestep.runner import check_participants

__all__ = ["attribute_exercise"]


def attribute_exercise(
    name: str, *, on: Sequence[str], in_process: bool = False, python: Sequence[str] = ()
) -> int:
    """Run the design on the exercise's typical fit and print the effects.

    Each participant trains in a process of its own, with ``in_process`` in this one; ``python``
    names interpreters, ``NAME=PATH``.
    """
    apart = interpreters(python, in_process=in_process)
    participants = every_combination(check_participants(on, DTYPES, apart))
    plan = experiment(name).typical_fit()
    with open_team(participants, DTYPES, in_process=in_process, python=apart) as team:
        found = attribute(plan, team)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("axis")
    table.add_column("levels")
    table.add_column("largest gap alone", justify="right")
    table.add_column("share", justify="right")
    for effect in found.effects:
        table.add_row(
            effect.axis,
            ", ".join(effect.levels),
            f"{effect.largest_gap:.2e}",
            f"{effect.share:.2g}",
        )
    console = output()
    console.print(f"{name}: {plan.name}, {found.cells} combinations, parameters at all epoch ends")
    console.print(table)
    console.print(
        "Largest gap alone: the largest difference of a parameter between two combinations that "
        "differ in this axis only. Share: of the sum of squares of all differences (main effect); "
        f"interactions make up {found.interactions:.2g}.",
        soft_wrap=True,
    )
    return HELD
