"""How a sweep is cut: groups of runs that share a shape, and chunks of them that are stacked.

In a group the learning rate, the number of examples, the epochs and the seed are data: short runs
are padded and frozen, so a framework that compiles does so once for a group. Loss and batch size
make groups, because padding a batch of 1 to one of 1024 would multiply the work.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samestep.plan import Plan, stack
from samestep.problem import Problem, SyntheticRegression
from samestep.sampling import evenly_spaced, fitting_runs
from samestep.store.files import StoreError
from samestep.sweeping.specification import SweepPlan

__all__ = [
    "CHECKED",
    "Chunk",
    "Group",
    "Setting",
    "as_data",
    "chunk_plan",
    "chunks",
    "from_data",
    "groups",
    "runs_plan",
]

CHECKED = 64
"""Runs of a group, about so many, that are recorded at every step whatever else is."""


class Setting(NamedTuple):
    """What is special about one run of a group."""

    seed: int
    learning_rate: float
    n: int
    epochs: int


@dataclass(frozen=True)
class Group:
    """Runs of a sweep that share loss and batch size, and so a shape.

    Seeds go slowest, so that a chunk draws few problems, and epochs fastest.
    """

    sweep: SweepPlan
    loss: str
    batch_size: int

    @property
    def name(self) -> str:
        """Name in a store."""
        return f"{self.loss}-{self.batch_size}"

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.sweep.seeds * math.prod(self._counts)

    @property
    def _counts(self) -> tuple[int, int, int]:
        return len(self.sweep.learning_rate), len(self.sweep.n), len(self.sweep.epochs)

    @property
    def longest(self) -> int:
        """Updates of the longest run."""
        return max(self._lengths)

    @property
    def steps(self) -> int:
        """Steps of the padded shape.

        One more than the longest run takes, if not all take as many: so every chunk freezes some
        run, also one whose runs are all long, and the same compiled program serves them all.
        """
        return self.longest + (len(self._lengths) > 1)

    @property
    def _lengths(self) -> set[int]:
        return {
            math.ceil(n / self.batch_size) * epochs
            for n, epochs in itertools.product(self.sweep.n, self.sweep.epochs)
        }

    @property
    def width(self) -> int:
        """Rows of a batch in the padded shape."""
        return min(self.batch_size, max(self.sweep.n))

    @property
    def chunk(self) -> int:
        """Runs that are stacked."""
        size = self.sweep.chunk or fitting_runs(
            steps=self.steps, width=self.width, features=len(SyntheticRegression.w)
        )
        return min(size, self.runs)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return math.ceil(self.runs / self.chunk)

    def setting(self, run: int) -> Setting:
        """Return the settings of a run."""
        seed, rate, n, epochs = np.unravel_index(run, (self.sweep.seeds, *self._counts))
        sweep = self.sweep
        return Setting(int(seed), sweep.learning_rate[rate], sweep.n[n], sweep.epochs[epochs])

    def coordinates(self) -> dict[str, npt.NDArray[Any]]:
        """Return the settings of all runs as arrays of shape (runs,), by name."""
        index = np.unravel_index(np.arange(self.runs), (self.sweep.seeds, *self._counts))
        values = (np.arange(self.sweep.seeds), *map(np.array, self._values))
        return {
            name: choices[places]
            for name, choices, places in zip(Setting._fields, values, index, strict=True)
        }

    @property
    def _values(self) -> tuple[tuple[float, ...], ...]:
        return self.sweep.learning_rate, self.sweep.n, self.sweep.epochs

    @property
    def checks_all(self) -> bool:
        """Whether all runs are recorded at every step."""
        return self.sweep.record == "every step"

    @property
    def checked_chunks(self) -> npt.NDArray[np.intp]:
        """Chunks that hold checked runs, evenly spaced, unless all do."""
        return evenly_spaced(self.chunks, CHECKED)

    @property
    def checked_per_chunk(self) -> int:
        """Checked runs of a chunk that holds some."""
        if self.checks_all:
            return self.chunk
        return min(self.chunk, math.ceil(CHECKED / len(self.checked_chunks)))

    @property
    def checked(self) -> npt.NDArray[np.intp]:
        """Runs that are recorded at every step, in ascending order."""
        return np.arange(self.runs) if self.checks_all else _sample(self)


@dataclass(frozen=True)
class Chunk:
    """A range of a group's runs that is one task for a participant."""

    group: Group
    index: int

    @property
    def runs(self) -> slice:
        """Its runs; the last chunk may have fewer."""
        start = self.index * self.group.chunk
        return slice(start, min(start + self.group.chunk, self.group.runs))

    @property
    def checked(self) -> slice:
        """Places, among the checked runs of the group, of those in this chunk."""
        if self.group.checks_all:
            return self.runs
        group = self.group
        place = int(np.searchsorted(group.checked_chunks, self.index)) * group.checked_per_chunk
        count = group.checked_per_chunk if self.index in group.checked_chunks else 0
        return slice(place, place + count)

    @property
    def name(self) -> str:
        """Name in a store."""
        return f"{self.group.name}/{self.index}"


