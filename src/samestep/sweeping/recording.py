"""What is kept of a chunk, and how it lies in the arrays of a store.

``parameters`` (run, parameter) holds the parameters at the end, w1, w2, ..., b. With ``every K``
there are ``path`` (update, run, parameter), the parameters after 0, K, 2 K, ... updates, and
``path_loss`` (loss_step, run), the loss of the batches of steps 0, K, 2 K, ..., NaN where a run has
ended: it is a mean over no rows. Arrays named ``checked_...`` (step, checked, ...) hold everything
about some runs, or about all with ``every step``: prediction, loss and gradient of each step, and
the parameters after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from samestep.problem import SyntheticRegression
from samestep.store.arrays import ArraySpec, Region
from samestep.sweeping.layout import Chunk, Group, runs_plan
from samestep.sweeping.specification import recording_interval
from samestep.trace import Trace

if TYPE_CHECKING:
    import xarray

__all__ = ["array_specs", "attributes", "checked_trace", "coordinates", "record", "regions"]

_FEATURES = len(SyntheticRegression.w)
_CHECKED: dict[str, tuple[tuple[str, int], ...]] = {
    "prediction": (("row", 0),),  # as wide as the group's batches
    "loss": (),
    "gradient/w": (("feature", _FEATURES),),
    "gradient/b": (),
    "params/w": (("feature", _FEATURES),),
    "params/b": (),
}
"""What is recorded of a checked run's step, with the dimensions beyond step and run."""


def _array(key: str) -> str:
    return f"checked_{key.replace('/', '_')}"


def array_specs(group: Group, dtype: str) -> dict[str, ArraySpec]:
    """Describe the arrays of a group, by name."""
    runs, chunk, columns = group.runs, group.chunk, _FEATURES + 1
    specs = {
        "parameters": ArraySpec(("run", "parameter"), (runs, columns), (chunk, columns), dtype)
    }
    updates, losses = _recorded(group)
    if len(updates):
        specs["path"] = ArraySpec(
            ("update", "run", "parameter"),
            (len(updates), runs, columns),
            (len(updates), chunk, columns),
            dtype,
        )
        specs["path_loss"] = ArraySpec(
            ("loss_step", "run"), (len(losses), runs), (len(losses), chunk), dtype
        )
    for key, inner in _CHECKED.items():
        sizes = tuple(size or group.width for _, size in inner)
        specs[_array(key)] = ArraySpec(
            ("step", "checked", *(dim for dim, _ in inner)),
            (group.steps, len(group.checked), *sizes),
            (group.steps, group.checked_per_chunk, *sizes),
            dtype,
        )
    return specs


def regions(chunk: Chunk) -> dict[str, Region]:
    """Return the parts of the arrays that belong to a chunk, by name."""
    group = chunk.group
    updates, losses = _recorded(group)
    found: dict[str, Region] = {"parameters": (chunk.runs,)}
    if len(updates):
        found["path"] = (slice(0, len(updates)), chunk.runs)
        found["path_loss"] = (slice(0, len(losses)), chunk.runs)
    checked = chunk.checked
    if checked.stop > checked.start:
        found |= {_array(key): (slice(0, group.steps), checked) for key in _CHECKED}
    return found


def coordinates(group: Group) -> dict[str, tuple[str, npt.NDArray[Any]]]:
    """Return the labels of a group's arrays, each with its dimension."""
    found: dict[str, tuple[str, npt.NDArray[Any]]] = {
        name: ("run", values) for name, values in group.coordinates().items()
    }
    found["checked_run"] = ("checked", group.checked)
    updates, losses = _recorded(group)
    if len(updates):
        found |= {"update": ("update", updates), "loss_step": ("loss_step", losses)}
    return found


def attributes(group: Group) -> dict[str, Any]:
    """Return what all runs of a group have in common."""
    spec = SyntheticRegression()
    return {
        "loss": group.loss,
        "batch_size": group.batch_size,
        "parameter": [*(f"w{i + 1}" for i in range(_FEATURES)), "b"],
        "truth": [*spec.w, spec.b],
    }


def record(trace: Trace, chunk: Chunk) -> dict[str, npt.NDArray[Any]]:
    """Return what is kept of the trace of a whole chunk, by the names of the arrays."""
    assert trace.loss is not None
    count = chunk.runs.stop - chunk.runs.start  # beyond it are the copies that fill the chunk up
    w, b = trace.params["w"], trace.params["b"]

    def parameters(update: Any) -> npt.NDArray[Any]:
        return np.concatenate([w[update], b[update][..., None]], axis=-1)

    kept = {"parameters": parameters(-1)[:count]}
    updates, losses = _recorded(chunk.group)
    if len(updates):
        kept["path"] = parameters(updates)[:, :count]
        kept["path_loss"] = trace.loss[losses, :count]
    here = chunk.group.checked[chunk.checked] - chunk.runs.start
    if len(here):
        kept |= {_array(key): values for key, values in trace.record(here).items()}
    return kept


def checked_trace(
    group: Group, places: slice, arrays: xarray.Dataset, participant: str, dtype: str
) -> Trace:
    """Rebuild the trace of some of a group's checked runs; their plan is drawn anew.

    Parameters
    ----------
    group : Group
    places : slice
        Which of the checked runs.
    arrays : xarray.Dataset
        Those of the whole group.
    participant, dtype : str
    """
    plan = runs_plan(group, group.checked[places])
    found = {key: np.asarray(arrays[_array(key)][:, places]) for key in _CHECKED}
    return Trace.of_record(plan, participant, dtype, found)


def _recorded(group: Group) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """After which updates the parameters are kept, and at which steps the loss."""
    interval = recording_interval(group.sweep.record)
    if interval < 2:
        return np.arange(0), np.arange(0)
    return np.arange(0, group.longest + 1, interval), np.arange(0, group.longest, interval)
