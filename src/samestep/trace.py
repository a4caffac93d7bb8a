"""Traces: what a run did, step by step, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.plan import Plan

if TYPE_CHECKING:
    import xarray

__all__ = ["Trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """The record of a plan on one participant.

    Parameters
    ----------
    plan : Plan
    participant : str
        Such as ``"name/cpu/float32"``.
    dtype : str
        Working precision.
    params : dict of arrays of shape (steps + 1, runs, ...)
        Parameters before step 0, 1, ..., and after the last; with ``every_step=False`` only the
        first and the last.
    state : dict of arrays of shape (steps + 1, runs, ...)
        Velocities of SGD; empty without momentum.
    prediction : array of shape (steps, runs, batch), or None
    loss : array of shape (steps, runs), or None
    gradient : dict of arrays of shape (steps, runs, ...)
    seconds : float
        Wall time of the run, data transfer and compilation included.
    """

    plan: Plan
    participant: str
    dtype: str
    params: dict[str, npt.NDArray[Any]]
    state: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    prediction: npt.NDArray[Any] | None = None
    loss: npt.NDArray[Any] | None = None
    gradient: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of_record(
        cls,
        plan: Plan,
        participant: str,
        dtype: str,
        record: Mapping[str, npt.NDArray[Any]],
        seconds: float = 0.0,
    ) -> Trace:
        """Make a trace of what a loop recorded after each of its steps.

        Parameters
        ----------
        record : mapping of str to array of shape (steps, runs, ...)
            ``prediction``, ``loss``, ``gradient/NAME``, ``params/NAME`` (after the step) and, with
            momentum, ``state/NAME`` (the velocity after the step). What was before step 0 is the
            plan's: its initial values, and velocities of zero.
        seconds : float
        """
        params: dict[str, npt.NDArray[Any]] = {}
        state: dict[str, npt.NDArray[Any]] = {}
        gradient: dict[str, npt.NDArray[Any]] = {}
        before = plan.initial(dtype)
        for key, values in record.items():
            kind, _, name = key.partition("/")
            if kind == "params":
                params[name] = np.concatenate([before[name][None], values])
            elif kind == "state":
                state[name] = np.concatenate([np.zeros_like(values[:1]), values])
            elif kind == "gradient":
                gradient[name] = values
        loss, prediction = record["loss"], record["prediction"]
        return cls(
            plan, participant, dtype, params, state, prediction, loss, gradient, seconds=seconds
        )

    def record(self, runs: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
        """Return what :meth:`of_record` takes, for some of the runs."""
        if self.loss is None or self.prediction is None:
            raise UsageError("This trace holds no steps.", "Train with every_step=True.")
        everything = {
            "prediction": self.prediction,
            "loss": self.loss,
            **{f"gradient/{name}": values for name, values in self.gradient.items()},
            **{f"params/{name}": values[1:] for name, values in self.params.items()},
            **{f"state/{name}": values[1:] for name, values in self.state.items()},
        }
        return {key: values[:, runs] for key, values in everything.items()}

    @property
    def every_step(self) -> bool:
        """Whether each step was recorded, or only the start and the end."""
        return self.loss is not None

    @property
    def final(self) -> dict[str, npt.NDArray[Any]]:
        """Parameters after the last step, by name; arrays with a leading run axis."""
        return {name: values[-1] for name, values in self.params.items()}

    def error(self, step: int = -1) -> npt.NDArray[np.float64]:
        """Signed error of the parameters after ``step`` updates, shape (runs, features + 1).

        The columns are w1, w2, ... and b. The problems must know their true parameters.
        """
        truth = []
        for problem in self.plan.problems:
            if problem.truth is None:
                raise UsageError(
                    "The true parameters of this problem are not known.",
                    "Give true_w and true_b to Problem.",
                )
            truth.append(problem.truth)
        return self.parameters(step) - np.stack(truth)[self.plan.problem_of_run]

    def parameters(self, step: int = -1) -> npt.NDArray[np.float64]:
        """Parameters after ``step`` updates as one array (runs, features + 1): w1, w2, ..., b."""
        w, b = self.params["w"][step], self.params["b"][step]
        return np.concatenate([w, b[:, None]], axis=1).astype(np.float64)

    def select(self, runs: slice | Sequence[int] | npt.NDArray[Any]) -> Trace:
        """Return the record of some of the runs, with their plan."""
        plan = self.plan.select(runs)
        index = np.arange(self.plan.runs)[runs]
        width, steps = plan.batches.shape[2], plan.steps if self.every_step else 1

        def cut(arrays: dict[str, npt.NDArray[Any]], count: int) -> dict[str, npt.NDArray[Any]]:
            return {name: values[:count, index] for name, values in arrays.items()}

        return replace(
            self,
            plan=plan,
            params=cut(self.params, steps + 1),
            state=cut(self.state, steps + 1),
            gradient=cut(self.gradient, steps),
            loss=None if self.loss is None else self.loss[:steps, index],
            prediction=None if self.prediction is None else self.prediction[:steps, index, :width],
        )

    def epoch_loss(self, run: int = 0) -> npt.NDArray[np.float64]:
        """Mean over each epoch's minibatches of their training losses, shape (epochs,).

        Always per example, also where the plan sums, so that it stands beside validation losses.
        """
        if self.loss is None:
            raise UsageError("This trace has no losses.", "Train with every_step=True.")
        ends = self.plan.epoch_ends(run)
        values = self.loss[: ends[-1], run].astype(np.float64)
        if self.plan.reduction == "sum":
            values = values / self.plan.masks()[: ends[-1], run].sum(axis=-1)
        return np.asarray(values.reshape(len(ends) - 1, -1).mean(axis=1))

    def observed(self, key: str, steps: slice) -> npt.NDArray[Any]:
        """What was recorded of a quantity in some steps, shape (steps, runs, ...).

        Parameters
        ----------
        key : str
            ``prediction``, ``loss``, ``gradient/NAME``, ``update/NAME`` (the parameters after the
            step) or ``update/velocity NAME``.
        steps : slice
            With both ends given.
        """
        if self.loss is None or self.prediction is None:
            raise UsageError("This trace holds no steps.", "Train with every_step=True.")
        if key == "prediction":
            return self.prediction[steps]
        if key == "loss":
            return self.loss[steps]
        kind, name = key.split("/")
        if kind == "gradient":
            return self.gradient[name][steps]
        after = slice(steps.start + 1, steps.stop + 1)
        if name.startswith("velocity "):
            return self.state[name.removeprefix("velocity ")][after]
        return self.params[name][after]

    def to_xarray(self) -> xarray.Dataset:
        """Return the trace as labelled arrays with dimensions step, run, row and feature."""
        import xarray  # half a second to import, and only needed here

        def dims(values: npt.NDArray[Any], first: str) -> tuple[str, ...]:
            return (first, "run", "feature")[: values.ndim]

        variables: dict[str, Any] = {}
        whole = "state_step" if self.every_step else "end"
        for kind, arrays in (("params", self.params), ("velocity", self.state)):
            for name, values in arrays.items():
                variables[f"{kind}_{name}"] = (dims(values, whole), values)
        for name, values in self.gradient.items():
            variables[f"gradient_{name}"] = (dims(values, "step"), values)
        if self.loss is not None and self.prediction is not None:
            variables["loss"] = (("step", "run"), self.loss)
            variables["prediction"] = (("step", "run", "row"), self.prediction)
            variables["rows"] = (("step", "run"), self.plan.rows)
        return xarray.Dataset(
            variables,
            coords={"learning_rate": ("run", self.plan.learning_rate)},
            attrs={
                "participant": self.participant,
                "dtype": self.dtype,
                "plan": self.plan.name,
                "plan_hash": self.plan.hash,
                **{k: str(v) for k, v in self.plan.settings().items()},
            },
        )

    def __repr__(self) -> str:
        return f"<Trace {self.participant}: {self.plan!r}>"