@functools.lru_cache(maxsize=64)
def _sample(group: Group) -> npt.NDArray[np.intp]:
    """Draw the checked runs of each chunk that holds some.

    Drawn and not evenly spaced, because settings recur in the order of the runs. Every chunk has as
    many, so a last one with fewer runs has some of them twice.
    """
    found = []
    for index in group.checked_chunks:
        runs = Chunk(group, int(index)).runs
        drawn = np.random.default_rng(int(index)).permutation(runs.stop - runs.start)
        found.append(runs.start + np.sort(np.resize(drawn, group.checked_per_chunk)))
    return np.concatenate(found)


def groups(sweep: SweepPlan) -> list[Group]:
    """Return the groups of a sweep."""
    return [
        Group(sweep, loss, size) for loss, size in itertools.product(sweep.loss, sweep.batch_size)
    ]


def chunks(sweep: SweepPlan) -> Iterator[Chunk]:
    """Return all chunks of a sweep, in the order in which they are worked on."""
    for group in groups(sweep):
        for index in range(group.chunks):
            yield Chunk(group, index)


@functools.lru_cache(maxsize=2)
def chunk_plan(chunk: Chunk) -> Plan:
    """Plan a chunk, filled up to the size of its group with copies of its last run.

    The last ones are kept: the participants and precisions of one process share them.
    """
    size, runs = chunk.group.chunk, chunk.runs
    return runs_plan(
        chunk.group, np.minimum(np.arange(runs.start, runs.start + size), runs.stop - 1)
    )


def runs_plan(group: Group, runs: npt.NDArray[np.intp]) -> Plan:
    """Plan some runs of a group, padded to the group's shape."""
    problems: dict[tuple[int, int], Problem] = {}
    bases: dict[tuple[int, int, int], Plan] = {}
    plans = []
    for run in runs:
        seed, rate, n, epochs = group.setting(int(run))
        if (seed, n) not in problems:
            spec = SyntheticRegression(num_train=n, num_val=0, batch_size=group.batch_size)
            problems[seed, n] = spec.draw(seed)
        if (seed, n, epochs) not in bases:
            bases[seed, n, epochs] = Plan.of(problems[seed, n], loss=group.loss, epochs=epochs)
        plans.append(bases[seed, n, epochs].vary(learning_rate=rate))
    return stack(plans, f"{group.name}, {len(plans)} runs", steps=group.steps, width=group.width)


def as_data(sweep: SweepPlan) -> dict[str, Any]:
    """Return everything that decides the numbers of a sweep, as JSON data."""
    settings = {f.name: getattr(sweep, f.name) for f in fields(sweep)}
    sizes = {group.name: group.chunk for group in groups(sweep)}
    return {
        **{k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()},
        "chunk_sizes": sizes,
    }


def from_data(data: Mapping[str, Any]) -> SweepPlan:
    """Return the sweep of a store.

    Raises
    ------
    StoreError
        If this version of Samestep would cut it otherwise.
    """
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in data.items()
        if name != "chunk_sizes"
    }
    sweep = SweepPlan(**settings)
    if as_data(sweep) != data:
        raise StoreError(
            "The sweep was cut into chunks by other rules than this version's.",
            "Use the version of Samestep that wrote it.",
        )
    return sweep
