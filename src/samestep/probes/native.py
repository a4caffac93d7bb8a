"""The native code of a framework, by probe; and the global settings that it must leave alone."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Mode", "Natives", "source_of"]

Native = TypeVar("Native", bound=Callable[[], object])


@dataclass(frozen=True)
class Mode:
    """A global setting of a framework.

    Parameters
    ----------
    name : str
        As a user would call it.
    read, write : callable
        Return it as plain data that can be compared; set it to what was read.
    consumed : bool
        If true it may change, like the state of a random generator: it is restored in silence.
        Otherwise a probe that leaves it changed is at fault, and is named.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    consumed: bool = False


class Natives:
    """What a framework's package has to say about the probes: a function each, or a reason.

    One module has one object of this class, and decorates its functions with it::

        native = Natives()


        @native
        def abs_at_0():
            x = torch.tensor(0.0, requires_grad=True)
            torch.abs(x).backward()
            return x.grad


        native.absent("other-probe", "This framework has no such operation.")

    Parameters
    ----------
    *parts : Natives
        Of the modules that are put together; no probe may occur twice.
    modes : sequence of Mode
        Global settings of the framework, which are restored after each probe.
    """

    def __init__(self, *parts: Natives, modes: Sequence[Mode] = ()) -> None:
        self.functions: dict[str, Callable[[], object]] = {}
        self.reasons: dict[str, str] = {}
        self.modes = tuple(modes)
        for part in parts:
            for probe, function in part.functions.items():
                self._check_new(probe)
                self.functions[probe] = function
            for probe, reason in part.reasons.items():
                self.absent(probe, reason)

    def __call__(self, function: Native) -> Native:
        """Register the code of the probe that has the function's name, with hyphens."""
        probe = function.__name__.replace("_", "-")
        self._check_new(probe)
        self.functions[probe] = function
        return function

    def absent(self, probe: str, reason: str) -> None:
        """State why a probe cannot be written for this framework."""
        self._check_new(probe)
        self.reasons[probe] = reason

    def __iter__(self) -> Any:
        """Go through the probes that are answered, with code or with a reason."""
        return iter([*self.functions, *self.reasons])

    def _check_new(self, probe: str) -> None:
        if probe in self.functions or probe in self.reasons:
            raise ValueError(f"Two answers for probe {probe!r}; keep one.")


def source_of(function: Callable[..., object]) -> str:
    """Return the code of a function as it is run, without its decorators."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[first:])
