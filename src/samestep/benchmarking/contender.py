"""Who takes part: every mode of every backend, and the peers; found without importing any."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, Literal

from samestep.benchmarking.peer import Fit, Peer
from samestep.benchmarking.workload import Workload
from samestep.errors import UsageError, one_line
from samestep.registry import backend, parse_participant
from samestep.training import train

__all__ = ["Contender", "Mode", "mode_contender", "peer_contenders"]

GROUP = "samestep.peers"


@dataclass(frozen=True)
class Contender:
    """Somebody who does workloads in a process of its own.

    Parameters
    ----------
    kind : {"mode", "peer"}
        Ours, or a baseline that is not.
    how : Peer
        What it is called and how it does a workload; one of our modes is described likewise.
    participant : str
        Of a mode: ``NAME`` or ``NAME@DEVICE``.
    mode : str
        Of a mode: its name; empty for the only one of a backend.
    default : bool
        Whether it is the first mode of its backend.
    missing : str
        The command that installs what is missing; empty if nothing is.
    """

    kind: Literal["mode", "peer"]
    how: Peer
    participant: str = ""
    mode: str = ""
    default: bool = False
    missing: str = ""

    @property
    def name(self) -> str:
        """What it is called; no two are called the same."""
        return self.how.name

    @property
    def backend(self) -> str:
        """The backend whose framework it works with; empty for none."""
        return self.how.backend

    @property
    def device(self) -> str:
        """Where it computes."""
        return parse_participant(self.participant)[1] if self.participant else "cpu"

    @property
    def compiles(self) -> bool:
        """Whether it has a compiler."""
        return self.how.compiler != "none"


@dataclass(frozen=True)
class Mode:
    """Our own way of doing a workload: a backend in one of its modes, sent to its process."""

    participant: str
    mode: str

    def prepare(self, workload: Workload) -> Fit:
        """Open the backend; what is returned trains the workload's plan."""
        options: dict[str, Any] = {"mode": self.mode} if self.mode else {}
        item = backend(self.participant, dtype=workload.dtype, **options)
        plan, every_step = workload.plan(), workload.record == "every step"

        return functools.partial(train, item, plan, every_step=every_step)


def mode_contender(
    participant: str, mode: str, title: str, compiler: str, *, default: bool, slow: bool
) -> Contender:
    """Describe a mode of a backend as a contender."""
    name, device = parse_participant(participant)
    label = f"{name} {mode}".strip() + ("" if device == "cpu" else f" @{device}")
    how = Peer(
        name=label,
        title=title,
        backend=name,
        requires=(),
        compiler=compiler,
        obstacle=_none,
        prepare=Mode(participant, mode).prepare,
        slow=slow,
    )
    return Contender("mode", how, participant, mode, default=default)


def peer_contenders(backends: Collection[str], taken: Collection[str]) -> list[Contender]:
    """Load the registered peers that need no backend, or one of those that take part.

    Parameters
    ----------
    backends : collection of str
    taken : collection of str
        Names of our modes: a peer that has one of them is told apart by the word "peer".
    """
    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        peer = _load(entry)
        if peer.backend and peer.backend not in backends:
            continue
        if peer.name in taken:
            peer = replace(peer, name=f"{peer.name} peer")
        lacking = [name for name in peer.requires if not _installed(name)]
        distribution = entry.dist.name if entry.dist else "samestep"
        missing = f"pip install '{distribution}[bench]'" if lacking else ""
        found.append(Contender("peer", peer, missing=missing))
    return found


def _load(entry: EntryPoint) -> Peer:
    try:
        peer = entry.load()
    except Exception as error:
        raise UsageError(
            f"Peer {entry.name!r} cannot be imported: {one_line(error)}",
            f"It is {entry.value!r}: install that anew.",
        ) from error
    if not isinstance(peer, Peer):
        raise UsageError(
            f"Entry point {entry.value!r} is no peer.",
            "It must name a samestep.benchmarking.peer.Peer.",
        )
    return peer


def _installed(distribution: str) -> bool:
    with contextlib.suppress(PackageNotFoundError):
        return bool(version(distribution))
    return False


def _none(workload: Workload) -> str:
    return ""
