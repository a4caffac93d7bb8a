"""The workloads that are measured, in which order, and how often."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from samestep.benchmarking.contender import Contender
from samestep.benchmarking.workload import Workload
from samestep.errors import UsageError, unknown_name

__all__ = ["SERIES", "SINGLE", "STACK", "Session", "sessions"]

SINGLE, STACK, END, ROW, LARGE = "single", "stack", "end", "one row a step", "large"
NAMES = (SINGLE, STACK, END, ROW, LARGE, "growth")

_GROWTH = {
    "n": (250, 1000, 4000, 16000),
    "features": (2, 8, 32, 128, 512),
    "batch_size": (2, 8, 32, 128, 512),
    "runs": (1, 4, 16, 64, 250, 1000),
    "epochs": (1, 2, 4, 8, 16),
}
_QUICK_GROWTH = {"n": (250, 1000, 4000), "runs": (4, 32, 256)}

SERIES = {
    "n": "examples",
    "features": "features",
    "batch_size": "rows in a batch",
    "runs": "stacked fits",
    "epochs": "epochs",
}
"""What is varied in the growth series, by the parameter's name."""


Who: TypeAlias = Literal["all", "modes", "default modes"]
_MODES: Who = "modes"
_DEFAULT_MODES: Who = "default modes"


@dataclass(frozen=True)
class Session:
    """A workload that all contenders do side by side, turn by turn.

    Parameters
    ----------
    workload : Workload
    rounds : tuple of int
        Least and most turns of each contender.
    seconds : float
        After so much time no further round is begun, once there are enough.
    who : {"all", "modes", "default modes"}
    apart : bool
        Whether one process is open at a time, because the data are large: each turn is then a
        fresh process.
    series : str
        The parameter whose growth it is part of; empty for none.
    """

    workload: Workload
    rounds: tuple[int, int]
    seconds: float
    who: Who = "all"
    apart: bool = False
    series: str = ""

    def admits(self, contender: Contender) -> bool:
        """Whether a contender takes part."""
        if self.who == "all":
            return True
        return contender.kind == "mode" and (contender.default or self.who == "modes")

    @property
    def grown(self) -> int:
        """Value of the parameter that grows."""
        return int(getattr(self.workload, self.series))


def sessions(*, quick: bool, dtype: str, names: Collection[str] = ()) -> list[Session]:
    """Return what is measured, the costliest last.

    Parameters
    ----------
    quick : bool
        Fewer fits in a stack, fewer rounds, no large problem, and two short growth series.
    dtype : {"float32", "float64"}
    names : collection of str
        Some of :data:`NAMES`; all by default.

    Raises
    ------
    UsageError
        For an unknown name, or one that a quick benchmark leaves out.
    """
    for name in names:
        if name not in NAMES:
            raise unknown_name("workload", name, NAMES)
    single = Workload(SINGLE, dtype=dtype)
    stack = Workload(STACK, dtype=dtype, runs=400 if quick else 1000)
    row = Workload(ROW, dtype=dtype, batch_size=1, epochs=1, record="final")
    large = Workload(
        LARGE,
        n=10**6,
        features=100,
        batch_size=1024,
        epochs=1,
        dtype=dtype,
        record="final",
    )
    rounds, seconds = ((5, 7), 1.0) if quick else ((7, 31), 30.0)
    found = [
        Session(single, rounds, seconds),
        # Some show nothing else: a fit of which only the end is kept.
        *([] if quick else [Session(replace(single, name=END, record="final"), rounds, seconds)]),
        Session(row, rounds, seconds),
        Session(stack, rounds, seconds),
    ]
    few, who = ((3, 3), _DEFAULT_MODES) if quick else ((3, 7), _MODES)
    for parameter, sizes in (_QUICK_GROWTH if quick else _GROWTH).items():
        for size in sizes:
            grown: dict[str, Any] = {"name": f"growth {parameter}={size}", parameter: size}
            found.append(Session(replace(single, **grown), few, 1.0, who, series=parameter))
    if not quick:
        found.append(Session(large, (1, 1), 0.0, apart=True))

    def family(session: Session) -> str:
        return "growth" if session.series else session.workload.name

    for name in names:
        if name not in map(family, found):
            raise UsageError(f"A quick benchmark has no workload {name!r}.", "Leave out --quick.")
    return [session for session in found if not names or family(session) in names]
