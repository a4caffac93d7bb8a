"""A sweep as data: which runs, how they are recorded, and where they are read from (TOML)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samestep.errors import UsageError, unknown_name
from samestep.plan import Plan
from samestep.problem import SyntheticRegression, require_positive

__all__ = ["SweepPlan", "convert", "read_sweep", "recording_interval"]

_LISTS = ("learning_rate", "epochs", "n", "batch_size", "loss")
_SCALARS = ("seeds", "record", "chunk")

_NUMBER = (float, "numbers", (int, float, np.integer, np.floating))
_WHOLE = (int, "whole numbers", (int, np.integer))
_TEXT = (str, "text", (str,))
_KINDS: dict[str, tuple[Callable[[Any], Any], str, tuple[type, ...]]] = {
    "learning_rate": _NUMBER,
    "epochs": _WHOLE,
    "n": _WHOLE,
    "batch_size": _WHOLE,
    "loss": _TEXT,
    "seeds": _WHOLE,
    "record": _TEXT,
    "chunk": _WHOLE,
    "on": _TEXT,
    "dtype": _TEXT,
}
"""What a setting is converted to, what that is called, and what is accepted."""


@dataclass(frozen=True)
class SweepPlan:
    """All combinations of some settings, for a number of seeds; what is left out is the baseline's.

    Parameters
    ----------
    learning_rate : tuple of float
    epochs : tuple of int
    n : tuple of int
        Numbers of training examples.
    batch_size : tuple of int
    loss : tuple of str
        Each is a mean over the batch.
    seeds : int
        Seeds 0, 1, ..., seeds - 1; each draws data, initial values and batch order.
    record : str
        ``"final"``, the parameters at the end; ``"every K"``, also the parameters and the loss
        after every K updates; ``"every step"``, everything. In any case some runs, evenly spaced,
        are recorded at every step, so that their steps can be judged.
    chunk : int, optional
        Runs that are stacked; by default as many as fit in a bounded memory. It is part of the
        plan: another size changes last bits.

    Raises
    ------
    UsageError
        For an unknown loss or recording, a number out of range, or a value given twice.
    """

    learning_rate: tuple[float, ...] = (0.03,)
    epochs: tuple[int, ...] = (3,)
    n: tuple[int, ...] = (SyntheticRegression.num_train,)
    batch_size: tuple[int, ...] = (SyntheticRegression.batch_size,)
    loss: tuple[str, ...] = ("squared_error",)
    seeds: int = 1
    record: str = "final"
    chunk: int | None = None

    def __post_init__(self) -> None:
        for name in _LISTS:
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise UsageError(
                    f"{name} is {list(values)!r}.", "Expected one value or more, each once."
                )
        require_positive(seeds=self.seeds)
        if self.chunk is not None:
            require_positive(chunk=self.chunk)
        recording_interval(self.record)
        for n in self.n:
            for batch_size in self.batch_size:
                require_positive(n=n, batch_size=batch_size)
        for epochs in self.epochs:
            require_positive(epochs=epochs)
        problem = SyntheticRegression(num_train=1, num_val=0).draw(0)
        for loss in self.loss:
            for rate in self.learning_rate:
                Plan.of(problem, loss=loss, learning_rate=rate, epochs=1)

    @property
    def runs(self) -> int:
        """Number of runs on each participant, in each precision."""
        runs = self.seeds
        for name in _LISTS:
            runs *= len(getattr(self, name))
        return runs


def recording_interval(record: str) -> int:
    """Updates between two records: K, 1 for every step, 0 where only the end is recorded."""
    if record == "final":
        return 0
    word, _, interval = record.partition(" ")
    if word == "every" and interval == "step":
        return 1
    if word == "every" and interval.isdecimal() and int(interval) > 0:
        return int(interval)
    raise UsageError(
        f"record is {record!r}.", "Expected 'every step', 'every K' with a number K, or 'final'."
    )


def read_sweep(path: Path) -> dict[str, Any]:
    """Read a sweep from a TOML file: arguments for :func:`samestep.sweep`.

    Raises
    ------
    UsageError
        If the file cannot be read, or has a key or a value that is not known.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Cannot read {str(path)!r}: {error}.", "Expected a sweep as a TOML file."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{str(path)!r} is no TOML: {error}", "Expected lines such as learning_rate = [0.1]."
        ) from error
    return convert(found)


def convert(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check names and types of a sweep's settings; one value stands for a list of one."""
    checked: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in _KINDS:
            raise unknown_name("key of a sweep", name, _KINDS)
        several = not isinstance(value, str) and isinstance(value, Iterable)
        if several and name in _SCALARS:
            raise UsageError(f"{name} is {value!r}.", "Expected one value, not several.")
        values = tuple(_convert_one(name, item) for item in (value if several else [value]))
        checked[name] = values[0] if name in _SCALARS else values
    return checked


def _convert_one(name: str, value: object) -> Any:
    kind, words, accepted = _KINDS[name]
    if not isinstance(value, accepted) or isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}.", f"Expected {words}.")
    return kind(value)
