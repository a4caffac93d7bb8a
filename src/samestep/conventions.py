"""Conventions of a loss, and the learning rate that makes one take the steps of another.

The same loss is written with and without a factor 1/2, as a mean and as a sum, divided by its
parameter or not. Where two conventions differ by a constant factor, SGD cannot tell that factor
from one in the learning rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError, unknown_name
from samestep.loss import Float64, Loss, Reduction, get_loss
from samestep.rounding import Tolerance

__all__ = ["Convention", "equivalent_learning_rate"]


@dataclass(frozen=True)
class Convention:
    """How a loss is scaled and reduced.

    Parameters
    ----------
    loss : str
        Name of a loss, such as ``"squared_error"`` or ``"half_squared_error"``.
    reduction : {"mean", "sum"}
        Over the rows of a minibatch.
    delta : float
        Parameter of Huber's loss and of smooth L1 (where it is called beta); others ignore it.

    Raises
    ------
    UsageError
        For an unknown loss or reduction, or a delta that is not finite and positive.
    """

    loss: str = "squared_error"
    reduction: Reduction = "mean"
    delta: float = 1.0

    def __post_init__(self) -> None:
        get_loss(self.loss)
        if self.reduction not in ("mean", "sum"):
            raise unknown_name("reduction", self.reduction, ("mean", "sum"))
        if not (math.isfinite(self.delta) and self.delta > 0):
            raise UsageError(f"delta is {self.delta}.", "Expected a finite positive number.")

    def __str__(self) -> str:
        """Name it as in "mean of huber with delta 2"."""
        loss = get_loss(self.loss)
        has_delta = loss.kinks(1.0) != loss.kinks(2.0)
        return f"{self.reduction} of {self.loss}" + f" with delta {self.delta:g}" * has_delta


def equivalent_learning_rate(
    learning_rate: float,
    given: Convention,
    wanted: Convention,
    *,
    rows: int | npt.NDArray[np.integer] | None = None,
) -> float:
    """Return the rate at which one convention takes the steps that another takes at its own rate.

    Parameters
    ----------
    learning_rate : float
        The rate that goes with ``given``.
    given, wanted : Convention
    rows : int or array of int, optional
        Rows of a minibatch, or of each of them as in ``plan.rows``; needed to pass from a mean to a
        sum or back. Where a short last batch is reweighted, the rows of a full one.

    Returns
    -------
    float
        The rate that goes with ``wanted``.

    Raises
    ------
    UsageError
        If the two differ by more than a constant factor: if the slopes of the losses are not
        proportional, or if a mean and a sum run over batches of different sizes.

    Notes
    -----
    If ``given = c wanted`` for all predictions, so are the gradients, and SGD at the rate ``h`` on
    the one takes the steps of SGD at ``c h`` on the other. With momentum, Nesterov's too, this
    holds as it stands. Decay that is added to the gradient must be divided by ``c``, and so must
    the threshold of a clipped gradient. Optimizers that divide by the size of past gradients (Adam,
    RMSprop) undo ``c`` themselves, but for their epsilon: their rate stays as it is.

    Examples
    --------
    >>> equivalent_learning_rate(0.03, Convention(), Convention("half_squared_error"))
    0.06
    >>> equivalent_learning_rate(0.5, Convention(), Convention(reduction="sum"), rows=32)
    0.015625
    """
    if not (math.isfinite(learning_rate) and learning_rate >= 0):
        raise UsageError(
            f"learning_rate is {learning_rate}.", "Expected a finite number, 0 or positive."
        )
    factor = _factor_of_losses(given, wanted)
    if given.reduction != wanted.reduction:
        size = _common_size(given, wanted, rows)
        factor = factor / size if given.reduction == "mean" else factor * size
    return float(learning_rate * factor)


def _factor_of_losses(given: Convention, wanted: Convention) -> float:
    """Return the constant ratio of the slopes of two losses, or say where it is not constant."""
    r = _telling_residuals(get_loss(given.loss), get_loss(wanted.loss), given.delta, wanted.delta)
    first, second = (get_loss(c.loss).derivative(r, c.delta) for c in (given, wanted))
    seen = (first != 0) | (second != 0)
    r, first, second = r[seen], first[seen], second[seen]
    with np.errstate(divide="ignore"):
        ratio = first / second
    # Far outside, where slopes are clipped to a constant, the ratio is not rounded.
    factor = float(ratio[-1])
    # A slope meets up to 6 roundings, as in the referee, and a ratio two slopes' and its own.
    tolerance = Tolerance("float64").c(13) * abs(factor)
    off = ~(np.abs(ratio - factor) <= tolerance)
    if off.any() or not 0 < factor < np.inf:
        i = int(off.argmax())
        raise UsageError(
            f"No learning rate makes a {wanted} take the steps of a {given}: at a residual of "
            f"{r[i]:.4g} their slopes are {second[i]:.4g} and {first[i]:.4g}, at {r[-1]:.4g} they "
            f"are {second[-1]:.4g} and {first[-1]:.4g}.",
            "A rate makes up for a constant factor only, such as that between squared_error and "
            "half_squared_error, or between huber and smooth_l1 of the same delta.",
        )
    return factor


def _telling_residuals(first: Loss, second: Loss, *deltas: float) -> Float64:
    """Return residuals of either sign inside, between and outside all kinks.

    The farthest stands last, and positive ones stand first: an error quotes the first that tells.
    """
    kinks = [k for loss, d in zip((first, second), deltas, strict=True) for k in loss.kinks(d)]
    borders = np.unique(np.abs([*(k for k in kinks if k), 1.0]))
    size = np.concatenate(
        [
            borders[0] * np.array([0.125, 0.5]),
            (borders[:-1] + borders[1:]) / 2,
            borders[-1] * np.array([2.0, 8.0, 1024.0]),
        ]
    )
    return np.concatenate([size[:-1], -size, size[-1:]])


def _common_size(
    given: Convention, wanted: Convention, rows: int | npt.NDArray[np.integer] | None
) -> int:
    """Return the one size that all batches have."""
    if rows is None:
        raise UsageError(
            f"A {given} and a {wanted} differ by the number of rows in a minibatch.",
            "Say how many there are: rows=32, or rows=plan.rows.",
        )
    sizes = np.asarray(rows)
    if sizes.dtype.kind not in "iu" or not sizes.size or (sizes < 0).any() or not sizes.any():
        raise UsageError(f"rows is {rows!r}.", "Expected positive whole numbers.")
    different = np.unique(sizes[sizes > 0])  # 0 stands where a run of a stack has ended
    if len(different) > 1:
        raise UsageError(
            f"No one learning rate makes a {wanted} take the steps of a {given}: they differ by "
            f"the number of rows in a minibatch, and that is {different[0]} to {different[-1]}.",
            "Drop the short last batch (last_batch='drop') or let it count as much as the others "
            "(last_batch='reweight' with the sum, and rows of a full batch).",
        )
    return int(different[0])
