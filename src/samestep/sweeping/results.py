"""What a sweep found: a store, read."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy.typing as npt

from samestep.errors import UsageError
from samestep.store.arrays import ArrayGroup
from samestep.store.files import StoreError
from samestep.store.store import Store
from samestep.sweeping.layout import Chunk, Group, chunks, from_data, groups
from samestep.sweeping.recording import array_specs, attributes, coordinates, regions
from samestep.sweeping.task import ChunkResult

if TYPE_CHECKING:
    import xarray

__all__ = ["KIND", "SweepResult", "SweepTask", "open_sweep"]

KIND = "sweep"

_T = TypeVar("_T")


@dataclass(frozen=True)
class SweepTask:
    """A chunk on a participant, in one precision."""

    participant: str
    dtype: str
    chunk: Chunk

    @property
    def side(self) -> str:
        """Participant and precision, as a folder's name; a colon is none on every system."""
        return f"{self.participant.replace(':', '-')}/{self.dtype}"

    @property
    def group_name(self) -> str:
        """Its group of arrays."""
        return f"{self.side}/{self.chunk.group.name}"

    @property
    def name(self) -> str:
        """Its marker."""
        return f"{self.side}/{self.chunk.name}"


class SweepResult:
    """The runs of a sweep, on disk.

    Parameters
    ----------
    store : Store
    temporary : TemporaryDirectory, optional
        Removed with this object.
    """

    def __init__(
        self, store: Store, temporary: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        self.store = store
        self._temporary = temporary
        self.plan = from_data(store.plan["sweep"])
        self.participants: list[str] = store.plan["on"]
        self.dtypes: list[str] = store.plan["dtype"]
        # The precisions of a chunk follow each other, because they share its plan.
        self.tasks = [
            SweepTask(participant, dtype, chunk)
            for participant in self.participants
            for chunk in chunks(self.plan)
            for dtype in self.dtypes
        ]
        self._arrays: dict[str, ArrayGroup] = {}

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest, checked against the markers."""
        return self.store.manifest([task.name for task in self.tasks])

    def create(self, task: SweepTask) -> None:
        """Make the arrays of a task's group, empty."""
        group = task.chunk.group
        self._group(task.group_name).create(
            array_specs(group, task.dtype), coordinates(group), attributes(group)
        )

    def write(self, task: SweepTask, found: ChunkResult) -> None:
        """Write what was found, then the marker that says so."""
        checksums = self._group(task.group_name).write(regions(task.chunk), found.arrays)
        note = {"plan": found.plan, "arrays": checksums, "seconds": found.seconds}
        self.store.mark(task.name, note)

    def read(self, task: SweepTask, note: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """Read what was found, and hold it against the marker's checksums."""
        return self._group(task.group_name).read(regions(task.chunk), note["arrays"])

    def notes(self, tasks: list[SweepTask]) -> dict[str, dict[str, Any]]:
        """Return the markers of some tasks by name; an error if one is missing."""
        found = {task.name: self.store.done(task.name) for task in tasks}
        missing = sum(note is None for note in found.values())
        if missing:
            raise UsageError(
                f"{str(self.store.folder)!r} is not complete: {missing} of {len(found)} chunks "
                "are missing.",
                "Run the command that began it again; it goes on from there.",
            )
        return {name: note for name, note in found.items() if note is not None}

    def verify(self, tasks: list[SweepTask]) -> None:
        """Read labels and all that some tasks wrote, and hold it against what it must be.

        Raises
        ------
        UsageError
            If a task is not finished.
        StoreError
            If an array is damaged.
        """
        notes = self.notes(tasks)
        for name, group in {task.group_name: task.chunk.group for task in tasks}.items():
            self._group(name).verify_labels(coordinates(group))
        for task in tasks:
            self.read(task, notes[task.name])

    def groups(self) -> list[Group]:
        """Return the groups of runs that share a shape."""
        return groups(self.plan)

    def of(self, participant: str, dtype: str, group: Group) -> list[SweepTask]:
        """Return the tasks of a participant, in one precision, for one group."""
        return [
            task
            for task in self.tasks
            if (task.participant, task.dtype, task.chunk.group) == (participant, dtype, group)
        ]

    def dataset(
        self,
        participant: str | None = None,
        *,
        dtype: str | None = None,
        loss: str | None = None,
        batch_size: int | None = None,
    ) -> xarray.Dataset:
        """Return the runs that share a participant, a precision, a loss and a batch size.

        What the sweep has only one of may be left out. Everything is read once to verify it; the
        data set itself reads what it is asked for.

        Returns
        -------
        xarray.Dataset
            Labelled by seed, learning rate, number of examples and epochs;
            :mod:`samestep.sweeping.recording` says what its arrays are.

        Raises
        ------
        UsageError
            If the sweep has several and none is named, or the named one is not there, or the store
            is not complete.
        StoreError
            If an array is damaged.
        """
        participant = _choose("participant", participant, self.participants)
        dtype = _choose("dtype", dtype, self.dtypes)
        loss = _choose("loss", loss, list(self.plan.loss))
        batch_size = _choose("batch_size", batch_size, list(self.plan.batch_size))
        tasks = self.of(participant, dtype, Group(self.plan, loss, batch_size))
        self.verify(tasks)
        environment = self.store.environment(tasks[0].side) or {}
        found = self.open(tasks[0]).assign_attrs(participant=environment["participant"])
        # A temporary folder may go before it is asked, and what is missing reads as NaN.
        return found.load() if self._temporary else found

    def open(self, task: SweepTask) -> xarray.Dataset:
        """Open the arrays of a task's group, unverified."""
        return self._group(task.group_name).open()

    def _group(self, name: str) -> ArrayGroup:
        if name not in self._arrays:
            self._arrays[name] = ArrayGroup(self.store.folder, name)
        return self._arrays[name]


def open_sweep(folder: Path | str) -> SweepResult:
    """Open the store of a sweep.

    Raises
    ------
    UsageError
        If the folder holds none.
    StoreError
        If it was written by another version, or changed.
    """
    store = Store(Path(folder))
    if store.kind != KIND:
        raise StoreError(f"{str(folder)!r} is a store of a {store.kind}, not of a sweep.")
    return SweepResult(store)


def _choose(what: str, given: _T | None, known: list[_T]) -> _T:
    if given is None and len(known) == 1:
        return known[0]
    if given not in known:
        raise UsageError(
            f"{what} is {given!r}." if given is not None else f"No {what} was named.",
            f"The sweep has {', '.join(map(str, known))}.",
        )
    return given
