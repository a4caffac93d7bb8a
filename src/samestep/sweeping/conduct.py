"""Sweeps, conducted: chunks go to the participants, results to the store, the manifest last."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime
from pathlib import Path

import numpy.typing as npt

from samestep.errors import SamestepError, one_line
from samestep.runner import check_participants
from samestep.store.files import StoreError, digest
from samestep.store.store import Store, differences
from samestep.sweeping.lanes import Lane, open_lanes
from samestep.sweeping.layout import as_data
from samestep.sweeping.results import KIND, SweepResult, SweepTask
from samestep.sweeping.specification import SweepPlan, convert
from samestep.sweeping.task import ChunkResult, run_chunk
from samestep.workers.process import LostWorkerError

__all__ = ["sweep"]

_ATTEMPTS = 3
"""How often a chunk is tried whose worker is lost, and how many workers are lost in a row."""


def sweep(
    *,
    learning_rate: npt.ArrayLike | None = None,
    epochs: npt.ArrayLike | None = None,
    n: npt.ArrayLike | None = None,
    batch_size: npt.ArrayLike | None = None,
    loss: str | Sequence[str] | None = None,
    seeds: int | None = None,
    on: str | Sequence[str] = (),
    dtype: str | Sequence[str] = "float32",
    record: str | None = None,
    chunk: int | None = None,
    out: Path | str | None = None,
    engine: str = "in-process",
    python: Mapping[str, str] | None = None,
    timeout: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    tell: Callable[[str], None] = lambda text: None,
) -> SweepResult:
    """Run all combinations of some settings on all participants, and store what they find.

    Parameters
    ----------
    learning_rate, epochs, n, batch_size, loss : value or sequence
        What is left out has the baseline's value; see :class:`SweepPlan`.
    seeds : int
        Seeds 0, 1, ..., seeds - 1; 1 by default.
    on : str or sequence of str
        Participants ``NAME`` or ``NAME@DEVICE``; all installed backends by default.
    dtype : str or sequence of str
    record : {"final", "every K", "every step"}
        What is kept; ``"final"`` by default.
    chunk : int, optional
        Runs that are stacked; by default as many as fit in a bounded memory.
    out : path, optional
        Folder of the store. What is complete there is not run again. Without one, a temporary
        folder that goes with the result.
    engine : str
        ``"in-process"``, ``"workers"`` for one process per participant, ``"local"`` for a Dask
        cluster on this machine, or the address of a Dask scheduler.
    python : mapping of str to str, optional
        Interpreters by backend, for ``"workers"``.
    timeout : float, optional
        Seconds after which a worker's chunk counts as hung, for ``"workers"``.
    progress : callable
        Called with the numbers of finished chunks and of all.
    tell : callable
        Called with a sentence about what went wrong and what is done about it.

    Returns
    -------
    SweepResult

    Raises
    ------
    UsageError
        For an unknown name or a number out of range, before any work is done, or for a folder that
        holds something else.
    StoreError
        If the store cannot be written, or another process is writing to it.
    SamestepError
        If a participant could not finish, after the others have.

    Notes
    -----
    The same sweep gives the same arrays, to the bit, with every engine on one machine.
    ``KeyboardInterrupt`` drops the chunks in progress and keeps the finished ones.
    """
    given = {
        "learning_rate": learning_rate,
        "epochs": epochs,
        "n": n,
        "batch_size": batch_size,
        "loss": loss,
        "seeds": seeds,
        "record": record,
        "chunk": chunk,
    }
    plan = SweepPlan(**convert({k: v for k, v in given.items() if v is not None}))
    sides = convert({"on": on, "dtype": dtype})
    python = python or {}
    participants = check_participants(sides["on"], sides["dtype"], python)
    temporary = None
    if out is None:
        temporary = tempfile.TemporaryDirectory(prefix="samestep-")
        out = temporary.name
    data = {"sweep": as_data(plan), "on": participants, "dtype": list(sides["dtype"])}
    with Store.begin(Path(out), KIND, data) as store:
        result = SweepResult(store, temporary)
        conductor = _Conductor(result, progress, tell)
        if conductor.missing:
            with open_lanes(engine, participants, python=python, timeout=timeout) as lanes:
                conductor.work(lanes)
        conductor.finish()
    return result


class _Conductor:
    """Hands chunks out and takes results in, for one sweep into one store."""

    def __init__(
        self,
        result: SweepResult,
        progress: Callable[[int, int], None],
        tell: Callable[[str], None],
    ) -> None:
        self._result = result
        self._store = result.store
        self._progress = progress
        self._tell = tell
        self._failures: dict[str, str] = {}
        self._waiting: dict[str, deque[SweepTask]] = {}
        self._pending: dict[Future[ChunkResult], SweepTask] = {}
        # Workers lost over a chunk, and in a row over any chunk of a participant.
        self._losses: Counter[str] = Counter()
        if self._store.complete:
            result.manifest  # noqa: B018  # unchanged since it was written, or an error
        self.missing = self._find_missing()
        self._done = len(result.tasks) - len(self.missing)
        self._progress(self._done, len(result.tasks))

    def _find_missing(self) -> list[SweepTask]:
        """Verify what is there, and return what is not, or is damaged."""
        missing, begun = [], set()
        for task in self._result.tasks:
            note = self._store.done(task.name)
            if note is not None:
                begun.add(task.group_name)
                try:
                    self._result.read(task, note)
                except StoreError as error:
                    self._tell(f"{error.message} The chunk is computed again.")
                    note = None
            if note is None:
                missing.append(task)
        for task in missing:
            if task.group_name not in begun:
                self._result.create(task)
                begun.add(task.group_name)
        return missing

    def work(self, lanes: Mapping[str, Lane]) -> None:
        """Keep every lane busy until nothing is missing, or a participant cannot go on."""
        for name in lanes:
            self._waiting[name] = deque(t for t in self.missing if t.participant == name)
        while True:
            for name, lane in lanes.items():
                busy = sum(task.participant == name for task in self._pending.values())
                for _ in range(min(lane.depth - busy, len(self._waiting[name]))):
                    task = self._waiting[name].popleft()
                    work = functools.partial(run_chunk, chunk=task.chunk)
                    self._pending[lane.submit(work, task.dtype)] = task
            if not self._pending:
                return
            # With a time limit, because on Windows Ctrl-C waits for the end of a wait.
            finished, _ = wait(self._pending, timeout=1, return_when=FIRST_COMPLETED)
            for future in finished:
                self._settle(future, self._pending.pop(future))

    def _settle(self, future: Future[ChunkResult], task: SweepTask) -> None:
        """Take in what came of a task; a participant that cannot go on is set aside."""
        name = task.participant
        try:
            found = future.result()
            self._require_same_environment(task, found)
        except LostWorkerError as error:
            self._losses.update([name, task.name])
            if max(self._losses[name], self._losses[task.name]) < _ATTEMPTS:
                self._tell(f"{error} The chunk is tried again.")
                self._waiting[name].appendleft(task)
            else:
                self._set_aside(name, error)
        except Exception as error:  # noqa: BLE001  # whatever a framework or a cluster may raise
            self._set_aside(name, error)
        else:
            self._result.write(task, found)
            self._losses[name] = 0
            self._done += 1
            self._progress(self._done, len(self._result.tasks))

    def _set_aside(self, name: str, error: Exception) -> None:
        """Give a participant no more work; the others go on."""
        if name in self._failures:
            return
        self._failures[name] = str(error) if isinstance(error, SamestepError) else one_line(error)
        self._tell(f"{name} cannot go on: {self._failures[name]}")
        self._waiting[name].clear()
        for future, task in self._pending.items():
            if task.participant == name:
                future.cancel()

    def _require_same_environment(self, task: SweepTask, found: ChunkResult) -> None:
        """Refuse to mix, in one store, what was made by different versions or threads."""
        known = self._store.environment(task.side)
        if known is None:
            self._store.enter_environment(task.side, found.environment)
        elif known != found.environment:
            raise StoreError(
                f"{task.side} has another environment than what is stored of it: "
                f"{differences(known, found.environment)}.",
                "Sweep into another folder; samestep compare takes both.",
            )

    def finish(self) -> None:
        """Write the manifest, or say who could not finish."""
        result, store = self._result, self._store
        if self._failures:
            reasons = "; ".join(f"{name}: {why}" for name, why in self._failures.items())
            raise SamestepError(
                f"{self._done} of {len(result.tasks)} chunks are complete. {reasons}",
                "When that is mended, the same command goes on from there.",
            )
        if store.complete and not self.missing:
            return
        seconds: Counter[str] = Counter()
        for task in result.tasks:
            seconds[task.side] += (store.done(task.name) or {})["seconds"]
        sides = _unique(task.side for task in result.tasks)
        store.finish(
            [task.name for task in result.tasks],
            {
                **store.plan,
                "plan_hash": digest(store.plan["sweep"]),
                "runs": result.plan.runs,
                "participants": {side: store.environment(side) for side in sides},
                "seconds": dict(seconds),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
