"""The command line: all commands on one root. Importing it imports nothing heavy."""

from __future__ import annotations

import io
import sys

from samestep.cli import lab_commands, main_commands
from samestep.cli.root import app

__all__ = ["app", "lab_commands", "main", "main_commands"]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?"
    app()
