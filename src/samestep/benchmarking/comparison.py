"""Which times are put beside each other, and what the gate says of each pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from samestep.benchmarking.catalogue import SINGLE, STACK
from samestep.benchmarking.gate import Condition, Ruling, rule
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.spread import Interval, ratio_of_medians

__all__ = ["Comparison", "compare_all"]


Kind: TypeAlias = Literal["peer", "mode", "stacking"]


@dataclass(frozen=True)
class Comparison:
    """Two times of the same work.

    Parameters
    ----------
    a, b : str
        The contenders.
    workload : str
        Empty where fits one by one are compared with stacked ones.
    kind : {"peer", "mode", "stacking"}
        A mode of ours against a peer; a mode against its backend's default, where a compiler may
        be what differs; a peer that does one fit at a time against a stack.
    ruling : Ruling
    ratio : Interval or None
        Time per fit of A over that of B; None where the gate refuses.
    """

    a: str
    b: str
    workload: str
    kind: Kind
    ruling: Ruling
    ratio: Interval | None

    @property
    def pair(self) -> str:
        """Who is compared with whom."""
        return f"{self.a} / {self.b}" + (" stacked" if self.kind == "stacking" else "")

    @property
    def name(self) -> str:
        """A name that stays: ``A / B (WORKLOAD)``, or ``A / B stacked, per fit``."""
        return f"{self.pair} ({self.workload})" if self.workload else f"{self.pair}, per fit"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "workload": self.workload,
            "ratio": self.ratio.to_dict() if self.ratio else None,
            "named": list(self.ruling.named),
            "refusals": list(self.ruling.refusals),
        }


_COMPARED: Mapping[Kind, tuple[Condition, ...]] = {
    "peer": (),
    "mode": ("compile effort",),
    "stacking": ("stacking", "compile effort"),
}
"""What may differ, because it is the very thing compared."""


def compare_all(measurements: Sequence[Measurement]) -> list[Comparison]:
    """Compare our modes with the peers, with each other, and stacks with fits one by one.

    A mode is compared with the peers that use its framework, or none, on the same workload; and
    with its backend's default mode. A peer that cannot do stacks is compared with the default
    modes' stack, per fit.
    """
    groups: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        if measurement.done and not measurement.workload.name.startswith("growth"):
            groups.setdefault(measurement.workload.name, []).append(measurement)
    found = [comparison for group in groups.values() for comparison in _side_by_side(group)]
    return found + list(_one_by_one(groups.get(SINGLE, []), groups.get(STACK, [])))


def _side_by_side(group: Sequence[Measurement]) -> Iterator[Comparison]:
    for mode in group:
        if mode.contender.kind == "peer":
            continue
        for other in group:
            a, b = mode.contender, other.contender
            if b.kind == "peer" and b.backend in ("", a.backend):
                yield _compare(mode, other, "peer")
            if b.default and not a.default and b.participant == a.participant:
                yield _compare(mode, other, "mode")


def _one_by_one(
    single: Sequence[Measurement], stack: Sequence[Measurement]
) -> Iterator[Comparison]:
    stacking = {m.name for m in stack}
    for peer in single:
        if peer.contender.kind == "mode" or peer.name in stacking:
            continue
        for mode in stack:
            if mode.contender.default:
                yield _compare(peer, mode, "stacking")


def _compare(a: Measurement, b: Measurement, kind: Kind) -> Comparison:
    ruling = rule(a.conditions, b.conditions, _COMPARED[kind])
    workload = "" if kind == "stacking" else a.workload.name
    if not ruling.fair:
        return Comparison(a.name, b.name, workload, kind, ruling, None)
    times = a.seconds_per_fit, b.seconds_per_fit
    if workload:  # turn by turn; one that is slow has taken fewer turns
        rounds = min(map(len, times))
        times = times[0][:rounds], times[1][:rounds]
    ratio = ratio_of_medians(*times, paired=bool(workload))
    return Comparison(a.name, b.name, workload, kind, ruling, ratio)
