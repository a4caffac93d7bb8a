"""``--python NAME=PATH``, ``--timeout`` and ``--in-process``: how participants are worked with."""

from __future__ import annotations

from collections.abc import Sequence

from samestep.errors import UsageError

__all__ = ["interpreters"]


def interpreters(
    given: Sequence[str], *, in_process: bool = False, timeout: float | None = None
) -> dict[str, str]:
    """Split ``NAME=PATH``; what only a worker has is refused where there is none."""
    for option, value, why in (
        ("--python", given, "An interpreter needs a process of its own."),
        ("--timeout", timeout, "Only what hangs in a process of its own can be ended."),
    ):
        if in_process and value:
            raise UsageError(f"{option} and --in-process were both given.", why)
    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UsageError(
                f"--python {text!r} does not say which interpreter is for which backend.",
                "Expected NAME=PATH, such as NAME=/home/me/venv/bin/python.",
            )
        found[name] = path
    return found
