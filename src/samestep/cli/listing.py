"""``samestep list``: what there is to run, on what, with which losses."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from samestep.cli.console import HELD, UNUSABLE, output, report_exception
from samestep.errors import SamestepError
from samestep.loss import LOSSES
from samestep.registry import ORACLE, BackendEntry, backend_entries, experiment, experiment_names

__all__ = ["backend_state", "show_list"]


def show_list() -> int:
    """Print exercises, backends and losses; an exercise that cannot be imported is status 2."""
    console = output()
    broken: list[SamestepError] = []
    console.print(_section("Exercises", _exercises(broken)))
    console.print(_section("Backends", ((e.name, backend_state(e)) for e in _entries())))
    console.print(_section("Losses", ((loss.name, loss.formula) for loss in LOSSES.values())))
    for error in broken:
        report_exception(error)
    return UNUSABLE if broken else HELD


def _exercises(broken: list[SamestepError]) -> Iterator[tuple[str, str]]:
    for name in experiment_names():
        try:
            item = experiment(name)
        except SamestepError as error:
            broken.append(error)
            yield name, "cannot be imported, see below"
            continue
        settings = "".join(
            f"\n--set {key}={parameter.default}  {parameter.help}"
            for key, parameter in item.parameters.items()
        )
        yield name, item.title + settings


def backend_state(entry: BackendEntry) -> str:
    """Installed, in which versions; or the command that installs it."""
    if entry.missing:
        return f"not installed ({', '.join(entry.missing)}): {entry.install_command}"
    versions = ", ".join(f"{name} {version}" for name, version in entry.versions.items())
    if entry.name == ORACLE:
        return "installed; in float64 it is the oracle, which judges every step of the others"
    return f"installed: {versions}" if versions else "installed"


def _entries() -> list[BackendEntry]:
    return list(backend_entries().values())


def _section(title: str, rows: Iterator[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, title_justify="left")
    table.title = Text(title, "bold")
    table.add_column(min_width=20, no_wrap=True)
    table.add_column()
    for name, text in rows:
        first, *rest = text.split("\n")
        table.add_row(f"  {name}", first)
        for line in rest:
            table.add_row("", Text(line, "dim"))
    table.add_row()
    return table
