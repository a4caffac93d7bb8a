"""Who does which small workload, for the tests of the peers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import pytest
from samestep_experiments.peers import catalogue

from samestep.benchmarking.peer import Peer
from samestep.benchmarking.workload import Workload
from samestep.interface import DTYPES

PEERS: dict[str, Peer] = {
    peer.name: peer for peer in (getattr(catalogue, name) for name in catalogue.__all__)
}

SMALL = Workload("small", n=70, features=3, epochs=2)
"""Three steps an epoch, the last of six rows."""

STACK = replace(SMALL, name="stack", runs=3)
ROWS = replace(SMALL, name="row by row", batch_size=1)
WORKLOADS = [SMALL, STACK, ROWS]


def cases(
    names: Iterable[str], workloads: Sequence[Workload], dtypes: Sequence[str] = DTYPES
) -> list[object]:
    """Every peer with every workload that it can do, in each precision."""
    return [
        pytest.param(name, workload, id=f"{name}-{workload.name}-{workload.dtype}")
        for name in names
        for workload in (replace(w, dtype=dtype) for w in workloads for dtype in dtypes)
        if not PEERS[name].obstacle(workload)
    ]


def installed(name: str) -> Peer:
    """The peer; the test is skipped where what it needs is not installed."""
    for distribution in PEERS[name].requires:
        try:
            version(distribution)
        except PackageNotFoundError:
            pytest.skip(f"{distribution} is not installed: pip install 'samestep[bench]'")
    return PEERS[name]
