"""Traces on disk: one NPZ file holds a trace and the whole plan that it followed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from samestep.errors import UsageError
from samestep.interface import SGDOptions
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.problem_set import ProblemSet
from samestep.store.files import replacing
from samestep.trace import Trace

__all__ = ["load_trace", "save_trace"]

FORMAT = 1
"""Version of the file format; another one is refused, never misread."""

_PROBLEM = ("X", "y", "w", "b", "X_val", "y_val", "true_w", "true_b")
_PLAN = ("problem_of_run", "learning_rate", "epochs", "batches", "rows")


def save_trace(trace: Trace, path: Path) -> None:
    """Write a trace and its plan to one NPZ file, which :func:`load_trace` reads.

    Parameters
    ----------
    trace : Trace
    path : Path
        Ends in ``.npz``; an existing file is replaced.
    """
    plan = trace.plan
    arrays: dict[str, Any] = {f"plan/{name}": getattr(plan, name) for name in _PLAN}
    for i, problem in enumerate(plan.problems):
        for name in _PROBLEM:
            value = getattr(problem, name)
            if value is not None:
                arrays[f"problem/{i}/{name}"] = value
    for group in ("params", "state", "gradient"):
        for name, values in getattr(trace, group).items():
            arrays[f"{group}/{name}"] = values
    if trace.loss is not None and trace.prediction is not None:
        arrays["loss"], arrays["prediction"] = trace.loss, trace.prediction
    attributes = {
        "format": FORMAT,
        "name": plan.name,
        "hash": plan.hash,
        "settings": plan.settings(),
        "problems": [{"batch_size": p.batch_size, "seed": p.seed} for p in plan.problems],
        "participant": trace.participant,
        "dtype": trace.dtype,
        "seconds": trace.seconds,
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, attributes=np.array(json.dumps(attributes)), **arrays)


def load_trace(path: Path) -> Trace:
    """Read a trace with its plan, and verify that the plan is what it was.

    Raises
    ------
    UsageError
        If the file is missing, no trace, of another format, or its plan's hash does not fit.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        attributes = json.loads(str(arrays.pop("attributes")))
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:
        raise UsageError(
            f"{path} is no stored trace ({type(error).__name__}).",
            "Expected a .npz file from the traces/ folder of a run.",
        ) from error
    if attributes.get("format") != FORMAT:
        raise UsageError(
            f"{path} has format {attributes.get('format')!r}.",
            f"This version reads format {FORMAT}; run the exercise again.",
        )
    settings = attributes["settings"]
    problems = ProblemSet(
        Problem(**{name: arrays.get(f"problem/{i}/{name}") for name in _PROBLEM}, **scalars)  # type: ignore[arg-type]
        for i, scalars in enumerate(attributes["problems"])
    )
    plan = Plan(
        name=attributes["name"],
        problems=problems,
        loss=settings["loss"],
        reduction=settings["reduction"],
        delta=settings["delta"],
        options=SGDOptions(settings["momentum"], settings["nesterov"], settings["weight_decay"]),
        last_batch=settings["last_batch"],
        **{name: arrays[f"plan/{name}"] for name in _PLAN},
    )
    if plan.hash != attributes["hash"]:
        raise UsageError(
            f"The plan in {path} is not the one that was run: its hash does not fit.",
            "The file was changed or damaged; run the exercise again.",
        )

    def group(kind: str) -> dict[str, np.ndarray]:
        return {
            name.removeprefix(f"{kind}/"): values
            for name, values in arrays.items()
            if name.startswith(f"{kind}/")
        }

    return Trace(
        plan=plan,
        participant=attributes["participant"],
        dtype=attributes["dtype"],
        params=group("params"),
        state=group("state"),
        prediction=arrays.get("prediction"),
        loss=arrays.get("loss"),
        gradient=group("gradient"),
        seconds=attributes["seconds"],
    )
