"""Draw figures in a second process, while the first goes on with the next exercise.

Drawing a dozen figures takes as long as some exercises. Figures are plain data and a function of a
module, so they can be handed over; one that cannot is left to whoever waits for it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Self

from samestep.figures import FigureSpec

__all__ = ["FigureWriter"]

_LENGTH = 8  # bytes that give the size of the pickle that follows

_GIVES_WAY = 10
"""What is added to the niceness of the process that draws: nobody waits for it until the end."""


class FigureWriter:
    """Writes figures into a folder from a process of its own.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Notes
    -----
    The process is in a group of its own, so that Ctrl-C in a terminal reaches only its parent,
    which decides what becomes of it; it ends when its standard input is closed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "samestep.drawing", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            process_group=0,
        )
        # A pipe holds 64 KiB; a thread waits for room in it, so that training does not.
        self._sender = ThreadPoolExecutor(1)
        self._drawn: list[str] | None = None

    def add(self, figure: FigureSpec) -> None:
        """Hand a figure over and return at once."""
        with contextlib.suppress(Exception):  # pickle raises whatever the data's types raise
            self._sender.submit(self._send, pickle.dumps(figure))

    def finish(self) -> list[str]:
        """Wait until all is drawn and return the names of the figures that were written.

        A name is missing if its figure could not be handed over, or raised when it was drawn. An
        interrupted call can be repeated.
        """
        if self._drawn is None:
            self._sender.shutdown()
            output, _ = self._process.communicate()
            self._drawn = output.decode().splitlines()
        return self._drawn

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """End the process, without waiting for figures that nobody waited for."""
        self._process.kill()
        self._sender.shutdown(cancel_futures=True)
        self._process.communicate()

    def _send(self, payload: bytes) -> None:
        pipe = self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # then finish() says what is missing
            if pipe is not None:
                pipe.write(len(payload).to_bytes(_LENGTH, "big") + payload)
                pipe.flush()


def _serve(folder: Path, source: IO[bytes], names: IO[str]) -> None:
    """Draw what arrives until the source ends, and name each figure that was written."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(_GIVES_WAY)
    # The first figure comes when an exercise is finished: time enough to import what draws it.
    importlib.import_module("matplotlib.backends.backend_agg")
    importlib.import_module("matplotlib.backends.backend_svg")
    while header := source.read(_LENGTH):
        payload = source.read(int.from_bytes(header, "big"))
        # A figure that fails here is drawn again by the parent, where the error can be shown.
        with contextlib.suppress(Exception):
            figure: FigureSpec = pickle.loads(payload)
            figure.save(folder)
            print(figure.name, file=names, flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout)
