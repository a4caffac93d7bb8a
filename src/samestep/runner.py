"""Run exercises on participants: what ``samestep run`` and :func:`samestep.run` do."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from samestep.errors import MissingParticipantError, UsageError, unknown_name
from samestep.experiment import Experiment, Lab
from samestep.interface import DTYPES, Backend
from samestep.problem import require_positive
from samestep.registry import (
    ORACLE,
    backend,
    backend_entries,
    experiment,
    experiment_names,
    parse_participant,
)
from samestep.results import ExerciseModel, Result, Summary

__all__ = ["DEFAULT_SEEDS", "default_participants", "run"]

DEFAULT_SEEDS = 10_000


def default_participants() -> list[str]:
    """All installed backends but the oracle: the referee does not play unless it is asked to."""
    return [e.name for e in backend_entries().values() if not e.missing and e.name != ORACLE]


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
    chosen = [experiment(name) for name in exercises or experiment_names()]
    backends = _participants(on, [dtype] if isinstance(dtype, str) else list(dtype))
    require_positive(seeds=seeds)
    by_exercise = _settings(chosen, settings or {})
    result = Result(Summary(ok=True, environment=environment(backends), exercises=[]))
    for item in chosen:
        started = time.perf_counter()
        lab = Lab(
            experiment=item,
            backends=backends,
            seeds=seeds,
            settings=by_exercise[item.id],
            progress=lambda what, name=item.id: progress(name, what),  # type: ignore[misc]
        )
        try:
            answer = item.run(lab)
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(result) from interrupt
        finished(result.add(lab, answer, time.perf_counter() - started))
    return result


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
        "samestep": version("samestep"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "participants": [b.label for b in backends],
        "backends": described,
    }


def _participants(on: Sequence[str], dtypes: Sequence[str]) -> list[Backend]:
    names = list(on) or default_participants()
    if not names:
        commands = " or ".join(
            e.install_command for e in backend_entries().values() if e.name != ORACLE
        )
        raise MissingParticipantError("No framework is installed.", f"Install one: {commands}")
    if not dtypes:
        raise UsageError("No dtype was given.", f"Known: {', '.join(DTYPES)}.")
    backends: dict[str, Backend] = {}
    for dtype in dtypes:
        for text in names:
            name, device = parse_participant(text)
            item = backend(name, device=device, dtype=dtype)
            backends[item.label] = item
    return list(backends.values())


def _settings(
    chosen: Sequence[Experiment], settings: Mapping[str, int | float | str]
) -> dict[str, dict[str, int | float | str]]:
    """Give each exercise the settings it knows; a name that none knows is an error."""
    known = {name for item in chosen for name in item.parameters}
    for name in settings:
        if name not in known:
            raise unknown_name("parameter", name, known)
    return {
        item.id: {name: v for name, v in settings.items() if name in item.parameters}
        for item in chosen
    }
