"""The commands of the laboratory: sweeps, stores, self-test, what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samestep.cli.console import command
from samestep.cli.root import LAB, InProcess, Json, Markdown, On, Out, Python, Timeout, app


@app.command(rich_help_panel=LAB)
@command
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep, as TOML.")],
    *,
    out: Annotated[
        Path, typer.Option(metavar="STORE", help="What is complete there is not run again.")
    ],
    in_process: InProcess = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="tcp://HOST:PORT of a Dask scheduler, or local."),
    ] = None,
    python: Python = None,
    timeout: Timeout = None,
) -> int:
    """Run many settings and seeds, stacked, stored chunk by chunk; go on where it stopped."""
    from samestep.cli.sweep import sweep_file

    return sweep_file(
        file,
        folder=out,
        in_process=in_process,
        cluster=cluster,
        python=python or [],
        timeout=timeout,
    )


@app.command(rich_help_panel=LAB)
@command
def show(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="What a sweep wrote.")],
    *,
    json: Json = False,
) -> int:
    """Show what a store holds."""
    from samestep.cli.stores import show_store

    return show_store(store, as_json=json)


@app.command(rich_help_panel=LAB)
@command
def compare(
    stores: Annotated[
        list[Path], typer.Argument(metavar="STORE...", help="Of one plan, from any machines.")
    ],
    *,
    json: Json = False,
) -> int:
    """Cross-check what was run at different times or in different environments."""
    from samestep.cli.stores import compare_stores

    return compare_stores(stores, as_json=json)


@app.command(rich_help_panel=LAB)
@command
def attribute(
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="samestep list shows them.")],
    *,
    on: On = None,
    in_process: InProcess = False,
    python: Python = None,
) -> int:
    """Say which axis makes the paths differ: framework, dtype, mode, batch policy, device."""
    from samestep.cli.attribute import attribute_exercise

    return attribute_exercise(exercise, on=on or [], in_process=in_process, python=python or [])


@app.command(rich_help_panel=LAB)
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
    in_process: InProcess = False,
    python: Python = None,
    json: Json = False,
    out: Out = None,
) -> int:
    """Plant bugs in a sound backend and show what the cross-check says about each."""
    from samestep.cli.selftest import run_selftest

    return run_selftest(
        on=on or [],
        sound=sound,
        teeth=teeth,
        in_process=in_process,
        python=python or [],
        as_json=json,
        folder=out,
    )


@app.command(rich_help_panel=LAB)
@command
def bench(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less than a minute; says what it leaves out.")
    ] = False,
    on: On = None,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="float32 or float64.")] = "float32",
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="single, stack, end, one row a step, large or growth; repeatable. Default: all.",
        ),
    ] = None,
    json: Json = False,
    markdown: Markdown = False,
    out: Out = None,
) -> int:
    """Time every mode and its peers on the same work, after parity is proved."""
    from samestep.cli.bench import run_bench

    return run_bench(
        quick=quick,
        on=on or [],
        dtype=dtype,
        workloads=workload or [],
        as_json=json,
        markdown=markdown,
        folder=out,
    )


@app.command(rich_help_panel=LAB)
@command
def check(
    backend: Annotated[
        str, typer.Argument(metavar="NAME[@DEVICE]", help="The backend to certify.")
    ],
) -> int:
    """Run the conformance kit on a backend and print its certificate."""
    from samestep.cli.check import check_backend

    return check_backend(backend)


@app.command("list", rich_help_panel=LAB)
@command
def list_() -> int:
    """List exercises with their parameters, backends and losses."""
    from samestep.cli.listing import show_list

    return show_list()


@app.command(rich_help_panel=LAB)
@command
def doctor(*, in_process: InProcess = False) -> int:
    """Show versions, devices, threads and precision flags, and what would go wrong."""
    from samestep.cli.doctor import examine

    return examine(in_process=in_process)
