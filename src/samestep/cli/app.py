"""The commands and their options; the work is in the other modules, imported when it is done."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from samestep.cli.console import command, set_debug

__all__ = ["app", "main"]

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


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?"
    app()


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


@app.command()
@command
def run(
    exercises: Annotated[
        list[str] | None,
        typer.Argument(metavar="EXERCISE", help="Which exercises; all of them by default."),
    ] = None,
    *,
    on: On = None,
    dtype: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DTYPE", help="float32 or float64; repeat it for both. Default: both."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="At most so many seeds for a statistical claim; fewer leave claims undecided. "
            "Default: 10000, which decide all.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PARAMETER=VALUE",
            help="Change a parameter of an exercise (samestep list shows them); repeatable.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path(
        "samestep-results"
    ),
    open_report: Annotated[
        bool, typer.Option("--open", help="Open the report in the browser.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print summary.json, and nothing else, to stdout.")
    ] = False,
) -> int:
    """Run exercises, judge every step, and write a report."""
    from samestep.cli.run import run_exercises

    return run_exercises(
        exercises or [],
        on=on or [],
        dtypes=dtype,
        seeds=seeds,
        settings=settings or [],
        folder=out,
        open_report=open_report,
        json=json,
    )


@app.command()
@command
def step(
    *,
    loss: Annotated[
        str, typer.Option(metavar="LOSS", help="By name; samestep list shows them.")
    ] = "squared_error",
    reduction: Annotated[str, typer.Option(metavar="HOW", help="mean or sum.")] = "mean",
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="0 is legal.")] = 0.03,
    steps: Annotated[int, typer.Option(metavar="K", help="How many updates.")] = 2,
    batch_size: Annotated[int, typer.Option(metavar="B", help="Examples in a minibatch.")] = 32,
    delta: Annotated[
        float, typer.Option(metavar="D", help="Where Huber's loss and smooth L1 turn linear.")
    ] = 1.0,
    momentum: Annotated[float, typer.Option(metavar="MU", help="Factor of the velocity.")] = 0.0,
    dtype: Annotated[
        list[str] | None,
        typer.Option(metavar="DTYPE", help="float32 (the default) or float64; repeatable."),
    ] = None,
    on: On = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Draws data and initial values.")] = 0,
) -> int:
    """Show a few steps of one fit, participant beside participant beside oracle."""
    from samestep.cli.step import show_steps

    return show_steps(
        on=on or [],
        dtypes=dtype or ["float32"],
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        loss=loss,
        reduction=reduction,
        learning_rate=learning_rate,
        delta=delta,
        momentum=momentum,
    )


@app.command()
@command
def explain(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRACE...", help="Two or more stored traces, or the output folder of a run."
        ),
    ],
    *,
    bound: Annotated[
        bool, typer.Option("--bound", help="Print the bound's derivation and its numbers.")
    ] = False,
) -> int:
    """Name the first divergence of stored traces, and its likely cause."""
    from samestep.cli.explain import explain_paths

    return explain_paths(paths, bound=bound)


@app.command()
@command
def attribute(
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="samestep list shows them.")],
    *,
    on: On = None,
) -> int:
    """Say which axis makes the paths differ: framework, dtype, mode, batch policy, device."""
    from samestep.cli.attribute import attribute_exercise

    return attribute_exercise(exercise, on=on or [])


@app.command()
@command
def selftest(
    *,
    on: On = None,
    sound: Annotated[
        int, typer.Option(metavar="N", help="Random sound problems to hunt false alarms in.")
    ] = 0,
    teeth: Annotated[
        bool, typer.Option("--teeth", help="Find the smallest gradient error that is caught.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
) -> int:
    """Plant bugs in a sound backend and show what the cross-check says about each."""
    from samestep.cli.selftest import run_selftest

    return run_selftest(on=on or [], sound=sound, teeth=teeth, as_json=json)


@app.command("list")
@command
def list_() -> int:
    """List exercises with their parameters, backends and losses."""
    from samestep.cli.listing import show_list

    return show_list()


@app.command()
@command
def doctor() -> int:
    """Show versions, devices, threads and precision flags, and what would go wrong."""
    from samestep.cli.doctor import examine

    return examine()
