"""Every guide is followed to the letter: its code is run, its commands are executed."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path

import pytest
import typer.core
import typer.main
from guides import GUIDES, ROOT, SHOWN, Block, Guide, Reader

from samestep.cli.app import app

COMMANDS = typer.main.get_command(app)

of_each = pytest.mark.parametrize(
    "guide", [Guide(path) for path in GUIDES], ids=lambda guide: guide.name
)


def to_follow(guide: Guide) -> list[Block]:
    return [b for b in guide.blocks if b.language not in SHOWN and not b.marked]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_no_guide_is_forgotten() -> None:
    names = {Guide(path).name for path in GUIDES}
    assert {
        "README.md",
        "backends/README.md",
        "experiments/README.md",
        "src/samestep/README.md",
        "src/samestep/cluster/README.md",
        "src/samestep/port/README.md",
    } <= names
    linked = set(Guide(ROOT / "README.md").links)
    assert names - {"README.md", "CHANGELOG.md"} <= linked


@pytest.mark.slow
@pytest.mark.parametrize(
    "guide",
    [Guide(path) for path in GUIDES if to_follow(Guide(path))],
    ids=lambda guide: guide.name,
)
def test_what_it_says_is_true(
    guide: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Reader(tmp_path, monkeypatch, free_port()) as reader:
        for block in to_follow(guide):
            reader.follow(guide, block)


@of_each
def test_no_block_lacks_a_language(guide: Guide) -> None:
    assert len(guide.blocks) == guide.text.count("\n```") / 2
    assert all(block.language for block in guide.blocks)


@of_each
def test_links_lead_somewhere(guide: Guide) -> None:
    for target in guide.links:
        assert (guide.path.parent / target).exists(), target


@of_each
def test_commands_and_options_that_are_named_exist(guide: Guide) -> None:
    assert isinstance(COMMANDS, typer.core.TyperGroup)
    for code in guide.commands:
        name, *words = shlex.split(code, comments=True)[1:]
        command = COMMANDS if name.startswith("-") else COMMANDS.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {w for w in (name, *words) if w.startswith("--")} <= known | {"--help"}, code


@of_each
def test_no_placeholder_is_left(guide: Guide) -> None:
    assert not re.findall(r"@[A-Z]+@|TODO|FIXME", guide.text)
