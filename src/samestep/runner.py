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
from samestep.problem import require_positive
from samestep.registry import (
    ORACLE,
    backend,
    backend_entries,
    backend_entry,
    check_dtype,
    experiment,
    experiment_names,
    parse_participant,
)
from samestep.results import Result
from samestep.summary import ExerciseModel, Summary

__all__ = [
    "DEFAULT_SEEDS",
    "Campaign",
    "check_participants",
    "default_participants",
    "open_participants",
    "run",
    "show_progress",
]

DEFAULT_SEEDS = 10_000
_LINE = 79


def default_participants() -> list[str]:
    """All installed backends but the oracle: the referee does not play unless it is asked to."""
    return [e.name for e in backend_entries().values() if not e.missing and e.name != ORACLE]


def check_participants(on: Sequence[str], dtypes: Sequence[str]) -> list[str]:
    """Check names and precisions without importing a framework; return all names by default."""
    given = [on] if isinstance(on, str) else list(dict.fromkeys(on))
    participants = given or default_participants()
    if not participants:
        commands = " or ".join(
            e.install_command for e in backend_entries().values() if e.name != ORACLE
        )
        raise MissingParticipantError("No framework is installed.", f"Install one: {commands}")
    for participant in participants:
        backend_entry(parse_participant(participant)[0]).require()
    if not dtypes:
        raise UsageError("No dtype was given.", f"Known: {', '.join(DTYPES)}.")
    for name in dtypes:
        check_dtype(name)
    return participants


def open_participants(participants: Sequence[str], dtypes: Sequence[str]) -> list[Backend]:
    """Import the frameworks and find the devices: every participant at every precision."""
    found: dict[str, Backend] = {}
    for dtype in dtypes:
        for text in participants:
            name, device = parse_participant(text)
            item = backend(name, device=device, dtype=dtype)
            found[item.label] = item
    return list(found.values())


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
    campaign.open()
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

    Make one with :meth:`of`, which imports no framework; :meth:`open` does, and then
    :meth:`conduct` runs the exercises one by one.

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
    result : Result
        What was found so far.
    """

    exercises: list[Experiment]
    participants: list[str]
    dtypes: list[str]
    seeds: int
    settings: dict[str, dict[str, int | float | str]]
    command: str
    backends: list[Backend] = field(default_factory=list)
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
    ) -> Campaign:
        """Check all names and numbers; the parameters are those of :func:`run`."""
        settings = settings or {}
        require_positive(seeds=seeds)
        chosen = [experiment(name) for name in dict.fromkeys(exercises or experiment_names())]
        dtypes = [dtype] if isinstance(dtype, str) else list(dtype)
        participants = check_participants(on, dtypes)
        options = [
            *(f"--on {shlex.quote(participant)}" for participant in participants),
            *(f"--dtype {name}" for name in dtypes),
            f"--seeds {seeds}",
            *(f"--set {shlex.quote(f'{name}={value}')}" for name, value in settings.items()),
        ]
        return cls(
            exercises=chosen,
            participants=participants,
            dtypes=dtypes,
            seeds=seeds,
            settings=_settings(chosen, settings),
            command=" ".join(["samestep run", *(shlex.quote(e) for e in exercises), *options]),
        )

    def open(self) -> None:
        """Import the frameworks, find the devices and describe the environment."""
        self.backends = open_participants(self.participants, self.dtypes)
        summary = self.result.summary
        summary.environment = {"command": self.command, **environment(self.backends)}
        summary.not_run = [item.id for item in self.exercises]
        summary.ok = False

    def conduct(
        self,
        item: Experiment,
        progress: Callable[[str, str], None] = lambda exercise, what: None,
    ) -> ExerciseModel:
        """Run one exercise and enter what it found into the result.

        An exception is entered too, with what was found until then, and raised again.
        """
        started = time.perf_counter()
        lab = Lab(
            experiment=item,
            backends=self.backends,
            seeds=self.seeds,
            settings=self.settings[item.id],
            progress=lambda what: progress(item.id, what),
        )
        try:
            answer = item.run(lab)
        except Exception as error:
            self.result.add(lab, "", time.perf_counter() - started, error=one_line(error))
            raise
        return self.result.add(lab, answer, time.perf_counter() - started)


def environment(backends: Sequence[Backend]) -> dict[str, object]:
    """Versions, devices, threads and flags that a reader needs to judge or repeat a run."""
    described = {}
    for item in {b.name: b for b in backends}.values():
        e = item.environment()
        described[item.name] = {
            "versions": dict(e.versions),
            "devices": list(e.devices),
            "threads": e.threads,
            "flags": dict(e.flags),
        }
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "samestep": version("samestep"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "participants": [b.label for b in backends],
        "backends": described,
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
