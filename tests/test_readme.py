"""The README's commands: the two that everybody starts with, and the table of all others."""

from __future__ import annotations

import re
from importlib.metadata import version

import typer.core
import typer.main
from guides import ROOT, Guide
from packaging.version import Version

from samestep.cli.app import app

README = Guide(ROOT / "README.md").text


def test_both_one_line_commands_are_marked() -> None:
    for name, ends in (("run", "samestep run --open"), ("test", "python -m pytest")):
        block = README.split(f"<!-- command: {name} -->")[1].split("```")[1]
        lines = [line for line in block.splitlines()[1:] if line]
        assert len(lines) == 1
        assert "python3 -m venv .venv" in lines[0]
        assert lines[0].endswith(ends)


def test_the_table_has_every_command() -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    table = README.split("## Commands")[1].split("\n## ")[0]
    assert set(re.findall(r"`samestep (\w+)", table)) == set(commands.commands)


def test_this_version_is_cited() -> None:
    cited = re.search(r"version *= *\{(.+)\}", README)
    assert cited
    assert cited[1] == Version(version("samestep")).base_version
