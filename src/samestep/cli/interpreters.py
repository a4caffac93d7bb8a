"""``--python NAME=PATH``: which interpreter runs the worker of which backend."""

from __future__ import annotations

from collections.abc import Sequence

from samestep.errors import UsageError

__all__ = ["interpreters"]


def interpreters(given: Sequence[str]) -> dict[str, str]:
    """Split ``NAME=PATH``."""
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
