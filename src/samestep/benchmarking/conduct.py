"""Conduct a benchmark: who does what, in which order, and when it is enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from samestep.benchmarking.catalogue import Session, sessions
from samestep.benchmarking.contender import Contender, peer_contenders
from samestep.benchmarking.crew import Crew
from samestep.benchmarking.introduction import describe_environment, modes_of
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.parity import prove
from samestep.benchmarking.result import BenchResult
from samestep.benchmarking.task import (
    Introduction,
    close,
    introduce,
    measure_copy,
    open_fit,
    take,
)
from samestep.errors import SamestepError
from samestep.registry import check_dtype, parse_participant
from samestep.runner import check_participants
from samestep.workers.exclusive import exclusive_use

__all__ = ["bench"]

Progress = Callable[[str, float, float], None]
"""Called with what is being done, the expected seconds of all that is done, and of everything."""

_OPENING_SECONDS, _TURN_SECONDS = 1.5, 0.05
"""What an opening and a turn are expected to take, for the estimate of what is left."""

_TURNS_APART = 5
_FEWEST_TURNS = 2

_LONGEST_CALL, _LONGEST_QUICK = 5.0, 1.0
"""Seconds: what would take longer in one call is left out; the second one in a series too."""

_LONGEST_CALL_APART = 3.0
"""Seconds: a second call on a large problem that takes longer is the last one."""

_SHARE = 0.25
"""Part of the seconds of a session that one contender may take once it has had its fewest turns."""


def bench(
    *,
    quick: bool = False,
    on: Sequence[str] = (),
    dtype: str = "float32",
    workloads: Sequence[str] = (),
    progress: Progress = lambda what, done, total: None,
    tell: Callable[[str], None] = lambda text: None,
) -> BenchResult:
    """Time every mode of the backends and the peers on the same work, after parity is proved.

    Each contender works in a process of its own, on one core and one thread, one at a time, in an
    order that is drawn anew in each round. Ctrl-C ends it and keeps what is measured.

    Parameters
    ----------
    quick : bool
        Less than a minute: no large problem, and nobody who takes seconds to compile or import.
    on : sequence of str
        ``NAME`` or ``NAME@DEVICE``; by default all installed backends, on the CPU.
    dtype : {"float32", "float64"}
    workloads : sequence of str
        Some of "single", "stack", "one row a step", "large" and "growth"; all by default.
    progress : callable
        ``(what, done, total)``, in expected seconds.
    tell : callable
        Called with a sentence if there is something to wait for.

    Raises
    ------
    UsageError
        For an unknown name.
    SamestepError
        If the timer does not wait for a backend's operations.
    """
    check_dtype(dtype)
    planned = sessions(quick=quick, dtype=dtype, names=workloads)
    participants = check_participants(on, [dtype])
    with exclusive_use(tell):
        conductor = _Conductor(quick=quick, dtype=dtype, planned=planned, progress=progress)
        try:
            with Crew() as crew:
                conductor.conduct(crew, participants)
        except KeyboardInterrupt:
            conductor.interrupted = True
        return conductor.result()


class _Conductor:
    """One benchmark in the making."""

    def __init__(
        self, *, quick: bool, dtype: str, planned: Sequence[Session], progress: Progress
    ) -> None:
        self.interrupted = False
        self._quick, self._dtype, self._planned = quick, dtype, planned
        self._progress, self._rng = progress, np.random.default_rng(0)
        self._introductions: dict[str, Introduction] = {}
        self._contenders: list[Contender] = []
        self._left_out: tuple[str, ...] = ()
        self._imports: dict[str, float] = {}
        self._measurements: list[Measurement] = []
        self._done = self._total = 0.0
        self._started = datetime.now(UTC)

    def conduct(self, crew: Crew, participants: Sequence[str]) -> None:
        self._introduce(crew, participants)
        self._total = sum(self._expected(session) for session in self._planned)
        for session in self._planned:
            finished = self._done + self._expected(session)
            if session.apart:
                self._apart(crew, session)
            else:
                self._side_by_side(crew, session)
            self._done = finished

    def result(self) -> BenchResult:
        return BenchResult(
            measurements=self._measurements,
            planned=self._planned,
            introductions=self._introductions,
            environment={
                "started": self._started.isoformat(timespec="seconds"),
                "dtype": self._dtype,
                "quick": self._quick,
                **describe_environment(self._introductions),
            },
            left_out=self._left_out,
            quick=self._quick,
            interrupted=self.interrupted,
        )

    def _introduce(self, crew: Crew, participants: Sequence[str]) -> None:
        """Open the backends, ask for their modes, and test the timer on each."""
        for participant in participants:
            self._say(f"importing {participant}")
            name, _ = parse_participant(participant)
            told = crew.ask(participant, name, introduce, participant, self._dtype)
            if not told.timer.waits:
                raise SamestepError(
                    f"The timer does not wait for {participant}: it says {told.timer.timed:.3g} s "
                    f"for an operation of {told.timer.finished:.3g} s.",
                    "Backend.to_numpy has to wait for the device.",
                )
            self._introductions[participant] = told
            modes = list(modes_of(participant, told))
            self._contenders += modes
            # This process goes on as that of the default mode.
            crew.rename(participant, modes[0].name)
            self._imports[modes[0].name] = told.import_seconds
        backends = [parse_participant(participant)[0] for participant in participants]
        self._contenders += peer_contenders(backends, [c.name for c in self._contenders])
        if self._quick:  # what does more than the work gets no ratio
            slow = (c.name for c in self._contenders if c.how.slow or c.how.does_more)
            self._left_out = tuple(slow)

    def _side_by_side(self, crew: Crew, session: Session) -> None:
        """Open all contenders, and let them take turns."""
        opened = []
        for measurement in self._shuffled(self._candidates(session)):
            self._say(f"{session.workload.name}: {measurement.name} begins")
            if self._open(crew, measurement):
                opened.append(measurement)
            self._done += _OPENING_SECONDS
        began = time.monotonic()
        least, most = session.rounds
        for round_ in range(most):
            if round_ >= least and time.monotonic() - began > session.seconds:
                break
            for measurement in self._shuffled(opened):
                self._say(f"{session.workload.name}: round {round_ + 1} of at most {most}")
                # Those that are slow take fewer turns, and leave after the others.
                if round_ < _FEWEST_TURNS or measurement.seconds_taken < _SHARE * session.seconds:
                    self._take(crew, measurement)
                self._done += _TURN_SECONDS
        for measurement in opened:
            if not measurement.obstacle:
                crew.ask(measurement.name, measurement.contender.backend, close, session.workload)

    def _apart(self, crew: Crew, session: Session) -> None:
        """One contender at a time, in a fresh process at each turn."""
        candidates = self._candidates(session)
        for contender in self._contenders:
            crew.dismiss(contender.name)
        for round_ in range(session.rounds[1]):
            for measurement in self._shuffled([m for m in candidates if not m.obstacle]):
                self._say(f"{session.workload.name}: round {round_ + 1}, {measurement.name}")
                name, backend = measurement.name, measurement.contender.backend
                try:
                    measurement.copy_rates.append(crew.ask(name, backend, measure_copy))
                except SamestepError as error:
                    measurement.fail(error)
                    continue
                if self._open(crew, measurement):
                    self._drop_if_long(measurement)
                    for _ in range(_TURNS_APART):
                        self._take(crew, measurement)
                crew.dismiss(name)
                self._done += _OPENING_SECONDS

    def _candidates(self, session: Session) -> list[Measurement]:
        """Note everybody who should do a workload, and return those who can."""
        able = []
        for contender in self._contenders:
            if contender.name in self._left_out or not session.admits(contender):
                continue
            measurement = Measurement(contender, session.workload)
            if contender.missing:
                measurement.obstacle = f"not run: {contender.missing}"
            else:
                measurement.obstacle = contender.how.obstacle(session.workload)
            if not measurement.obstacle and self._too_long(contender, session):
                longest = self._longest_call(session)
                measurement.obstacle = f"left out: a call would take more than {longest:g} s"
            if session.apart and contender.how.does_more:
                measurement.obstacle = "left out: it does more, and would get no ratio"
            if session.apart and contender.how.slow:
                measurement.obstacle = "left out: it takes long to begin"
            self._measurements.append(measurement)
            if not measurement.obstacle:
                able.append(measurement)
        return able

    def _too_long(self, contender: Contender, session: Session) -> bool:
        """Whether a call would take too long, if the time goes with the steps of all runs.

        It is guessed from the last single fit that was measured; of a stack it is not.
        """
        known = [
            m
            for m in self._measurements
            if m.contender is contender and m.done and m.workload.runs == 1
        ]
        if not known or session.workload.runs > 1:
            return False
        seconds = float(np.median(known[-1].seconds_per_fit)) / known[-1].workload.plan().steps
        return seconds * session.workload.plan().steps > self._longest_call(session)

    def _longest_call(self, session: Session) -> float:
        return _LONGEST_QUICK if self._quick or session.series else _LONGEST_CALL

    def _open(self, crew: Crew, measurement: Measurement) -> bool:
        """Let a contender begin, and judge what it did; whether it can go on."""
        contender, workload = measurement.contender, measurement.workload
        try:
            opening, outcome = crew.ask(
                contender.name, contender.backend, open_fit, contender.how, workload
            )
        except Exception as error:  # noqa: BLE001  # whatever a framework raises is a finding
            measurement.fail(error)
            return False
        seconds = self._imports.setdefault(contender.name, opening.ready)
        measurement.import_seconds = seconds
        if measurement.opening is None:
            measurement.opening = opening
            measurement.parity = prove(workload, outcome, contender.name)
        return True

    def _drop_if_long(self, measurement: Measurement) -> None:
        """Let go of one that would keep the others waiting; two calls say how slow it is."""
        assert measurement.opening is not None
        second = measurement.opening.second
        if second > _LONGEST_CALL_APART:
            measurement.obstacle = f"left out after two calls: the second took {second:.3g} s"

    def _take(self, crew: Crew, measurement: Measurement) -> None:
        if measurement.obstacle:
            return
        contender = measurement.contender
        try:
            taken = crew.ask(contender.name, contender.backend, take, measurement.workload)
            measurement.samples.append(taken)
        except Exception as error:  # noqa: BLE001  # as above
            measurement.fail(error)

    def _shuffled(self, items: Sequence[Measurement]) -> Iterator[Measurement]:
        for i in self._rng.permutation(len(items)):
            yield items[i]

    def _expected(self, session: Session) -> float:
        """Seconds that a session is expected to take."""
        count = sum(session.admits(c) for c in self._contenders if c.name not in self._left_out)
        if session.apart:
            return session.rounds[1] * count * 4 * _OPENING_SECONDS
        rounds = sum(session.rounds) / 2
        return count * (_OPENING_SECONDS + rounds * _TURN_SECONDS)

    def _say(self, what: str) -> None:
        self._progress(what, self._done, self._total)
