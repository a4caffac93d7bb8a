"""All peers, as plain descriptions: whoever reads them imports no framework."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

from samestep.benchmarking.peer import Fit, Peer
from samestep.benchmarking.workload import Workload

__all__ = [
    "BOOK",
    "BOOK_WITH_VALIDATION",
    "JAX_JIT_STEP",
    "JAX_SCAN",
    "KERAS_JAX",
    "KERAS_TORCH",
    "NUMBA",
    "NUMPY_LOOP",
    "SCIKIT_LEARN",
    "TORCH_HAND_BATCHED",
    "TORCH_LOOP",
]


@dataclass(frozen=True)
class Obstacle:
    """Why a peer cannot do a workload; all of them are written for the mean squared error.

    Parameters
    ----------
    runs : {"one", "many", "any"}
        How many runs it does.
    row_by_row, final_only, float32_only : bool
        Whether it updates after each row; whether it shows nothing but the end; and whether it
        computes in float32, also where data and parameters are float64.
    """

    runs: Literal["one", "many", "any"] = "any"
    row_by_row: bool = False
    final_only: bool = False
    float32_only: bool = False

    def __call__(self, workload: Workload) -> str:
        """Return the reason; empty if there is none."""
        if workload.loss != "squared_error":
            return f"minimises squared_error only, not {workload.loss}"
        if self.runs == "one" and workload.runs > 1:
            return "does one fit at a time: see its time for a single one"
        if self.runs == "many" and workload.runs == 1:
            return "is for stacked fits"
        if self.row_by_row and workload.batch_size > 1:
            return "updates after each row: batch size 1 only"
        if self.final_only and workload.record != "final":
            return "shows neither predictions nor gradients of its steps"
        if self.float32_only and workload.dtype != "float32":
            return f"multiplies in float32, also where it is told {workload.dtype}"
        return ""


@dataclass(frozen=True)
class Code:
    """A function of this package, whose module is imported when it is called.

    Parameters
    ----------
    module, function : str
    """

    module: str
    function: str

    def __call__(self, workload: Workload) -> Fit:
        """Prepare a workload."""
        found = importlib.import_module(f"samestep_experiments.peers.{self.module}")
        fit: Fit = getattr(found, self.function)(workload)
        return fit


TORCH_LOOP = Peer(
    name="torch loop",
    title="PyTorch: nn.Linear, nn.MSELoss, backward, optim.SGD",
    backend="torch",
    requires=("torch",),
    compiler="none",
    obstacle=Obstacle(runs="one"),
    prepare=Code("torch_fits", "loop"),
)

TORCH_HAND_BATCHED = Peer(
    name="torch hand-batched",
    title="PyTorch: all runs in one tensor, autograd.grad of the sum of their losses",
    backend="torch",
    requires=("torch",),
    compiler="none",
    obstacle=Obstacle(runs="many"),
    prepare=Code("torch_fits", "hand_batched"),
)

BOOK = Peer(
    name="book",
    title="Dive into Deep Learning: nn.LazyLinear, DataLoader, Trainer, without validation",
    backend="torch",
    requires=("torch",),
    compiler="none",
    obstacle=Obstacle(runs="one"),
    prepare=Code("book", "without_validation"),
)

BOOK_WITH_VALIDATION = Peer(
    name="book with validation",
    title="Dive into Deep Learning: nn.LazyLinear, DataLoader, Trainer",
    backend="torch",
    requires=("torch",),
    compiler="none",
    obstacle=Obstacle(runs="one"),
    prepare=Code("book", "with_validation"),
    does_more="validates after each epoch",
)

JAX_JIT_STEP = Peer(
    name="jax jit step",
    title="JAX and optax: a jitted step in a Python loop, vmap over runs",
    backend="jax",
    requires=("jax", "optax"),
    compiler="XLA",
    obstacle=Obstacle(),
    prepare=Code("jax_fits", "jit_step"),
)

JAX_SCAN = Peer(
    name="jax scan",
    title="JAX and optax: one jitted lax.scan, vmap over runs",
    backend="jax",
    requires=("jax", "optax"),
    compiler="XLA",
    obstacle=Obstacle(),
    prepare=Code("jax_fits", "scan"),
)

NUMPY_LOOP = Peer(
    name="numpy loop",
    title="NumPy: the gradient written out, all runs at once",
    backend="",
    requires=("numpy",),
    compiler="none",
    obstacle=Obstacle(),
    prepare=Code("numpy_fits", "loop"),
)

SCIKIT_LEARN = Peer(
    name="scikit-learn",
    title="scikit-learn: SGDRegressor, an epoch at a time (scalars of a step in float64)",
    backend="",
    requires=("scikit-learn",),
    compiler="Cython",
    obstacle=Obstacle(runs="one", row_by_row=True, final_only=True),
    prepare=Code("scikit_learn", "row_by_row"),
)

KERAS_TORCH = Peer(
    name="keras torch",
    title="Keras 3 on PyTorch: Sequential, compile, fit",
    backend="torch",
    requires=("keras", "torch"),
    compiler="none",
    # Its rules of promotion turn float64 into float32 (issue 23223 of keras-team/keras).
    obstacle=Obstacle(runs="one", final_only=True, float32_only=True),
    prepare=Code("keras_fits", "on_torch"),
    slow=True,
)

KERAS_JAX = Peer(
    name="keras jax",
    title="Keras 3 on JAX: Sequential, compile, fit",
    backend="jax",
    requires=("keras", "jax"),
    compiler="XLA",
    # Its rules of promotion turn float64 into float32 (issue 23223 of keras-team/keras).
    obstacle=Obstacle(runs="one", final_only=True, float32_only=True),
    prepare=Code("keras_fits", "on_jax"),
    slow=True,
)

NUMBA = Peer(
    name="numba",
    title="Numba: the loops over runs, steps and rows, compiled",
    backend="",
    requires=("numba",),
    compiler="LLVM",
    obstacle=Obstacle(),
    prepare=Code("numba_fits", "loop"),
)
