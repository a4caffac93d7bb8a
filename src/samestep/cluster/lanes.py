"""A Dask cluster as lanes: a worker says by its resources which participant it works for.

Retries, lost workers and stragglers are the scheduler's. A worker has one thread and works for
one backend, in the environment that this one needs::

    dask worker tcp://HOST:PORT --nthreads 1 --resources NAME=1
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from samestep.cluster.local import local_cluster
from samestep.cluster.worker import on_cluster
from samestep.errors import MissingParticipantError, UsageError, one_line
from samestep.registry import parse_participant
from samestep.sweeping.lanes import Lane

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["open_cluster"]

_IN_FLIGHT = 2
"""Tasks in flight for each worker."""

_RETRIES = 2
_CONNECT_SECONDS = 10
_START_SECONDS = 60


@contextlib.contextmanager
def open_cluster(engine: str, participants: Sequence[str]) -> Iterator[dict[str, Lane]]:
    """Connect to a scheduler, or start a cluster on this machine, and open a lane for each.

    Parameters
    ----------
    engine : str
        ``"local"``, or the address of a scheduler.
    participants : sequence of str

    Raises
    ------
    MissingParticipantError
        If dask.distributed is not installed, no scheduler answers, or no worker works for a
        participant.
    UsageError
        If a worker has several threads, or works for several participants.
    """
    _require_distributed()
    from distributed import Client

    with contextlib.ExitStack() as stack:
        address = engine
        if engine == "local":
            each = max(1, (os.cpu_count() or 1) // len(participants))
            resources = [_resource(name) for name in participants]
            address = stack.enter_context(local_cluster(resources, each))
        try:
            client = Client(  # type: ignore[no-untyped-call]
                address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise MissingParticipantError(
                f"No Dask scheduler answers at {address}: {one_line(error)}",
                "Start one: dask scheduler --host 127.0.0.1 --port 8786",
            ) from error
        stack.enter_context(client)
        if engine == "local":
            client.wait_for_workers(each * len(resources), timeout=_START_SECONDS)
        yield {
            name: _lane(client, name, workers)
            for name, workers in _count_workers(client, address, participants).items()
        }


def _lane(client: Client, participant: str, workers: int) -> Lane:
    executor = client.get_executor(  # type: ignore[no-untyped-call]
        pure=False, resources={_resource(participant): 1}, retries=_RETRIES
    )
    return Lane(executor, participant, depth=_IN_FLIGHT * workers, call=on_cluster)


def _resource(participant: str) -> str:
    """Name of the resource that a worker for a participant has: its backend, and a GPU."""
    name, device = parse_participant(participant)
    return name if device == "cpu" else participant


def _count_workers(client: Client, address: str, participants: Sequence[str]) -> dict[str, int]:
    """Count the workers of each participant; they must be there, or nothing would ever run."""
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    counts = {}
    for participant in participants:
        resource = _resource(participant)
        command = f"dask worker {address} --nthreads 1 --resources {resource}=1"
        mine = {k: w for k, w in workers.items() if resource in w["resources"]}
        if not mine:
            raise MissingParticipantError(
                f"No worker of the cluster at {address} works for {participant}.",
                f"Start one: {command}",
            )
        for name, worker in mine.items():
            if worker["nthreads"] != 1 or len(worker["resources"]) != 1:
                raise UsageError(
                    f"The Dask worker {name} has {worker['nthreads']} thread(s) and the resources "
                    f"{', '.join(worker['resources'])}.",
                    f"Expected one thread, and one participant for each process: {command}",
                )
        counts[participant] = len(mine)
    return counts


def _require_distributed() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingParticipantError(
            "A cluster needs dask.distributed, which is not installed.",
            "Install it: pip install 'samestep[cluster]'",
        ) from error
