"""The command line, ``samestep``. Importing it imports no framework and nothing heavy."""

from __future__ import annotations

from samestep.cli.app import main

__all__ = ["main"]
