"""Errors that a user can cause: one message, and the change that mends it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["MissingParticipantError", "SamestepError", "UsageError", "one_line", "unknown_name"]


class SamestepError(Exception):
    """Base class of all errors with a message meant for the user.

    Parameters
    ----------
    message : str
        What was given and what was expected.
    hint : str, optional
        The command or change that mends it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Keep message and hint apart where an error travels between processes."""
        return type(self), (self.message, self.hint), self.__dict__


class UsageError(SamestepError, ValueError):
    """A value that was given cannot be used."""


class MissingParticipantError(SamestepError, RuntimeError):
    """A backend or device that was asked for is not there, or broke down."""


def unknown_name(kind: str, given: str, known: Iterable[str]) -> UsageError:
    """Build the error for a misspelt name: the known ones and the nearest match."""
    names = sorted(known)
    nearest = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return UsageError(
        f"Unknown {kind} {given!r}.", f"{hint}Known: {', '.join(names) if names else 'none'}."
    )


def one_line(error: BaseException) -> str:
    """Type and first line of an exception, for messages: frameworks write pages."""
    if isinstance(error, SamestepError):
        return error.message
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
