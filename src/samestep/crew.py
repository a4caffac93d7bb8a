"""The participants of an experiment at work: all are asked, and whoever raises is set aside."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from samestep.errors import MissingParticipantError
from samestep.interface import Backend
from samestep.lab_tasks import Failure, attempt
from samestep.participants import Participant
from samestep.workers.process import LostWorkerError

__all__ = ["Crew"]

_LOG = logging.getLogger(__name__)

_AHEAD = 1
"""Things that are asked for before the results of the first one are there: each holds its data."""


@dataclass
class Crew:
    """Participants, and who of them has failed.

    Attributes
    ----------
    team : list of Participant
    failures : dict of str to str
        Why, by label; who is in it is asked no more.
    """

    team: list[Participant] = field(init=False, repr=False)
    failures: dict[str, str] = field(init=False, default_factory=dict)

    @property
    def participants(self) -> dict[str, Participant]:
        """Participants that have not failed, by label."""
        return {p.label: p for p in self.team if p.label not in self.failures}

    def each(self, work: Callable[[Backend], Any]) -> dict[str, Any]:
        """Do something on every participant; one that raises is set aside, the others go on.

        Parameters
        ----------
        work : callable
            It may be done in another process: what it needs travels with it, and what it returns
            must be free of the framework.

        Returns
        -------
        dict
            The results by label, in the order of the participants.
        """
        results = self.each_of(self.participants.values(), work)
        if not results:
            raise self._nobody_left()
        return results

    def _nobody_left(self) -> MissingParticipantError:
        reasons = "; ".join(f"{k}: {v}" for k, v in self.failures.items())
        return MissingParticipantError(f"Every participant failed. {reasons}")

    def each_of(
        self, participants: Iterable[Participant], work: Callable[[Backend], Any]
    ) -> dict[str, Any]:
        """Do what :meth:`each` does, for some of the participants; the result may be empty."""
        return next(self._in_turn(participants, [work]))

    @contextlib.contextmanager
    def each_in_turn(
        self,
        works: Iterable[Callable[[Backend], Any]],
        participants: Iterable[Participant] | None = None,
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """Do one thing after the other as :meth:`each` does, and iterate over their results.

        The next thing is asked for before the results of the last one are there, so that nobody
        waits for the slowest participant, or for what is made of the results.
        """

        def checked() -> Iterator[dict[str, Any]]:
            for results in found:
                if not results:
                    raise self._nobody_left()
                yield results

        chosen = self.participants.values() if participants is None else participants
        with contextlib.closing(self._in_turn(chosen, works)) as found:
            yield checked()

    def _in_turn(
        self, participants: Iterable[Participant], works: Iterable[Callable[[Backend], Any]]
    ) -> Generator[dict[str, Any]]:
        able = list(participants)
        asked: deque[dict[str, Future[Any]]] = deque()
        lost: set[str] = set()

        def call_off(label: str, future: Future[Any]) -> None:
            """Before a new worker takes up what the lost one, which may have hung, has left."""
            if not future.cancelled() and isinstance(future.exception(), LostWorkerError):
                lost.add(label)
                for pending in list(asked):
                    if label in pending:
                        pending[label].cancel()

        try:
            for work in works:
                attempted = functools.partial(attempt, work)
                able = [p for p in able if p.label not in lost | self.failures.keys()]
                asked.append({p.label: p.ask(attempted) for p in able})
                for label, future in asked[-1].items():
                    future.add_done_callback(functools.partial(call_off, label))
                for label in lost & asked[-1].keys():  # while this was asked for
                    asked[-1][label].cancel()
                if len(asked) > _AHEAD:
                    yield self._results(asked[0])
                    asked.popleft()
            while asked:
                yield self._results(asked[0])
                asked.popleft()
        finally:  # after an exception nobody waits for the rest
            for pending in asked:
                for future in pending.values():
                    future.cancel()

    def _results(self, pending: Mapping[str, Future[Any]]) -> dict[str, Any]:
        done: dict[str, Any] = {}
        for label, future in pending.items():
            if label in self.failures:  # by something that was asked for before
                future.cancel()
                continue
            try:
                outcome = future.result()
            except LostWorkerError as error:
                outcome = Failure(str(error))
            if isinstance(outcome, Failure):
                _LOG.debug("%s raised: %s", label, outcome.details)
                self.failures[label] = outcome.reason
            else:
                done[label] = outcome
        return done
