"""The same sweep is the same to the bit in this process, in workers and on Dask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep_stores import RAGGED, arrays, equal_to_the_bit

from samestep.errors import SamestepError
from samestep.sweeping.conduct import sweep
from samestep.sweeping.results import open_sweep

EVERYBODY = {"on": ["numpy", "torch", "jax"], "dtype": ["float32", "float64"]}


@pytest.fixture(scope="session")
def here() -> dict[str, np.ndarray]:
    return arrays(sweep(**RAGGED | EVERYBODY))


@pytest.mark.parametrize(
    "engine", ["workers", pytest.param("local", marks=pytest.mark.slow)], ids=["workers", "dask"]
)
def test_the_engine_changes_no_bit(
    engine: str, here: dict[str, np.ndarray], ragged: dict[str, Any], tmp_path: Path
) -> None:
    sweep(**ragged | EVERYBODY, out=tmp_path / "store", engine=engine)
    assert equal_to_the_bit(arrays(open_sweep(tmp_path / "store")), here)


def test_a_sweep_begun_in_workers_is_finished_here(
    here: dict[str, np.ndarray], ragged: dict[str, Any], tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    settings = ragged | EVERYBODY | {"out": tmp_path / "store"}
    with pytest.raises(KeyboardInterrupt):
        sweep(**settings, engine="workers", progress=stop)
    assert equal_to_the_bit(arrays(sweep(**settings)), here)


def test_the_parent_of_workers_imports_no_framework(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from samestep.sweeping.conduct import sweep\n"
        f"sweep(n=20, on=['jax', 'numpy'], out={str(tmp_path / 'store')!r}, engine='workers')\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "samestep.sweeping.conduct" in done.stdout
    assert not {"torch", "jax", "optax"} & set(done.stdout.split())


def test_a_worker_that_never_comes_up_stops_no_other(
    ragged: dict[str, Any], tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(SamestepError, match="5 of 10 chunks are complete"):
        sweep(
            **ragged,
            on=["torch", "numpy"],
            out=tmp_path / "store",
            engine="workers",
            python={"torch": str(tmp_path / "python")},
            tell=told.append,
        )
    assert sum("is tried again" in text for text in told) == 2
    assert "torch cannot go on" in told[-1]
    assert open_sweep(tmp_path / "store").dataset("numpy").sizes["run"] == 36


def test_a_backend_of_another_interpreter_need_not_be_known_here(tmp_path: Path) -> None:
    # Known nowhere, in fact: so it is the worker that says so.
    told: list[str] = []
    with pytest.raises(SamestepError, match="Unknown backend 'tinygrad'"):
        sweep(
            on="tinygrad",
            out=tmp_path / "store",
            engine="workers",
            python={"tinygrad": sys.executable},
            tell=told.append,
        )
    assert "Known: jax, numpy, torch" in told[0]


def test_a_hung_worker_is_ended_and_reported(
    ragged: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samestep.sweeping.conduct.run_chunk", hang)
    told: list[str] = []
    with pytest.raises(SamestepError, match="gave no answer in 1 s"):
        sweep(
            **ragged,
            on="numpy",
            out=tmp_path / "store",
            engine="workers",
            timeout=1,
            tell=told.append,
        )
    assert len(told) == 3


hang: Callable[..., None] = lambda backend, chunk: __import__("time").sleep(60)  # noqa: E731  # a lambda is sent by value
