"""The command line's root: its name, its common options, and how its commands are grouped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samestep.cli.console import set_debug

__all__ = [
    "LAB",
    "MAIN",
    "InProcess",
    "Json",
    "Markdown",
    "On",
    "Out",
    "Python",
    "Timeout",
    "app",
]

MAIN, LAB = "Commands", "The lab"
"""The two groups of commands in ``samestep --help``."""

app = typer.Typer(
    name="samestep",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 everything held (undecided is not failed); 1 a claim, an agreement or a "
    "published number failed; 2 wrong usage or a participant is missing; 130 interrupted.",
)

On = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        metavar="NAME[@DEVICE]",
        help="Participant; repeat it for several. Default: all installed backends, on the CPU.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown, and nothing else.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Keep the table for the report of that run."),
]

InProcess = Annotated[
    bool, typer.Option("--in-process", help="Without a process of its own per participant.")
]
Python = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=PATH", help="Interpreter of a backend's process; repeatable."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", min=0.1, help="After which a worker's piece of work counts as hung."
    ),
]


def _show_version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"samestep {version('samestep')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Did two automatic-differentiation frameworks take the same step?

    One experiment is written once and run on each framework; a float64 oracle judges every step.
    """
    set_debug(debug=debug)
