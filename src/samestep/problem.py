"""Problems: data, initial values and batch order, drawn once on the host and hashed.

Frameworks have random streams of their own, which can never be compared. So all randomness is
drawn here, by NumPy, and every backend is handed the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import math
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from samestep.errors import UsageError
from samestep.loss import Float64

__all__ = ["Problem", "SyntheticRegression", "largest", "require_positive"]

# One independent random stream per purpose, so that asking for validation data, or for more
# epochs, changes nothing else.
_DATA, _VALIDATION, _INITIAL, _ORDER = range(4)

_DRAWING = threading.Lock()
"""Orders of a problem are drawn one after the other, whichever thread asks for them."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A regression data set with initial values and a batch order.

    Parameters
    ----------
    X : array of shape (examples, features), float64
    y : array of shape (examples,), float64
    w, b : arrays of shape (features,) and (), float64
        Initial values of the parameters.
    batch_size : int
        Examples in a minibatch; larger than the data set means one short batch per epoch.
    seed : int
        Seed of the batch order.
    X_val, y_val : arrays, optional
        Validation data.
    true_w, true_b : arrays, optional
        The parameters that made the data, where they are known.
    """

    X: Float64
    y: Float64
    w: Float64
    b: Float64
    batch_size: int = 32
    seed: int = 0
    X_val: Float64 | None = None
    y_val: Float64 | None = None
    true_w: Float64 | None = None
    true_b: Float64 | None = None
    # Not an argument of __init__: a copy made by dataclasses.replace draws its own orders anew.
    _orders: list[np.ndarray] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or self.y.shape != self.X.shape[:1]:
            raise UsageError(
                f"X has shape {self.X.shape} and y has shape {self.y.shape}.",
                "Expected X of shape (examples, features) and y of shape (examples,).",
            )
        if self.w.shape != self.X.shape[1:] or self.b.shape != ():
            raise UsageError(
                f"Initial values have shapes w {self.w.shape} and b {self.b.shape}.",
                f"Expected w of shape {self.X.shape[1:]} and b of shape ().",
            )
        require_positive(batch_size=self.batch_size, num_train=len(self.y))
        # A NaN in the data would end every comparison at the first step, and still agree.
        for name in ("X", "y", "w", "b"):
            if not math.isfinite(largest(getattr(self, name))):
                raise UsageError(
                    f"{name} holds numbers that are not finite.",
                    "Leave such examples out, or replace the numbers.",
                )

    @classmethod
    def again(cls, values: dict[str, Any]) -> Problem:
        """Make a problem of values by field that were checked when they became one before."""
        problem = object.__new__(cls)
        problem.__dict__.update(values, _orders=[])
        return problem

    @property
    def num_train(self) -> int:
        """Number of training examples."""
        return len(self.y)

    @property
    def steps_per_epoch(self) -> int:
        """Number of minibatches in an epoch, a last short one included."""
        return math.ceil(self.num_train / self.batch_size)

    @property
    def truth(self) -> Float64 | None:
        """True parameters as one array w1, w2, ..., b, where they are known."""
        if self.true_w is None or self.true_b is None:
            return None
        return np.append(self.true_w, self.true_b)

    def order(self, epoch: int) -> np.ndarray:
        """Return the permutation of the training examples in an epoch, shape (examples,)."""
        with _DRAWING:
            while len(self._orders) <= epoch:
                self._orders.append(self._order_rng.permutation(self.num_train).astype(np.int32))
        return self._orders[epoch]

    @functools.cached_property
    def _order_rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, _ORDER])

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of all data, initial values and the batch order's seed."""
        digest = hashlib.sha256()
        for array in (self.X, self.y, self.w, self.b, self.X_val, self.y_val):
            if array is None:
                digest.update(b"-")
            else:
                digest.update(f"{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(f"{self.batch_size} {self.seed}".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class SyntheticRegression:
    """The book's synthetic regression: ``y = X w + b + noise`` with standard normal ``X``.

    Parameters
    ----------
    w, b : tuple of float, float
        The true parameters.
    noise : float
        Standard deviation of the additive normal noise.
    num_train, num_val : int
        Numbers of training and validation examples (the latter may be 0).
    batch_size : int
    start : {"normal", "uniform"}
        Initial values: weights N(0, 0.01^2) and bias 0, which is what the book means; or weights
        and bias U(-1/sqrt(features), 1/sqrt(features)), which is what a lazily built layer does.
    """

    w: tuple[float, ...] = (2.0, -3.4)
    b: float = 4.2
    noise: float = 0.01
    num_train: int = 1000
    num_val: int = 1000
    batch_size: int = 32
    start: Literal["normal", "uniform"] = "normal"

    def __post_init__(self) -> None:
        require_positive(num_train=self.num_train, batch_size=self.batch_size)
        if self.num_val < 0:
            raise UsageError(f"num_val is {self.num_val}.", "Expected 0 or a positive number.")
        if not self.noise >= 0 or math.isinf(self.noise):
            raise UsageError(f"noise is {self.noise}.", "Expected a finite number, 0 or positive.")
        if self.start not in ("normal", "uniform"):
            raise UsageError(f"start is {self.start!r}.", "Expected 'normal' or 'uniform'.")

    def draw(self, seed: int) -> Problem:
        """Draw one problem; equal seeds give equal bytes, whatever else was drawn before."""
        if not _is_whole(seed) or seed < 0:
            raise UsageError(f"seed is {seed!r}.", "Expected 0 or a positive whole number.")
        w, b = np.array(self.w), np.array(self.b)
        X, y = self._examples([seed, _DATA], self.num_train)
        X_val = y_val = None
        if self.num_val:
            X_val, y_val = self._examples([seed, _VALIDATION], self.num_val)
        rng = np.random.default_rng([seed, _INITIAL])
        if self.start == "normal":
            initial_w, initial_b = 0.01 * rng.standard_normal(len(w)), np.zeros(())
        else:
            limit = 1 / math.sqrt(len(w))
            initial_w = rng.uniform(-limit, limit, len(w))
            initial_b = np.array(rng.uniform(-limit, limit))
        return Problem(
            X=X,
            y=y,
            w=initial_w,
            b=initial_b,
            batch_size=self.batch_size,
            seed=seed,
            X_val=X_val,
            y_val=y_val,
            true_w=w,
            true_b=b,
        )

    def _examples(self, stream: list[int], count: int) -> tuple[Float64, Float64]:
        rng = np.random.default_rng(stream)
        X = rng.standard_normal((count, len(self.w)))
        noise = self.noise * rng.standard_normal(count)
        return X, X @ np.array(self.w) + self.b + noise


def largest(array: Float64) -> float:
    """Largest magnitude, NaN if there is one; without a temporary array as large as the data."""
    return float(max(array.max(initial=0.0), -array.min(initial=0.0)))


def require_positive(**values: int) -> None:
    """Raise :class:`UsageError` for the first value that is no whole number above 0."""
    for name, value in values.items():
        if not _is_whole(value) or value < 1:
            raise UsageError(f"{name} is {value!r}.", "Expected a positive whole number.")


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
