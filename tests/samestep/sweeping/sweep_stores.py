"""Sweeps for the tests, and what is compared of their stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samestep.sweeping.results import SweepResult

RAGGED = {
    "learning_rate": [0.01, 0.3],
    "n": [7, 20, 33],
    "epochs": [1, 2],
    "batch_size": 8,
    "seeds": 3,
    "chunk": 8,
}
"""36 runs of different lengths in 5 chunks, the last one half full."""

LONG = {
    "learning_rate": [0.01, 0.03, 0.1],
    "n": [20, 100],
    "epochs": [1, 3],
    "seeds": 28,
    "chunk": 8,
}
"""336 runs in 42 chunks: long enough to be interrupted in the middle."""


def arrays(result: SweepResult) -> dict[str, np.ndarray]:
    """All arrays of a complete store, read and verified, by task and name."""
    notes = result.notes(result.tasks)
    return {
        f"{task.name}/{name}": values
        for task in result.tasks
        for name, values in result.read(task, notes[task.name]).items()
    }


def equal_to_the_bit(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return found.keys() == expected.keys() and all(
        values.dtype == expected[name].dtype and values.tobytes() == expected[name].tobytes()
        for name, values in found.items()
    )


def markers(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The markers of a store: when they were written, and what they say."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.glob("done/**/[!.]*.json")
    }
