"""Run code so that nothing it does to the process outlives it."""

from __future__ import annotations

import contextlib
import io
import logging
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from samestep.probes.native import Mode
from samestep.probes.observation import Outcome, observe, raised

__all__ = ["PROCESS_MODES", "Observed", "isolated", "restored"]

PROCESS_MODES = (
    Mode("NumPy's treatment of floating-point errors", np.geterr, lambda old: np.seterr(**old)),
    Mode("Python's random state", random.getstate, random.setstate, consumed=True),
    Mode("NumPy's random state", np.random.get_state, np.random.set_state, consumed=True),
)
"""Global settings that belong to no framework."""


class Observed(BaseModel):
    """What one side of a probe did.

    Parameters
    ----------
    outcome : Outcome
    warnings : tuple of str
        Category and first line of each warning, once.
    seconds : float
        Time that it took, conversion to plain data included.
    left_changed : tuple of str
        Global settings that it left changed, which is a fault of the probe. They are restored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    outcome: Outcome
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    left_changed: tuple[str, ...] = ()


@contextlib.contextmanager
def restored(modes: Sequence[Mode]) -> Iterator[list[str]]:
    """Restore global settings on exit; the list names those that were left changed."""
    before = [mode.read() for mode in modes]
    changed: list[str] = []
    try:
        yield changed
    finally:
        for mode, old in zip(modes, before, strict=True):
            if mode.consumed:
                mode.write(old)
            elif mode.read() != old:
                mode.write(old)
                changed.append(mode.name)


def isolated(
    code: Callable[[], object],
    to_numpy: Callable[[Any], npt.NDArray[Any]],
    modes: Sequence[Mode] = (),
) -> Observed:
    """Run code and say what it did.

    Settings and warning filters are restored, and what it prints or logs is dropped.

    Parameters
    ----------
    code : callable
    to_numpy : callable
        Copies the framework's arrays to the host.
    modes : sequence of Mode
        Settings to restore, besides those of the process.
    """
    with (
        restored((*PROCESS_MODES, *modes)) as changed,
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(io.StringIO()),
        _without_logging(),
    ):
        warnings.simplefilter("always")
        start = time.perf_counter()
        outcome = _run(code, to_numpy)
        seconds = time.perf_counter() - start
    told = [f"{w.category.__name__}: {(str(w.message).splitlines() or [''])[0]}" for w in caught]
    return Observed(
        outcome=outcome,
        warnings=tuple(dict.fromkeys(told)),
        seconds=seconds,
        left_changed=tuple(changed),
    )


def _run(code: Callable[[], object], to_numpy: Callable[[Any], npt.NDArray[Any]]) -> Outcome:
    try:
        value = code()
    except Exception as error:  # noqa: BLE001  # an exception is an observation like any other
        return raised(error)
    return observe(value, to_numpy)


@contextlib.contextmanager
def _without_logging() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
