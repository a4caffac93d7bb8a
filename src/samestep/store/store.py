"""A folder of results that can be stopped and taken up again.

::

    STORE/plan.json             what is to be done; written first
    STORE/participants/P.json   the environment of a participant, from its first result
    STORE/done/TASK.json        one marker per finished task, with checksums of its arrays
    STORE/arrays.zarr/          the arrays (samestep.store.arrays)
    STORE/manifest.json         everything a reader needs; written last

A task that has no marker was never finished, whatever else lies there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from samestep.errors import UsageError
from samestep.store.files import StoreError, digest, read_sealed, write_sealed, writing

__all__ = ["FORMAT", "Store", "differences"]

FORMAT = 1
"""Version of the layout; another one is refused, never misread."""

_PLAN, _MANIFEST, _LOCK = "plan.json", "manifest.json", ".lock"
_DONE, _PARTICIPANTS = "done", "participants"


class Store:
    """A store on disk.

    Parameters
    ----------
    folder : Path
        Must hold a store already; :meth:`begin` makes one.

    Raises
    ------
    UsageError
        If the folder holds none.
    StoreError
        If it was written by another version, or changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / _PLAN).is_file():
            raise UsageError(
                f"{str(folder)!r} holds no store.",
                "Name the folder that was given to samestep sweep --out.",
            )
        head = read_sealed(folder / _PLAN)
        if head.get("format") != FORMAT:
            raise StoreError(
                f"{str(folder)!r} is a store of format {head.get('format')!r}.",
                f"This version of Samestep reads format {FORMAT}: use the one that wrote it.",
            )
        self.kind = str(head["kind"])
        self.plan: dict[str, Any] = head["plan"]

    @classmethod
    @contextlib.contextmanager
    def begin(cls, folder: Path, kind: str, plan: Mapping[str, Any]) -> Iterator[Store]:
        """Make a store, or take one up again, and keep other processes from writing to it.

        Parameters
        ----------
        folder : Path
        kind : str
            What the store is of, such as ``"sweep"``.
        plan : mapping
            Everything that decides the results, as JSON data; that of an existing store must be
            equal.

        Raises
        ------
        UsageError
            If the folder holds something else, or a store of another plan.
        StoreError
            If it cannot be written, or another process is writing to it.
        """
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / _LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise StoreError(
                    f"Another process is writing to {str(folder)!r}.",
                    "Wait until it has finished, or name another folder.",
                ) from error
        try:
            if not (folder / _PLAN).exists():
                # The lock and what a killed process left of a first file begin with a dot.
                if any(not path.name.startswith(".") for path in folder.iterdir()):
                    raise UsageError(
                        f"{str(folder)!r} is not empty, and holds no store.",
                        "Name a new or an empty folder.",
                    )
                write_sealed(folder / _PLAN, {"format": FORMAT, "kind": kind, "plan": plan})
            store = cls(folder)
            if store.kind != kind or store.plan != plan:
                how = differences(store.plan, plan) if store.kind == kind else f"it is a {kind}"
                raise UsageError(
                    f"{str(folder)!r} was begun with another plan.",
                    f"They differ in {how}. Name another folder.",
                )
            yield store
        finally:
            lock.release()

    def environment(self, participant: str) -> dict[str, Any] | None:
        """Where a participant's results were made; None before its first one."""
        path = self.folder / _PARTICIPANTS / f"{participant}.json"
        return read_sealed(path) if path.exists() else None

    def enter_environment(self, participant: str, environment: Mapping[str, Any]) -> None:
        """Say where a participant's results are made."""
        write_sealed(self.folder / _PARTICIPANTS / f"{participant}.json", environment)

    def done(self, task: str) -> dict[str, Any] | None:
        """Return what was noted of a finished task; None if it is not finished."""
        path = self._marker(task)
        return read_sealed(path) if path.exists() else None

    def mark(self, task: str, note: Mapping[str, Any]) -> None:
        """Say that a task is finished; its arrays must have been written before."""
        write_sealed(self._marker(task), note)

    def finish(self, tasks: list[str], record: Mapping[str, Any]) -> None:
        """Write the manifest: nothing is missing any more."""
        write_sealed(
            self.folder / _MANIFEST,
            {"format": FORMAT, "kind": self.kind, **record, "tasks": self._digest(tasks)},
        )

    @property
    def complete(self) -> bool:
        """Whether there is a manifest."""
        return (self.folder / _MANIFEST).exists()

    def manifest(self, tasks: list[str]) -> dict[str, Any]:
        """Read the manifest, and check that the markers are those that it was written for."""
        manifest = read_sealed(self.folder / _MANIFEST)
        if manifest["tasks"] != self._digest(tasks):
            raise StoreError(
                f"The markers in {str(self.folder)!r} are not those of its manifest.",
                "They were changed after it was finished. Run the same into a new folder.",
            )
        return manifest

    def _digest(self, tasks: list[str]) -> str:
        return digest({task: self.done(task) for task in tasks})

    def _marker(self, task: str) -> Path:
        return self.folder / _DONE / f"{task}.json"


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Say in which entries two plans differ, and how."""
    found = []
    for name in dict.fromkeys([*first, *second]):
        ours, theirs = first.get(name), second.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            found.append(differences(ours, theirs))
        elif ours != theirs:
            found.append(f"{name}: {ours!r} and {theirs!r}")
    return "; ".join(filter(None, found))
