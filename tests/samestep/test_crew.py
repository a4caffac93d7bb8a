"""One thing after the other on every participant: asked for ahead, and called off together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from samestep import MissingParticipantError
from samestep.experiment import Experiment
from samestep.interface import Backend
from samestep.lab import Lab
from samestep.lab_tasks import Failure
from samestep.participants import Participant
from samestep.workers.process import LostWorkerError


class Empty(Experiment):
    id = "empty"
    title = "Empty"
    question = "?"

    def run(self, lab: Lab) -> str:
        return ""


class Answer(Future[Any]):
    """Who asks for it too early would wait for ever."""

    def result(self, timeout: float | None = None) -> Any:
        return super().result(timeout=0)


class LostWhileAwaited(Answer):
    """Its worker ends while somebody waits."""

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.set_exception(LostWorkerError("b is gone.", ""))
        return super().result()


class Elsewhere:
    """A participant that answers when the test says so, as a worker that is busy does."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.answers: type[Answer] = Answer
        self.asked: list[tuple[Callable[[Backend], Any], Future[Any]]] = []

    def ask(self, work: Callable[[Backend], Any]) -> Future[Any]:
        future = self.answers()
        self.asked.append((work, future))
        return future

    def answer(self) -> None:
        """Do all that was asked."""
        for work, future in self.asked:
            if not future.done():
                future.set_result(work(self))  # type: ignore[arg-type]

    def participant(self) -> Participant:
        return Participant("numpy", "cpu", "float64", self.label, frozenset(), {}, self.ask)


@pytest.fixture
def a() -> Elsewhere:
    return Elsewhere("a")


@pytest.fixture
def b() -> Elsewhere:
    return Elsewhere("b")


@pytest.fixture
def lab(a: Elsewhere, b: Elsewhere) -> Lab:
    return Lab(Empty(), [a.participant(), b.participant()], seeds=1)


def numbered(*participants: Elsewhere) -> Iterator[Callable[[Backend], Any]]:
    """Things to do; before the third one is made, the first one is answered."""
    for number in range(4):
        if number:
            for participant in participants:
                participant.answer()
        yield lambda backend, number=number: (backend.label, number)
    for participant in participants:
        participant.answer()


def test_results_come_in_turn(lab: Lab, a: Elsewhere, b: Elsewhere) -> None:
    with lab.each_in_turn(numbered(a, b)) as results:
        first = next(results)
        assert first == {"a": ("a", 0), "b": ("b", 0)}
        assert [len(x.asked) for x in (a, b)] == [2, 2], "the next one is asked for already"
        a.answer()
        b.answer()
        second = next(results)
        assert second == {"a": ("a", 1), "b": ("b", 1)}
        assert [len(x.asked) for x in (a, b)] == [3, 3], "but no more: each holds its data"


def test_one_that_raises_is_asked_no_more(lab: Lab, a: Elsewhere, b: Elsewhere) -> None:
    def answered() -> Iterator[Callable[[Backend], Any]]:
        for number, work in enumerate(numbered(a)):
            if number == 1:
                b.asked[0][1].set_result(Failure("out of range"))
            yield work

    with lab.each_in_turn(answered()) as results:
        assert list(results) == [{"a": ("a", number)} for number in range(4)]
    assert lab.failures == {"b": "out of range"}
    assert len(b.asked) == 2
    assert b.asked[1][1].cancelled()


def test_what_a_lost_worker_has_left_is_called_off_at_once(
    lab: Lab, a: Elsewhere, b: Elsewhere
) -> None:
    """A new worker would take it up, and might hang as long as the lost one."""
    b.answers = LostWhileAwaited
    with lab.each_in_turn(numbered(a)) as results:
        assert next(results) == {"a": ("a", 0)}
        assert [future.cancelled() for _, future in b.asked] == [False, True]
        assert list(results) == [{"a": ("a", number)} for number in (1, 2, 3)]
    assert lab.failures == {"b": "b is gone."}
    assert len(b.asked) == 2


def test_a_worker_that_is_lost_early_is_asked_no_more(lab: Lab, a: Elsewhere, b: Elsewhere) -> None:
    def works() -> Iterator[Callable[[Backend], Any]]:
        for number, work in enumerate(numbered(a)):
            if number == 1:
                b.asked[0][1].set_exception(LostWorkerError("b is gone.", ""))
            yield work

    with lab.each_in_turn(works()) as results:
        assert next(results) == {"a": ("a", 0)}
    assert len(b.asked) == 1


def test_when_nobody_is_left_it_ends(lab: Lab, a: Elsewhere, b: Elsewhere) -> None:
    def failing() -> Iterator[Callable[[Backend], Any]]:
        for work in numbered():
            yield work
            for item in (a, b):
                item.asked[0][1].set_exception(LostWorkerError(f"{item.label} is gone.", ""))

    with (
        pytest.raises(MissingParticipantError, match="a is gone"),
        lab.each_in_turn(failing()) as results,
    ):
        next(results)


def test_after_an_exception_nobody_waits_for_the_rest(lab: Lab, a: Elsewhere, b: Elsewhere) -> None:
    def interrupted() -> None:
        with lab.each_in_turn(numbered(a, b)) as results:
            next(results)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert a.asked[1][1].cancelled()
    assert b.asked[1][1].cancelled()
