"""How far a run is, on standard error, with an estimate of the time that remains."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column

if TYPE_CHECKING:
    from rich.console import Console, ConsoleRenderable, RichCast

    from samestep.experiment import Experiment

__all__ = ["Estimate", "RunProgress"]

SECONDS_PER_WEIGHT = 3.0
"""Guess for an exercise of weight 1, until the first one is finished."""


class Estimate:
    """What part of the work is done, and how long the rest takes.

    Exercises have weights in proportion to the time they are expected to take; how many seconds
    one unit of weight takes is learnt from the exercises that are finished.

    Parameters
    ----------
    weights : sequence of float
        Of the exercises, in the order in which they are run.
    clock : callable
        Seconds, from any origin.
    """

    def __init__(
        self, weights: Sequence[float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._weights = list(weights)
        self._clock = clock
        self._done = 0
        self._spent = 0.0
        self._started = clock()

    def start(self) -> None:
        """Say that an exercise begins now."""
        self._started = self._clock()

    def finish(self) -> None:
        """Say that the exercise is finished."""
        self._spent += self._clock() - self._started
        self._done += 1
        self.start()

    @property
    def _rate(self) -> float:
        weight = sum(self._weights[: self._done])
        return self._spent / weight if weight and self._spent else SECONDS_PER_WEIGHT

    @property
    def seconds_left(self) -> float:
        """Estimate of the time that remains; the running exercise is never thought done."""
        if self._done == len(self._weights):
            return 0.0
        running, *others = self._weights[self._done :]
        elapsed = self._clock() - self._started
        # An exercise that takes longer than expected says that the machine is slow.
        rate = max(self._rate, elapsed / running)
        return max(rate * running - elapsed, 0.1 * rate * running) + rate * sum(others)

    @property
    def fraction(self) -> float:
        """Part of the whole that is done, between 0 and 1."""
        spent, left = self._spent, self.seconds_left
        if self._done < len(self._weights):
            spent += self._clock() - self._started
        return spent / (spent + left) if left else 1.0


class _LiveProgress(Progress):
    """A progress bar that asks the estimate whenever it is drawn."""

    estimate: Estimate

    def get_renderables(self) -> Iterable[ConsoleRenderable | RichCast | str]:
        for task in self.tasks:
            task.completed = self.estimate.fraction
            task.fields["left"] = f"about {max(1, round(self.estimate.seconds_left))} s left"
        return super().get_renderables()


class RunProgress(AbstractContextManager["RunProgress"]):
    """The progress bar of a run; it gives way whenever a result is printed.

    Parameters
    ----------
    console : Console
        Standard error. Nothing is drawn where it is no terminal.
    """

    def __init__(self, console: Console) -> None:
        self._estimate = Estimate([1.0])
        self._bar = _LiveProgress(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[left]}"),
            TextColumn(
                "{task.description}",
                style="dim",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._bar.estimate = self._estimate
        self._task = self._bar.add_task("importing the frameworks", total=1.0, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def expect(self, exercises: Sequence[Experiment]) -> None:
        """Say which exercises will be run, in this order."""
        self._estimate = Estimate([exercise.weight for exercise in exercises])
        self._bar.estimate = self._estimate

    def start(self) -> None:
        """Say that an exercise begins."""
        self._estimate.start()

    def finish(self) -> None:
        """Say that an exercise is finished."""
        self._estimate.finish()

    def say(self, exercise: str, what: str) -> None:
        """Name the piece of work that begins."""
        self._bar.update(self._task, description=f"{exercise}: {what}" if exercise else what)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something else is printed on the same screen."""
        self._bar.stop()
        yield
        self._bar.start()
