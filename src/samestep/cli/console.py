"""Where the command line writes, and how it ends: consoles, errors, exit statuses."""

from __future__ import annotations

import functools
import logging
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import typer

from samestep.errors import SamestepError, one_line

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "FAILED",
    "HELD",
    "INTERRUPTED",
    "UNUSABLE",
    "command",
    "errors",
    "output",
    "show_error",
    "show_in_browser",
]

HELD, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses: all held; something was contradicted; wrong usage or a participant is missing."""

_LOG = logging.getLogger("samestep")

_P = ParamSpec("_P")


def output() -> Console:
    """Standard output, for results; 100 columns wide where it is no terminal."""
    return _console(stderr=False)


def errors() -> Console:
    """Standard error, for progress and messages."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    # Names and file names must come out as they are: no markup, no highlighting, no emoji codes.
    return Console(
        stderr=stderr,
        width=shutil.get_terminal_size((100, 24)).columns,
        markup=False,
        highlight=False,
        emoji=False,
    )


def show_error(message: str, hint: str = "") -> None:
    """Write one message on standard error: what is wrong and, below it, what mends it."""
    from rich.text import Text

    console = errors()
    console.print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)
    if hint:
        console.print(f"       {hint}", soft_wrap=True)


def show_in_browser(page: Path) -> None:
    """Open a page, or say where it is."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        errors().print(f"No browser was found; open {page} yourself.", soft_wrap=True)


def set_debug(*, debug: bool) -> None:
    """Show tracebacks, or not."""
    _LOG.setLevel(logging.DEBUG if debug else logging.NOTSET)
    if debug:
        logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s", force=True)


def command(work: Callable[_P, int]) -> Callable[_P, None]:
    """Turn what a command returns or raises into an exit status, and an error into a message."""

    @functools.wraps(work)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            status = work(*args, **kwargs)
        except KeyboardInterrupt:
            errors().print("Interrupted.")
            status = INTERRUPTED
        except BrokenPipeError:
            raise  # the reader of a pipe went away: typer ends quietly
        except Exception as error:  # noqa: BLE001  # the last resort
            report_exception(error)
            status = UNUSABLE
        raise typer.Exit(status)

    return run


def report_exception(error: Exception, where: str = "") -> None:
    """Show an exception: the message of one that is meant for the user, the name of another."""
    if _LOG.isEnabledFor(logging.DEBUG):
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, SamestepError):
        show_error(f"{where}{error.message}", error.hint)
    else:
        show_error(f"{where}{one_line(error)}", "samestep --debug ... shows where it happened.")
