"""``samestep port FILE``: the port check of the two sides that a file defines.

The file makes models and optimizers of both frameworks and is run here, as Python would run it, so
both are imported into this process.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

from samestep.cli.console import FAILED, HELD, output
from samestep.errors import SamestepError, UsageError, one_line
from samestep.port import port_check

__all__ = ["check_port"]

_NEEDED = ("torch_side", "jax_side", "batches")
_OPTIONS = ("mapping", "activations", "leave_out", "parameters", "referee")


def check_port(
    file: Path | None, *, dtype: str | None = None, out: Path | None = None, as_json: bool = False
) -> int:
    """Run a file that defines two sides and batches, compare the sides, and print the answer.

    Parameters
    ----------
    file : Path or None
        Python; it defines ``torch_side``, ``jax_side`` and ``batches``, and may define other
        arguments of :func:`samestep.port_check`: ``mapping``, ``activations``, ``leave_out``,
        ``parameters``, ``referee``.
    dtype : str, optional
        Working precision; that of the sides by default.
    out : Path, optional
        Folder in which the tables are kept, for the report.
    as_json : bool
    """
    defined = _run(file)
    missing = [name for name in _NEEDED if name not in defined]
    if missing:
        raise UsageError(
            f"{file} does not define {', '.join(missing)}.",
            f"It must define {', '.join(_NEEDED)}: two sides and an iterable of batches.",
        )
    options = {name: defined[name] for name in _OPTIONS if name in defined}
    result = port_check(*(defined[name] for name in _NEEDED), dtype=dtype, **options)
    if out is not None:
        for table in result.tables():
            table.save(out)
    if as_json:
        sys.stdout.write(result.to_json() + "\n")
    else:
        console = output()
        for table in result.tables():
            console.print(table)
        console.print(str(result))
    return HELD if result.holds else FAILED


def _run(file: Path | None) -> dict[str, Any]:
    """Run a file as Python does, so that it can import what lies beside it."""
    if file is None or not file.is_file():
        raise UsageError(
            f"There is no file {file}." if file else "No file was named.",
            "Name a Python file: samestep port FILE. samestep port --selftest needs none.",
        )
    sys.path.insert(0, str(file.parent.resolve()))
    try:
        return runpy.run_path(str(file))
    except SamestepError:
        raise
    except Exception as error:
        raise UsageError(
            f"{file} fails: {one_line(error)}", "samestep --debug ... shows where."
        ) from error
    finally:
        sys.path.pop(0)
