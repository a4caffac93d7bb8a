"""The commands that answer a question; the work is in other modules, imported when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samestep.cli.console import command
from samestep.cli.root import MAIN, InProcess, Json, Markdown, On, Out, Python, Timeout, app


@app.command(rich_help_panel=MAIN)
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
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder for the results; what this command has completed there is not run again.",
        ),
    ] = Path("samestep-results"),
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Run all anew, also what is complete in DIR already."),
    ] = False,
    in_process: InProcess = False,
    python: Python = None,
    timeout: Timeout = None,
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
        fresh=fresh,
        in_process=in_process,
        python=python or [],
        timeout=timeout,
        open_report=open_report,
        json=json,
    )


@app.command(rich_help_panel=MAIN)
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
    in_process: InProcess = False,
    python: Python = None,
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
        in_process=in_process,
        python=python or [],
    )


@app.command(rich_help_panel=MAIN)
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


@app.command(rich_help_panel=MAIN)
@command
def port(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Python that defines torch_side, jax_side and batches."
        ),
    ] = None,
    *,
    dtype: Annotated[
        str | None,
        typer.Option(
            metavar="DTYPE", help="float32, float64, bfloat16 or float16; default: the sides'."
        ),
    ] = None,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Check ports of real models with planted bugs.")
    ] = False,
    in_process: InProcess = False,
    json: Json = False,
    markdown: Markdown = False,
    out: Out = None,
) -> int:
    """Check a port of one's own, layer by layer and step by step."""
    if selftest:
        from samestep.cli.port_trials import show_port_trials

        return show_port_trials(as_json=json, markdown=markdown, folder=out, in_process=in_process)
    from samestep.cli.port import check_port

    return check_port(file, dtype=dtype, out=out, as_json=json)


@app.command(rich_help_panel=MAIN)
@command
def atlas(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CATEGORY|PROBE", help="All by default.")
    ] = None,
    *,
    on: On = None,
    json: Json = False,
    markdown: Markdown = False,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What changed since this stored run.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Store this run, for --against.")
    ] = None,
    in_process: InProcess = False,
    out: Out = None,
) -> int:
    """Show where the frameworks' derivatives differ, observed now."""
    from samestep.cli.atlas import show_atlas

    return show_atlas(
        names or [],
        on=on or [],
        as_json=json,
        markdown=markdown,
        against=against,
        save=save,
        folder=out,
        in_process=in_process,
    )


@app.command(rich_help_panel=MAIN)
@command
def losses(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="LOSS|FAMILY", help="All by default.")
    ] = None,
    *,
    in_process: InProcess = False,
    json: Json = False,
    markdown: Markdown = False,
    out: Out = None,
) -> int:
    """Show every loss of both frameworks in correspondence, proven now."""
    from samestep.cli.ledgers import show_losses

    return show_losses(names or [], as_json=json, markdown=markdown, out=out, in_process=in_process)


@app.command(rich_help_panel=MAIN)
@command
def optimizers(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="ENTRY|FAMILY", help="All by default.")
    ] = None,
    *,
    in_process: InProcess = False,
    json: Json = False,
    markdown: Markdown = False,
    out: Out = None,
) -> int:
    """Show every option of the optimizers in correspondence, proven now."""
    from samestep.cli.ledgers import show_optimizers

    return show_optimizers(
        names or [], as_json=json, markdown=markdown, out=out, in_process=in_process
    )


@app.command(rich_help_panel=MAIN)
@command
def report(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="The output folder of a run.")
    ] = Path("samestep-results"),
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: report.html in RESULTS."),
    ] = None,
    open_report: Annotated[
        bool, typer.Option("--open", help="Open the report in the browser.")
    ] = False,
    questions_only: Annotated[
        bool,
        typer.Option("--questions-only", help="Hide answers and evidence behind a click."),
    ] = False,
) -> int:
    """Write the report of stored results, with the tables that were kept there."""
    from samestep.cli.report import make_report

    return make_report(results, path=output, open_report=open_report, questions_only=questions_only)
