"""Run exercises on participants: what ``samestep run`` and :func:`samestep.run` do."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from samestep.errors import MissingParticipantError, UsageError, one_line, unknown_name
from samestep.experiment import Experiment
from samestep.interface import DTYPES, Backend
from samestep.lab import Lab
from samestep.participants import Participant, open_team
from samestep.problem import require_positive
from samestep.provenance import code_digest
from samestep.registry import (
    ORACLE,
    backend_entries,
    backend_entry,
    check_dtype,
    experiment,
    experiment_names,
    parse_participant,
)
from samestep.results import Result
from samestep.store.files import digest
from samestep.summary import ExerciseModel, Summary

__all__ = [
    "DEFAULT_SEEDS",
    "Campaign",
    "check_participants",
    "default_participants",
    "run",
    "show_progress",
]

DEFAULT_SEEDS = 10_000
_LINE = 79

_DETERMINING = ("participants", "backends", "samestep", "python", "numpy", "system")
"""What of the environment may change the numbers."""


def default_participants() -> list[str]:
    """All installed backends but the oracle: the referee does not play unless it is asked to."""
    return [e.name for e in backend_entries().values() if not e.missing and e.name != ORACLE]


def check_participants(
    on: Sequence[str], dtypes: Sequence[str], python: Mapping[str, str] | None = None
) -> list[str]:
    """Check names and precisions without importing a framework; return all names by default.

    Parameters
    ----------
    on : sequence of str
        ``NAME`` or ``NAME@DEVICE``.
    dtypes : sequence of str
    python : mapping of str to str, optional
        Interpreters by backend; what works in another one need not be installed here.
    """
    given = [on] if isinstance(on, str) else list(on)
    python = python or {}
    participants = list(dict.fromkeys(given or [*default_participants(), *python]))
    if not participants:
        commands = " or ".join(
            e.install_command for e in backend_entries().values() if e.name != ORACLE
        )
        raise MissingParticipantError("No framework is installed.", f"Install one: {commands}")
    names = {participant: parse_participant(participant)[0] for participant in participants}
    unused = sorted(set(python) - set(names.values()))
    if unused:
        raise UsageError(
            f"An interpreter was given for {', '.join(unused)}, which takes no part.",
            f"Participants: {', '.join(participants)}.",
        )
    for name in names.values():
        if name not in python:
            backend_entry(name).require()
    if not dtypes:
        raise UsageError("No dtype was given.", f"Known: {', '.join(DTYPES)}.")
    for dtype in dtypes:
        check_dtype(dtype)
    return participants


def run(
    *exercises: str,
    on: Sequence[str] = (),
    dtype: Sequence[str] | str = DTYPES,
    seeds: int = DEFAULT_SEEDS,
    settings: Mapping[str, int | float | str] | None = None,
    progress: Callable[[str, str], None] = lambda exercise, what: None,
    finished: Callable[[ExerciseModel], None] = lambda exercise: None,
) -> Result:
    """Run exercises, cross-check every participant, and collect claims with their evidence.

    Parameters
    ----------
    *exercises : str
        Names; all registered ones by default.
    on : sequence of str
        Participants ``NAME`` or ``NAME@DEVICE``; all installed backends on their CPU by default.
    dtype : str or sequence of str
        Working precisions; ``float32`` and ``float64`` by default.
    seeds : int
        Upper limit of the seeds of any statistical claim. 10,000 decide all of them; fewer leave
        some undecided, never failed.
    settings : mapping
        Parameters of the exercises; every name must be known to at least one of them.
    progress : callable
        Called with the exercise's name and a short text whenever a piece of work begins.
    finished : callable
        Called with the results of each exercise as it finishes.

    Returns
    -------
    Result
        ``result.ok``, ``result.claims``, ``result.traces``, ``result.figures``, ``result.summary``.

    Raises
    ------
    UsageError
        For an unknown name or a number out of range, before any work is done.
    MissingParticipantError
        If a participant that was asked for is not there, or all of them fail.

    Notes
    -----
    ``KeyboardInterrupt`` carries what is complete: the partial result is its first argument.
    """
    campaign = Campaign.of(*exercises, on=on, dtype=dtype, seeds=seeds, settings=settings)
    with open_team(campaign.participants, campaign.dtypes, in_process=True) as team:
        campaign.begin(team)
        try:
            for item in campaign.exercises:
                finished(campaign.conduct(item, progress))
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(campaign.result) from interrupt
    return campaign.result


def show_progress(exercise: str, what: str) -> None:
    """Say on one line of a terminal or notebook what is being done, for ``run(progress=)``."""
    sys.stdout.write(f"\r{exercise}: {what}"[:_LINE].ljust(_LINE))
    sys.stdout.flush()


@dataclass
class Campaign:
    """Exercises that are to be run, with everything that can be checked beforehand checked.

    Make one with :meth:`of`, which imports no framework; :meth:`begin` takes the participants, and
    then :meth:`conduct` runs the exercises one by one.

    Parameters
    ----------
    exercises : list of Experiment
    participants : list of str
        ``NAME`` or ``NAME@DEVICE``.
    dtypes : list of str
    seeds : int
    settings : dict of str to dict
        Parameters by exercise.
    command : str
        The command that repeats it.
    python : mapping of str to str
        Interpreters by backend, for workers.
    team : list of Participant
        Those that were opened.
    result : Result
        What was found so far.
    """

    exercises: list[Experiment]
    participants: list[str]
    dtypes: list[str]
    seeds: int
    settings: dict[str, dict[str, int | float | str]]
    command: str
    python: Mapping[str, str] = field(default_factory=dict)
    team: list[Participant] = field(default_factory=list)
    result: Result = field(
        default_factory=lambda: Result(Summary(ok=True, environment={}, exercises=[]))
    )

    @classmethod
    def of(
        cls,
        *exercises: str,
        on: Sequence[str] = (),
        dtype: Sequence[str] | str = DTYPES,
        seeds: int = DEFAULT_SEEDS,
        settings: Mapping[str, int | float | str] | None = None,
        python: Mapping[str, str] | None = None,
    ) -> Campaign:
        """Check all names and numbers; the parameters are those of :func:`run`.

        ``python`` gives interpreters by backend, for workers.
        """
        python = python or {}
        settings = settings or {}
        require_positive(seeds=seeds)
        chosen = [experiment(name) for name in dict.fromkeys(exercises or experiment_names())]
        dtypes = [dtype] if isinstance(dtype, str) else list(dtype)
        participants = check_participants(on, dtypes, python)
        options = [
            *(f"--on {shlex.quote(participant)}" for participant in participants),
            *(f"--dtype {name}" for name in dtypes),
            f"--seeds {seeds}",
            *(f"--set {shlex.quote(f'{name}={value}')}" for name, value in settings.items()),
            *(f"--python {shlex.quote(f'{name}={path}')}" for name, path in python.items()),
        ]
        return cls(
            exercises=chosen,
            participants=participants,
            dtypes=dtypes,
            seeds=seeds,
            settings=_settings(chosen, settings),
            command=" ".join(["samestep run", *(shlex.quote(e) for e in exercises), *options]),
            python=python,
        )

    def begin(self, team: list[Participant]) -> None:
        """Take the participants as they were opened, and describe the environment."""
        self.team = team
        summary = self.result.summary
        summary.environment = {"command": self.command, **environment(self.team)}
        summary.not_run = [item.id for item in self.exercises]
        summary.ok = False

    def fingerprint(self, item: Experiment) -> str:
        """Digest of all that determines what an exercise finds, once the participants are open."""
        environment = self.result.summary.environment
        return digest(
            {
                "exercise": item.id,
                "seeds": self.seeds,
                "settings": self.settings[item.id],
                "code": [code_digest(type(item).__module__), code_digest(__name__)],
                **{name: environment[name] for name in _DETERMINING},
            }
        )

    def conduct(
        self,
        item: Experiment,
        progress: Callable[[str, str], None] = lambda exercise, what: None,
    ) -> ExerciseModel:
        """Run one exercise and enter what it found into the result.

        An exception is entered too, with what was found until then, and raised again.
        """
        started = time.perf_counter()
        fingerprint = self.fingerprint(item)
        lab = Lab(
            experiment=item,
            backends=self.team,
            seeds=self.seeds,
            settings=self.settings[item.id],
            progress=lambda what: progress(item.id, what),
        )
        try:
            answer = item.run(lab)
        except Exception as error:
            seconds = time.perf_counter() - started
            self.result.add(lab, "", seconds, fingerprint, error=one_line(error))
            raise
        return self.result.add(lab, answer, time.perf_counter() - started, fingerprint)


def environment(team: Sequence[Participant]) -> dict[str, object]:
    """Versions, devices, threads and flags that a reader needs to judge or repeat a run."""
    pending = {item.name: item.ask(_environment) for item in {p.name: p for p in team}.values()}
    described = {name: future.result() for name, future in pending.items()}
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "samestep": version("samestep"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "participants": [p.label for p in team],
        "backends": described,
    }


def _environment(backend: Backend) -> dict[str, object]:
    told = backend.environment()
    return {
        "versions": dict(told.versions),
        "devices": list(told.devices),
        "threads": told.threads,
        "flags": dict(told.flags),
        "code": code_digest(type(backend).__module__),
    }


def _settings(
    chosen: Sequence[Experiment], settings: Mapping[str, int | float | str]
) -> dict[str, dict[str, int | float | str]]:
    """Give each exercise the settings it knows; a name that none knows is an error."""
    known = {name for item in chosen for name in item.parameters}
    for name in settings:
        if name not in known:
            raise unknown_name("parameter", name, known)
    return {
        item.id: {
            name: item.parameters[name].convert(name, value)
            for name, value in settings.items()
            if name in item.parameters
        }
        for item in chosen
    }
