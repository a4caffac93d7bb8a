"""The README's examples run as they stand, one after the other, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from samestep.cli.app import app

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_python_examples_run_in_order() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 5
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"samestep ([a-z]+)\b", " ".join(re.findall(r"`[^`\n]+`", README))))
    assert {"run", "step", "explain", "attribute", "selftest", "list", "doctor"} <= named
    for command in named:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command


def test_both_one_line_commands_are_marked() -> None:
    for name, ends in (("run", "samestep run --open"), ("test", "python -m pytest")):
        block = README.split(f"<!-- command: {name} -->")[1].split("```")[1]
        lines = [line for line in block.splitlines()[1:] if line]
        assert len(lines) == 1
        assert "python3 -m venv .venv" in lines[0]
        assert lines[0].endswith(ends)


def test_no_placeholder_is_left() -> None:
    assert not re.findall(r"@[A-Z]+@", README)
