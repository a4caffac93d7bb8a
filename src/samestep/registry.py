"""Backends and experiments, found by entry points; nothing is imported before it is used."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from samestep.errors import (
    MissingParticipantError,
    SamestepError,
    UsageError,
    one_line,
    unknown_name,
)
from samestep.interface import DTYPES, Backend

if TYPE_CHECKING:
    from samestep.experiment import Experiment

__all__ = [
    "ORACLE",
    "BackendEntry",
    "backend",
    "backend_entries",
    "backend_entry",
    "check_dtype",
    "experiment",
    "experiment_names",
    "oracle",
    "parse_participant",
]

ORACLE = "numpy"
"""Name of the backend that is the referee, in float64."""


@dataclass(frozen=True)
class BackendEntry:
    """A registered backend, described without importing it.

    The optional dependencies of a backend are an extra of its distribution with the backend's
    name; a distribution without such an extra depends on its framework outright.
    """

    entry_point: EntryPoint

    @property
    def name(self) -> str:
        """Name on the command line and in reports."""
        return self.entry_point.name

    @property
    def distribution(self) -> str:
        """Distribution that provides it."""
        return self.entry_point.dist.name if self.entry_point.dist else "?"

    @functools.cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """What the backend's extra asks for."""
        declared = (self.entry_point.dist.requires if self.entry_point.dist else None) or []
        parsed = [Requirement(text) for text in declared]
        return tuple(
            r
            for r in parsed
            if r.marker
            and r.marker.evaluate({"extra": self.name})
            and not r.marker.evaluate({"extra": ""})
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Requirements that are not installed, or not in a supported version."""
        lacking = []
        for requirement in self.requirements:
            try:
                found = version(requirement.name)
            except PackageNotFoundError:
                lacking.append(f"{requirement.name}{requirement.specifier}")
                continue
            if not requirement.specifier.contains(found, prereleases=True):
                lacking.append(f"{requirement.name}{requirement.specifier} (found {found})")
        return tuple(lacking)

    @property
    def install_command(self) -> str:
        """The command that installs what is missing."""
        extra = f"[{self.name}]" if self.requirements else ""
        return f"pip install '{self.distribution}{extra}'"

    @property
    def versions(self) -> dict[str, str]:
        """Installed versions of what its extra asks for, found without importing it."""
        found = {}
        for requirement in self.requirements:
            with contextlib.suppress(PackageNotFoundError):
                found[requirement.name] = version(requirement.name)
        return found

    def require(self) -> None:
        """Raise an error with the command that installs it, if something is missing."""
        if self.missing:
            raise MissingParticipantError(
                f"Backend {self.name!r} needs {', '.join(self.missing)}, which is not installed.",
                f"Install it: {self.install_command}",
            )

    def load(self) -> type[Backend]:
        """Import the backend's class."""
        self.require()
        try:
            found = self.entry_point.load()
        except Exception as error:
            raise MissingParticipantError(
                f"Backend {self.name!r} is installed but cannot be imported: {one_line(error)}",
                f"Install it anew: {self.install_command} --force-reinstall",
            ) from error
        if not (isinstance(found, type) and issubclass(found, Backend)):
            raise UsageError(
                f"Entry point {self.entry_point.value!r} is no backend.",
                "It must name a subclass of samestep.Backend.",
            )
        return found


def backend_entries() -> dict[str, BackendEntry]:
    """All registered backends by name, installed or not, in alphabetical order."""
    found = {e.name: BackendEntry(e) for e in entry_points(group="samestep.backends")}
    return dict(sorted(found.items()))


def backend_entry(name: str) -> BackendEntry:
    """Return one registered backend, or raise an error that lists the known ones."""
    entries = backend_entries()
    if name not in entries:
        raise unknown_name("backend", name, entries)
    return entries[name]


def check_dtype(dtype: str) -> None:
    """Raise an error for a working precision that backends do not offer."""
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)


@functools.cache
def _instance(name: str, device: str, dtype: str, mode: str) -> Backend:
    entry = backend_entry(name)
    check_dtype(dtype)
    cls = entry.load()
    if mode and mode not in cls.modes:
        raise unknown_name(f"mode of {name}", mode, cls.modes or ["none"])
    chosen = {"mode": mode} if mode else {}
    try:
        return cls(device=device, dtype=dtype, **chosen)  # type: ignore[call-arg]  # by the guide's convention
    except MissingParticipantError as error:
        raise MissingParticipantError(
            f"{name}: {error.message}",
            f"{error.hint} A build for the CPU alone sees no GPU.".strip(),
        ) from error


def backend(name: str, *, device: str = "cpu", dtype: str = "float32", mode: str = "") -> Backend:
    """Return a backend on a device at a working precision.

    The same arguments return the same object, which keeps what it has compiled.

    Parameters
    ----------
    name : str
        A registered backend, or ``"name@device"``.
    device : str
        ``"cpu"``, ``"gpu"``, ``"gpu:1"`` or the framework's own spelling.
    dtype : {"float32", "float64"}
    mode : str
        How a fit is run, one of ``Backend.modes``; the backend's default if empty.

    Raises
    ------
    UsageError
        For an unknown name, dtype or mode; the message lists the known ones.
    MissingParticipantError
        If the framework is not installed or the device is not there.
    """
    if "@" in name:
        name, device = parse_participant(name)
    return _instance(name, device, dtype, mode)


def oracle(dtype: str = "float64") -> Backend:
    """Return the referee: closed forms, in float64 unless another precision is asked for."""
    return backend(ORACLE, dtype=dtype)


def parse_participant(text: str) -> tuple[str, str]:
    """Split ``name`` or ``name@device`` into name and device."""
    name, at, device = (part.strip() for part in text.partition("@"))
    if not name or (at and not device):
        raise UsageError(
            f"{text!r} names no participant.", "Expected NAME or NAME@DEVICE, such as NAME@gpu:1."
        )
    return name, device or "cpu"


def experiment_names() -> list[str]:
    """Names of all registered experiments, in the order in which they are run."""
    return [e.name for e in sorted(entry_points(group="samestep.experiments"), key=_position)]


def experiment(name: str) -> Experiment:
    """Load one experiment by name."""
    found = {e.name: e for e in entry_points(group="samestep.experiments")}
    if name not in found:
        raise unknown_name("exercise", name, found)
    entry = found[name]
    try:
        loaded: Experiment = entry.load()
    except Exception as error:
        distribution = entry.dist.name if entry.dist else "its distribution"
        raise SamestepError(
            f"Exercise {name!r} cannot be imported: {one_line(error)}",
            f"It is {entry.value!r} of {distribution}: install that anew, or name the exercises to "
            "run without it.",
        ) from error
    return loaded


# The book's order of the built-in ones; those of other distributions follow by name.
_ORDER = (
    "loss-reduction",
    "huber-loss",
    "gradient-access",
    "learning-rate-epochs",
    "data-size",
    "book-versions",
)


def _position(entry: EntryPoint) -> tuple[int, str]:
    return (_ORDER.index(entry.name) if entry.name in _ORDER else len(_ORDER), entry.name)
