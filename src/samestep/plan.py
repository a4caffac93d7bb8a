"""Plans: everything that a training run needs, as data; many runs are stacked in one plan."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.batching import LastBatch, epoch_batches
from samestep.errors import UsageError, unknown_name
from samestep.interface import SGDOptions
from samestep.loss import Float64, Reduction, get_loss
from samestep.problem import Problem, require_positive
from samestep.problem_set import ProblemSet, first_rows
from samestep.workers.shared import Shared

__all__ = ["Plan", "stack"]


@dataclass(frozen=True, eq=False)
class Plan(Shared):
    """One or more training runs that share a loss and the options of SGD.

    Make one with :meth:`Plan.of` and put several together with :func:`stack`.

    Parameters
    ----------
    name : str
        What the run is called in reports; no part of its hash.
    problems : ProblemSet
        The problems that the runs use; their rows are laid end to end.
    problem_of_run : array of shape (runs,), int
        Which problem each run uses.
    loss, reduction, delta
        The loss by name, its reduction, and the parameter of Huber's loss.
    options : SGDOptions
        Momentum, Nesterov, weight decay.
    learning_rate : array of shape (runs,), float64
    epochs : array of shape (runs,), int
    last_batch : {"keep", "drop", "reweight"}
        What becomes of a last batch that is shorter than the others: "reweight" gives its
        examples the weight ``batch_size / rows``, so that a summed loss counts as much there.
    batches : array of shape (steps, runs, batch), int32
        Rows of the problems laid end to end; padding repeats the first row of the batch, so that
        it overflows only where a real row does.
    rows : array of shape (steps, runs), int32
        Number of rows of each batch that are no padding; 0 where a run has ended already.
    """

    name: str
    problems: ProblemSet
    problem_of_run: npt.NDArray[np.intp]
    loss: str
    reduction: Reduction
    delta: float
    options: SGDOptions
    learning_rate: Float64
    epochs: npt.NDArray[np.intp]
    last_batch: LastBatch
    batches: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls,
        *problems: Problem,
        loss: str = "squared_error",
        reduction: Reduction = "mean",
        delta: float = 1.0,
        learning_rate: float = 0.03,
        epochs: int = 3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        last_batch: LastBatch = "keep",
        name: str = "",
    ) -> Plan:
        """Plan a run on a problem, or one on each of several of one size: :func:`stack` pads.

        Raises
        ------
        UsageError
            For an unknown loss or reduction, epochs below 1, a rate that is negative, NaN or
            infinite (0 is legal), a delta that is not positive, or problems of several sizes.
        """
        sizes = {(*p.X.shape, p.batch_size) for p in problems}
        if len(sizes) != 1:
            raise UsageError(
                f"The problems have (examples, features, batch size) {sorted(sizes)}.",
                "Expected one size; stack plans of the others.",
            )
        require_positive(epochs=epochs)
        learning_rate, delta, momentum, weight_decay = (
            _number(**{name: value})
            for name, value in (
                ("learning_rate", learning_rate),
                ("delta", delta),
                ("momentum", momentum),
                ("weight_decay", weight_decay),
            )
        )
        runs = len(problems)
        batches, rows = epoch_batches(problems, epochs, last_batch)
        what = f"{reduction} {loss}"
        return cls(
            name=name
            or (f"{what}, rate {learning_rate:g}" if runs == 1 else f"{runs} runs of {what}"),
            problems=ProblemSet(problems),
            problem_of_run=np.arange(runs),
            loss=loss,
            reduction=reduction,
            delta=float(delta),
            options=SGDOptions(momentum, nesterov, weight_decay),
            learning_rate=np.full(runs, learning_rate),
            epochs=np.full(runs, epochs),
            last_batch=last_batch,
            batches=batches + first_rows(problems).astype(np.int32)[:, None],
            rows=np.repeat(rows[:, None], runs, axis=1),
        )

    def __post_init__(self) -> None:
        get_loss(self.loss)
        examples = sum(p.num_train for p in self.problems)
        if self.batches.size and not 0 <= self.batches.min() <= self.batches.max() < examples:
            raise UsageError(
                f"batches name rows {self.batches.min()} to {self.batches.max()}.",
                f"The problems have rows 0 to {examples - 1}.",
            )
        for label, numbers in (
            ("learning_rate", self.learning_rate),
            ("momentum", [self.options.momentum]),
            ("weight_decay", [self.options.weight_decay]),
        ):
            for number in numbers:
                if not (math.isfinite(number) and number >= 0):
                    raise UsageError(
                        f"{label} is {number}.", "Expected a finite number, 0 or positive."
                    )
        if self.options.nesterov and not self.options.momentum:
            raise UsageError(
                "nesterov is True, but momentum is 0.",
                "Give a momentum above 0: without a velocity there is nothing to look ahead with.",
            )
        if not (math.isfinite(self.delta) and self.delta > 0):
            raise UsageError(f"delta is {self.delta}.", "Expected a finite positive number.")
        for what, given, known in (
            ("reduction", self.reduction, ("mean", "sum")),
            ("last_batch", self.last_batch, ("keep", "drop", "reweight")),
        ):
            if given not in known:
                raise unknown_name(what, given, known)

    def vary(
        self,
        *,
        loss: str | None = None,
        reduction: Reduction | None = None,
        delta: float | None = None,
        learning_rate: npt.ArrayLike | None = None,
        epochs: int | None = None,
        name: str = "",
    ) -> Plan:
        """Return the same runs with another loss, reduction, rate or length: same data.

        Parameters
        ----------
        learning_rate : float or array of shape (runs,)
        epochs : int
            For all runs; the epochs that both plans have keep their batches.
        """
        rates = np.asarray(self.learning_rate if learning_rate is None else learning_rate)
        if rates.dtype.kind not in "fiu" or rates.shape not in ((), (1,), (self.runs,)):
            raise UsageError(
                f"learning_rate is {learning_rate!r} for {self.runs} run(s).",
                "Expected one number, or one for each run.",
            )
        return replace(
            self if epochs is None else self._with_epochs(epochs),
            loss=loss or self.loss,
            reduction=reduction or self.reduction,
            delta=self.delta if delta is None else float(delta),
            learning_rate=np.broadcast_to(rates.astype(np.float64), (self.runs,)).copy(),
            name=name or self.name,
        )

    def _with_epochs(self, epochs: int) -> Plan:
        fresh = stack(
            Plan.of(self.problems[i], epochs=epochs, last_batch=self.last_batch)
            for i in self.problem_of_run
        )
        return replace(
            self,
            problems=fresh.problems,
            problem_of_run=fresh.problem_of_run,
            epochs=fresh.epochs,
            batches=fresh.batches,
            rows=fresh.rows,
        )

    def require_representable(self, dtype: str) -> None:
        """Raise an error if data, start or settings leave the range of a working precision.

        Infinite or vanished numbers would make every participant agree on nothing.
        """
        if dtype in self._representable:
            return
        with np.errstate(over="ignore"):
            numbers = {
                "the data": (np.asarray(self.problems.largest_number).astype(dtype),),
                "the initial values": tuple(self.initial(dtype).values()),
                "the learning rate": (self.learning_rate.astype(dtype),),
                "momentum": (np.asarray(self.options.momentum).astype(dtype),),
                "weight_decay": (np.asarray(self.options.weight_decay).astype(dtype),),
                "delta": (np.asarray(self.delta).astype(dtype),),
            }
        for what, arrays in numbers.items():
            if not all(np.isfinite(array).all() for array in arrays):
                raise UsageError(
                    f"{self.name}: {what} cannot be represented in {dtype}, it overflows.",
                    "Scale the problem, or use float64.",
                )
        if not numbers["delta"][0] > 0:
            raise UsageError(
                f"{self.name}: delta {self.delta:g} is 0 in {dtype}.", "Use a larger one."
            )
        self._representable.add(dtype)

    @functools.cached_property
    def _representable(self) -> set[str]:
        """Working precisions that have been found wide enough."""
        return set()

    @property
    def steps(self) -> int:
        """Number of updates of the longest run."""
        return len(self.batches)

    @property
    def runs(self) -> int:
        """Number of stacked runs."""
        return len(self.learning_rate)

    @property
    def nbytes(self) -> int:
        """Size of the batches and of the rows that they are taken from, in bytes."""
        rows = sum(p.X.nbytes + p.y.nbytes for p in self.problems)
        return self.batches.nbytes + rows

    @property
    def features(self) -> int:
        """Number of features."""
        return int(self.problems[0].X.shape[1])

    @functools.cached_property
    def active(self) -> npt.NDArray[np.bool_]:
        """Whether a run takes a given step, shape (steps, runs)."""
        return self.rows > 0

    def masks(self, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
        """Weights of the examples, shape (steps, runs, batch): 0 marks padding."""
        width = self.batches.shape[2]
        mask = (np.arange(width, dtype=np.int32) < self.rows[..., None]).astype(dtype)
        if self.last_batch == "reweight":
            size = np.array([p.batch_size for p in self.problems])[self.problem_of_run]
            mask *= (size / np.maximum(self.rows, 1)).astype(dtype)[..., None]
        return mask

    def data(self, dtype: npt.DTypeLike = np.float64) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """All rows of all problems end to end, ``X`` and ``y``, rounded to ``dtype``."""
        X, y = self.problems.rows
        with np.errstate(over="ignore"):  # require_representable says so in words
            return X.astype(dtype, copy=False), y.astype(dtype, copy=False)

    def initial(self, dtype: npt.DTypeLike = np.float64) -> dict[str, npt.NDArray[Any]]:
        """Initial values: ``w`` of shape (runs, features) and ``b`` of shape (runs,)."""
        w, b = self._initial
        return {"w": w.astype(dtype), "b": b.astype(dtype)}

    @functools.cached_property
    def _initial(self) -> tuple[Float64, Float64]:
        w = np.stack([p.w for p in self.problems])[self.problem_of_run]
        b = np.stack([p.b for p in self.problems])[self.problem_of_run]
        return w, b

    def epoch_ends(self, run: int = 0) -> npt.NDArray[np.intp]:
        """Number of updates made at the end of epochs 0, 1, ..., epochs of one run."""
        per_epoch = int(self.active[:, run].sum()) // int(self.epochs[run])
        return np.arange(int(self.epochs[run]) + 1) * per_epoch

    def select(self, runs: slice | Sequence[int] | npt.NDArray[Any]) -> Plan:
        """Return the plan of some of the runs, with only the problems that these use."""
        index = np.arange(self.runs)[runs]
        used, problem_of_run = np.unique(self.problem_of_run[index], return_inverse=True)
        offsets = first_rows(self.problems)
        shift = offsets[used] - first_rows([self.problems[i] for i in used])
        steps = int(self.active[:, index].sum(0).max())
        return replace(
            self,
            problems=ProblemSet(self.problems[i] for i in used),
            problem_of_run=problem_of_run,
            learning_rate=self.learning_rate[index],
            epochs=self.epochs[index],
            batches=self.batches[:steps, index] - shift[problem_of_run].astype(np.int32)[:, None],
            rows=self.rows[:steps, index],
        )

    def settings(self) -> dict[str, Any]:
        """The plan's scalars as JSON data, for reports and for the hash."""
        return {
            "loss": self.loss,
            "reduction": self.reduction,
            "delta": self.delta,
            **asdict(self.options),
            "last_batch": self.last_batch,
            "runs": self.runs,
            "steps": self.steps,
        }

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of everything that determines the run: equal hashes, same steps."""
        digest = hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode())
        for problem in self.problems:
            digest.update(problem.hash.encode())
        for array in (self.problem_of_run, self.learning_rate, self.batches, self.rows):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"<Plan {self.name!r}: {self.runs} runs, {self.steps} steps, {self.hash[:12]}>"


def _number(**named: object) -> float:
    """Return the one value that is given by name, if it is a number."""
    ((name, value),) = named.items()
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return float(value)
    raise UsageError(f"{name} is {value!r}.", "Expected a number.")


def stack(plans: Iterable[Plan], name: str = "", *, steps: int = 0, width: int = 0) -> Plan:
    """Put runs together that share the loss, its reduction and the options of SGD.

    Runs of different length or batch size are padded; problems used more than once are kept once.

    Parameters
    ----------
    plans : iterable of Plan
    name : str
    steps, width : int
        Pad to at least so many steps and rows of a batch, so that stacks share one shape.
    """
    plans = list(plans)
    if not plans:
        raise UsageError("No plan was given to stack.", "Give at least one.")
    first = plans[0]
    for plan in plans[1:]:
        for what in ("loss", "reduction", "delta", "options", "last_batch", "features"):
            if getattr(plan, what) != getattr(first, what):
                raise UsageError(
                    f"Plans to stack differ in {what}: {getattr(first, what)!r} and "
                    f"{getattr(plan, what)!r}.",
                    "Stack only runs that share it, and train the others on their own.",
                )
    position: dict[int, int] = {}
    problems: list[Problem] = []
    for plan in plans:
        for problem in plan.problems:
            if id(problem) not in position:
                position[id(problem)] = len(problems)
                problems.append(problem)
    offsets = first_rows(problems)
    steps = max(steps, *(plan.steps for plan in plans))
    width = max(width, *(plan.batches.shape[2] for plan in plans))
    runs = sum(plan.runs for plan in plans)
    batches = np.empty((steps, runs, width), np.int32)
    rows = np.zeros((steps, runs), np.int32)
    problem_of_run = np.empty(runs, np.intp)
    run = 0
    for plan in plans:
        here = slice(run, run + plan.runs)
        new = np.array([position[id(problem)] for problem in plan.problems])
        shift = (offsets[new] - first_rows(plan.problems))[plan.problem_of_run].astype(np.int32)
        problem_of_run[here] = new[plan.problem_of_run]
        used = plan.batches.shape[2]
        batches[: plan.steps, here, :used] = plan.batches + shift[:, None]
        batches[: plan.steps, here, used:] = (plan.batches[:, :, :1]) + shift[:, None]
        batches[plan.steps :, here] = batches[plan.steps - 1, here, :1]
        rows[: plan.steps, here] = plan.rows
        run += plan.runs
    return replace(
        first,
        name=name or f"{runs} runs of {first.reduction} {first.loss}",
        problems=ProblemSet(problems),
        problem_of_run=problem_of_run,
        learning_rate=np.concatenate([plan.learning_rate for plan in plans]),
        epochs=np.concatenate([plan.epochs for plan in plans]),
        batches=batches,
        rows=rows,
    )
