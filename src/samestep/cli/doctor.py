"""``samestep doctor``: what is installed, whether it works, and what would go wrong."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from rich.console import Console

from samestep.cli.console import FAILED, HELD, UNUSABLE, output
from samestep.cli.listing import backend_state
from samestep.errors import SamestepError, one_line
from samestep.interface import DTYPES
from samestep.judgement import judge
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.registry import (
    ORACLE,
    BackendEntry,
    backend,
    backend_entries,
    experiment,
    experiment_names,
)
from samestep.training import train

__all__ = ["examine"]


@dataclass
class _Findings:
    """What would go wrong, each with what mends it, and the exit status that it calls for."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    status: int = HELD

    def add(self, problem: str, mend: str, status: int = HELD) -> None:
        self.problems.append((problem, mend))
        self.status = max(self.status, status)


def examine() -> int:
    """Print versions, devices, threads and flags, try every device, and list problems."""
    console, findings = output(), _Findings()
    console.print(
        f"samestep {version('samestep')}, Python {platform.python_version()}, "
        f"NumPy {version('numpy')}, {platform.platform()}",
        soft_wrap=True,
    )
    console.print(f"{_usable_cpus()} of {os.cpu_count()} CPUs may be used")
    for entry in backend_entries().values():
        console.print()
        _examine_backend(console, entry, findings)
    _examine_installation(findings)
    console.print("\nFlags are shown as they are outside of runs, which set what they need.")
    if not findings.problems:
        console.print("What would go wrong: nothing that was tried.")
        return findings.status
    console.print("What would go wrong, and what mends it:")
    for problem, mend in findings.problems:
        console.print(f"  - {problem}", soft_wrap=True)
        console.print(f"    {mend}", soft_wrap=True)
    return findings.status


def _examine_backend(console: Console, entry: BackendEntry, findings: _Findings) -> None:
    console.print(f"{entry.name}: {backend_state(entry)}", soft_wrap=True)
    if entry.missing:
        findings.add(
            f"{entry.name} cannot take part: {', '.join(entry.missing)} is not installed.",
            entry.install_command,
        )
        return
    try:
        environment = entry.load().environment()
    except SamestepError as error:
        findings.add(error.message, error.hint, UNUSABLE)
        return
    console.print(f"  devices  {', '.join(environment.devices)}")
    console.print(f"  threads  {environment.threads or 'left to the framework'}")
    flags = ", ".join(f"{name} {value}" for name, value in environment.flags.items())
    console.print(f"  flags    {flags or 'none'}", soft_wrap=True)
    for device in environment.devices:
        for dtype in DTYPES:
            outcome = _try(entry.name, device, dtype, findings)
            console.print(f"  {dtype} on {device}: {outcome}", soft_wrap=True)


def _try(name: str, device: str, dtype: str, findings: _Findings) -> str:
    """Train one epoch, with a short last batch, and let the oracle judge it."""
    plan = Plan.of(SyntheticRegression(num_train=100, num_val=0).draw(0), epochs=1)
    try:
        judgement = judge(train(backend(name, device=device, dtype=dtype), plan))
    except Exception as error:  # noqa: BLE001  # whatever a framework may raise
        findings.add(
            f"{name}@{device} raises in {dtype}: {one_line(error)}",
            "See its own documentation on this device, or leave it out: --on NAME for the others.",
            UNUSABLE,
        )
        return f"raised {one_line(error)}"
    if judgement.holds:
        return f"takes the oracle's step in each of {plan.steps} steps"
    findings.add(
        f"{name}@{device} does not take the oracle's step in {dtype}.",
        f"samestep step --on {name}@{device} --dtype {dtype} shows where.",
        FAILED,
    )
    return "does NOT take the oracle's step"


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
