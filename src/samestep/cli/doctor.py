"""``samestep doctor``: what is installed, whether it works, and what would go wrong.

Each backend is asked in a process of its own, so that a framework that brings its process down is
a line of the report.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from importlib.metadata import version

from rich.console import Console

from samestep.cli.console import FAILED, HELD, UNUSABLE, output
from samestep.cli.listing import backend_state
from samestep.errors import SamestepError, one_line
from samestep.interface import DTYPES, Environment
from samestep.judgement import judge
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.registry import (
    ORACLE,
    backend,
    backend_entries,
    backend_entry,
    experiment,
    experiment_names,
)
from samestep.training import train
from samestep.workers.opening import open_worker
from samestep.workers.process import LostWorkerError

__all__ = ["examine"]


@dataclass
class _Findings:
    """What would go wrong, each with what mends it, and the exit status that it calls for."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    status: int = HELD

    def add(self, problem: str, mend: str, status: int = HELD) -> None:
        self.problems.append((problem, mend))
        self.status = max(self.status, status)


def examine(*, in_process: bool = False) -> int:
    """Print versions, devices, threads and flags, try every device, and list problems.

    Parameters
    ----------
    in_process : bool
        Import the frameworks into this process, without workers.
    """
    console, findings = output(), _Findings()
    console.print(
        f"samestep {version('samestep')}, Python {platform.python_version()}, "
        f"NumPy {version('numpy')}, {platform.platform()}",
        soft_wrap=True,
    )
    console.print(f"{_usable_cpus()} of {os.cpu_count()} CPUs may be used")
    entries = backend_entries().values()
    with contextlib.ExitStack() as opened:
        asked = {}
        for entry in entries:
            if not entry.missing:  # all of them import side by side
                worker = opened.enter_context(open_worker(entry.name, in_process=in_process))
                asked[entry.name] = worker, worker.submit(_environment, entry.name)
        for entry in entries:
            console.print(f"\n{entry.name}: {backend_state(entry)}", soft_wrap=True)
            if entry.missing:
                findings.add(
                    f"{entry.name} cannot take part: {', '.join(entry.missing)} is not installed.",
                    entry.install_command,
                )
            else:
                _examine_backend(console, entry.name, *asked[entry.name], findings)
    _examine_installation(findings)
    console.print("\nFlags are shown as they are before a run, which sets what else it needs.")
    if not findings.problems:
        console.print("What would go wrong: nothing that was tried.")
        return findings.status
    console.print("What would go wrong, and what mends it:")
    for problem, mend in findings.problems:
        console.print(f"  - {problem}", soft_wrap=True)
        for line in mend.splitlines():
            console.print(f"    {line}", soft_wrap=True)
    return findings.status


def _environment(name: str) -> Environment:
    found = backend_entry(name).load()
    try:
        return found.environment()
    except Exception as error:
        raise SamestepError(
            f"{name} raises when it is asked for its devices: {one_line(error)}",
            "See its own documentation on this machine.",
        ) from error


def _examine_backend(
    console: Console,
    name: str,
    worker: Executor,
    answer: Future[Environment],
    findings: _Findings,
) -> None:
    try:
        environment = answer.result()
    except SamestepError as error:
        findings.add(error.message, error.hint, UNUSABLE)
        return
    console.print(f"  devices  {', '.join(environment.devices)}")
    console.print(f"  threads  {environment.threads or 'left to the framework'}")
    flags = ", ".join(f"{flag} {value}" for flag, value in environment.flags.items())
    console.print(f"  flags    {flags or 'none'}", soft_wrap=True)
    for device in environment.devices:
        for dtype in DTYPES:
            outcome = _try(worker, name, device, dtype, findings)
            console.print(f"  {dtype} on {device}: {outcome}", soft_wrap=True)


def _try(worker: Executor, name: str, device: str, dtype: str, findings: _Findings) -> str:
    """Have one epoch trained, with a short last batch, and judged by the oracle."""
    plan = Plan.of(SyntheticRegression(num_train=100, num_val=0).draw(0), epochs=1)
    try:
        holds = worker.submit(_same_step, name, device, dtype, plan).result()
    except LostWorkerError as error:
        findings.add(f"{name}@{device} in {dtype}: {error.message}", error.hint, UNUSABLE)
        return error.message
    except Exception as error:  # noqa: BLE001  # whatever a framework may raise
        findings.add(
            f"{name}@{device} raises in {dtype}: {one_line(error)}",
            "See its own documentation on this device, or leave it out: --on NAME for the others.",
            UNUSABLE,
        )
        return f"raised {one_line(error)}"
    if holds:
        return f"takes the oracle's step in each of {plan.steps} steps"
    findings.add(
        f"{name}@{device} does not take the oracle's step in {dtype}.",
        f"samestep step --on {name}@{device} --dtype {dtype} shows where.",
        FAILED,
    )
    return "does NOT take the oracle's step"


def _same_step(name: str, device: str, dtype: str, plan: Plan) -> bool:
    return judge(train(backend(name, device=device, dtype=dtype), plan)).holds


def _examine_installation(findings: _Findings) -> None:
    installed = [e for e in backend_entries().values() if not e.missing and e.name != ORACLE]
    if not installed:
        findings.add(
            "No framework is installed, so there is nothing to run exercises on.",
            "Install one or more of those above.",
            UNUSABLE,
        )
    elif len(installed) == 1:
        findings.add(
            f"Only {installed[0].name} is installed: it is compared with the oracle alone.",
            "Install another one of those above to compare frameworks.",
        )
    for error in _broken_exercises():
        findings.add(error.message, error.hint, UNUSABLE)
    if _usable_cpus() < (os.cpu_count() or 1):
        findings.add(
            "This process may not use all CPUs, so it is slower than it could be.",
            "Its CPU affinity was set from outside (taskset, a batch system, a container).",
        )


def _broken_exercises() -> Iterator[SamestepError]:
    for name in experiment_names():
        try:
            experiment(name)
        except SamestepError as error:
            yield error


def _usable_cpus() -> int:
    # Not every system can restrict a process to some CPUs.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
