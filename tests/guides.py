"""The guides: every Markdown file of the project, and a reader who does what they say."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import pytest
from small_distributions import lay_out
from typer.testing import CliRunner

from samestep.cli.app import app
from samestep.loss import LOSSES

ROOT = Path(__file__).parents[1]
TREES = ("src", "backends", "experiments", "tests")
GUIDES = sorted([*ROOT.glob("*.md"), *(p for tree in TREES for p in (ROOT / tree).rglob("*.md"))])

SHOWN = ("text", "bibtex")
"""Languages of blocks in which there is nothing to execute: what is printed, how to cite."""

_BLOCK = re.compile(
    r"^(?P<marker><!-- command: \w+ -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_FILE = re.compile(r"# (?P<name>[\w.]+\.\w+)\b")


class Block(NamedTuple):
    """A block of code: its language, its text, and the number of its first line."""

    language: str
    text: str
    line: int
    marked: bool
    """Whether it is one of the README's two commands, which CI runs on a fresh machine."""


@dataclass(frozen=True)
class Guide:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(
                match["language"],
                match["text"],
                self.text[: match.start("text")].count("\n") + 1,
                match["marker"] is not None,
            )
            for match in _BLOCK.finditer(self.text)
        ]

    @property
    def commands(self) -> list[str]:
        """What is named as a command, in a line of prose or of a shell."""
        inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _BLOCK.sub("", self.text))
        shell = [line for b in self.blocks if b.language == "bash" for line in b.text.splitlines()]
        return [code for code in inline + shell if code.startswith("samestep ")]

    @property
    def links(self) -> list[str]:
        """Targets of its links, without those to other sites."""
        return [t for t in re.findall(r"\]\(([^)#\s]+)", self.text) if "://" not in t]


class Reader:
    """Follows a guide in an empty folder, which is the working directory, block by block.

    Code is run in one namespace. A block whose first line is ``# NAME.py`` or ``# NAME.toml`` is
    also written to a file of that name. Commands are executed, and must succeed.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        self._folder = folder
        self._port = str(port)
        self._namespace: dict[str, Any] = {"__name__": "guide"}
        self._running: list[subprocess.Popen[bytes]] = []
        self._losses = set(LOSSES)
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder))  # of the worker processes

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait()
        for name in set(LOSSES) - self._losses:
            del LOSSES[name]
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(self._folder):
                del sys.modules[name]

    def follow(self, guide: Guide, block: Block) -> None:
        """Do what a block says; a language that nobody executes is an error."""
        follow: dict[str, Callable[[str, str], None]] = {
            "python": self._python,
            "toml": self._toml,
            "bash": self._bash,
        }
        text = block.text.replace("8786", self._port)  # the usual one may be taken
        file = _FILE.match(text)
        if file:
            (self._folder / file["name"]).write_text(text, encoding="utf-8")
        # As many empty lines before it as in the guide, so that an error names the guide's line.
        follow[block.language]("\n" * (block.line - 1) + text, guide.name)

    def _python(self, text: str, name: str) -> None:
        exec(compile(text, name, "exec"), self._namespace)

    def _toml(self, text: str, name: str) -> None:
        tomllib.loads(text)

    def _bash(self, text: str, name: str) -> None:
        started = len(self._running)
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            match words:
                case []:
                    pass
                case ["samestep", *arguments]:
                    done = CliRunner().invoke(app, arguments)
                    assert done.exit_code == 0, done.output
                case ["pip", "install", "-e", "."]:
                    lay_out(self._folder, self._folder)
                    importlib.invalidate_caches()
                case ["dask", *arguments, "&"]:
                    dask = Path(sys.executable).with_name("dask")
                    self._running.append(
                        subprocess.Popen([dask, *arguments], stderr=subprocess.DEVNULL)
                    )
                case _:
                    pytest.fail(f"{name}: nobody executes {line!r}")
        if len(self._running) > started:
            self._wait_for_workers()

    def _wait_for_workers(self) -> None:
        from distributed import Client

        workers = len(self._running) - 1  # the first is the scheduler
        with Client(f"tcp://127.0.0.1:{self._port}", timeout=30, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
