r"""Losses of a residual, written once on ``xp``, each with its closed-form derivative.

Every loss is a function of the residual ``r = prediction - y``, elementwise, then reduced by a
mean or a sum over the minibatch. *Scale* matters more than the name: ``squared_error`` has no
factor 1/2, ``half_squared_error`` and ``huber`` have one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from samestep.dual import Dual, differentiate
from samestep.errors import UsageError, unknown_name
from samestep.interface import Array, Params, StackableLoss, TensorOps

__all__ = [
    "LOSSES",
    "Float64",
    "Loss",
    "Objective",
    "Reduction",
    "closed_form",
    "find_closed_form",
    "get_loss",
    "predict",
    "register_loss",
]

Reduction: TypeAlias = Literal["mean", "sum"]
Float64: TypeAlias = npt.NDArray[np.float64]


def predict(xp: TensorOps, params: Params, X: Array) -> Array:
    """Linear regression, ``X w + b``, for one run.

    Parameters
    ----------
    params : dict
        ``w`` of shape (features,) and ``b`` of shape ().
    X : array of shape (examples, features)

    Returns
    -------
    array of shape (examples,)
    """
    return xp.matmul(X, params["w"]) + params["b"]


@dataclass(frozen=True, eq=False)  # quick to hash: backends look up compiled steps by it
class Loss:
    r"""An elementwise loss of the residual, and the analysis that the referee needs.

    Parameters
    ----------
    name : str
        How a plan refers to it.
    formula : str
        The definition in words of mathematics, for tables and reports.
    value : callable
        ``(xp, residual, delta) -> array``; runs on every backend.
    derivative : callable
        ``(residual, delta) -> array`` on NumPy: the closed form of d value / d residual, at a kink
        the one-sided limit from the left or a value between the limits.
    magnitude : callable
        ``(residual, delta) -> array`` on NumPy: the sum of the absolute values of the terms that
        ``value`` adds. Rounding errors are relative to this, not to the value.
    largest : callable
        ``(residual, delta) -> array`` on NumPy: the largest number met on the way to ``value``,
        such as ``r^2`` before a factor 1/2; this is what overflows first.
    kinks : callable
        ``delta -> tuple`` of the residuals at which a derivative jumps or a formula changes.
    analysed : bool
        Whether the rounding errors follow from ``magnitude`` and ``kinks``; otherwise they are
        estimated from samples, see :mod:`samestep.estimate`.
    """

    name: str
    formula: str
    value: Callable[[TensorOps, Array, float], Array]
    derivative: Callable[[Float64, float], Float64]
    magnitude: Callable[[Float64, float], Float64]
    largest: Callable[[Float64, float], Float64]
    kinks: Callable[[float], tuple[float, ...]]
    analysed: bool = True

    @classmethod
    def from_formula(
        cls, name: str, formula: str, value: Callable[[TensorOps, Array, float], Array]
    ) -> Loss:
        """Make a loss of its formula alone, without analysis.

        Its derivative is computed with dual numbers, and its rounding errors are estimated: every
        verdict says so. ``value`` may use the elementwise functions of ``TensorOps``.
        """

        def at(r: Float64, delta: float) -> Dual:
            return differentiate(lambda xp, x: value(xp, x, delta), np.asarray(r))

        return cls(
            name=name,
            formula=formula,
            value=value,
            derivative=lambda r, delta: cast(Float64, at(r, delta).slope),
            magnitude=lambda r, delta: cast(Float64, np.abs(at(r, delta).value)),
            largest=lambda r, delta: cast(Float64, at(r, delta).largest),
            kinks=lambda delta: (),
            analysed=False,
        )


LOSSES: dict[str, Loss] = {}
"""All registered losses by name."""


def register_loss(loss: Loss) -> Loss:
    """Add a loss to :data:`LOSSES`, so that a plan can name it."""
    if loss.name in LOSSES:
        raise UsageError(f"There is a loss named {loss.name!r} already.", "Choose another name.")
    LOSSES[loss.name] = loss
    return loss


def get_loss(name: str) -> Loss:
    """Look a loss up by name; an unknown one is an error that lists the known ones."""
    if name not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return LOSSES[name]


def squared_error(xp: TensorOps, r: Array, delta: float) -> Array:
    """``r^2``, without a factor 1/2; ``delta`` is ignored."""
    return xp.square(r)


def half_squared_error(xp: TensorOps, r: Array, delta: float) -> Array:
    """``r^2 / 2``; ``delta`` is ignored."""
    return 0.5 * xp.square(r)


def absolute_error(xp: TensorOps, r: Array, delta: float) -> Array:
    """``|r|``; ``delta`` is ignored."""
    return xp.abs(r)


def huber(xp: TensorOps, r: Array, delta: float) -> Array:
    """``r^2 / 2`` where ``|r| < delta``, else ``delta (|r| - delta / 2)``."""
    return xp.where(xp.abs(r) < delta, 0.5 * xp.square(r), delta * (xp.abs(r) - 0.5 * delta))


def smooth_l1(xp: TensorOps, r: Array, delta: float) -> Array:
    """``r^2 / (2 delta)`` where ``|r| < delta``, else ``|r| - delta / 2``; Huber's over delta."""
    return xp.where(xp.abs(r) < delta, 0.5 * xp.square(r) / delta, xp.abs(r) - 0.5 * delta)


register_loss(
    Loss(
        name="squared_error",
        formula="r^2",
        value=squared_error,
        derivative=lambda r, delta: 2 * r,
        magnitude=lambda r, delta: r * r,
        largest=lambda r, delta: r * r,
        kinks=lambda delta: (),
    )
)
register_loss(
    Loss(
        name="half_squared_error",
        formula="r^2 / 2",
        value=half_squared_error,
        derivative=lambda r, delta: r,
        magnitude=lambda r, delta: 0.5 * r * r,
        largest=lambda r, delta: r * r,
        kinks=lambda delta: (),
    )
)
register_loss(
    Loss(
        name="absolute_error",
        formula="|r|",
        value=absolute_error,
        derivative=lambda r, delta: np.sign(r),
        magnitude=lambda r, delta: np.abs(r),
        largest=lambda r, delta: np.abs(r),
        kinks=lambda delta: (0.0,),
    )
)
register_loss(
    Loss(
        name="huber",
        formula="r^2 / 2 if |r| < delta, else delta (|r| - delta / 2)",
        value=huber,
        derivative=lambda r, delta: np.clip(r, -delta, delta),
        magnitude=lambda r, delta: np.where(
            np.abs(r) < delta, 0.5 * r * r, delta * (np.abs(r) + 0.5 * delta)
        ),
        largest=lambda r, delta: np.where(
            np.abs(r) < delta, r * r, delta * (np.abs(r) + 0.5 * delta)
        ),
        kinks=lambda delta: (-delta, delta),
    )
)
register_loss(
    Loss(
        name="smooth_l1",
        formula="r^2 / (2 delta) if |r| < delta, else |r| - delta / 2   (delta is called beta)",
        value=smooth_l1,
        derivative=lambda r, delta: np.clip(r / delta, -1.0, 1.0),
        magnitude=lambda r, delta: np.where(
            np.abs(r) < delta, 0.5 * r * r / delta, np.abs(r) + 0.5 * delta
        ),
        largest=lambda r, delta: np.where(np.abs(r) < delta, r * r, np.abs(r) + 0.5 * delta),
        kinks=lambda delta: (-delta, delta),
    )
)


@dataclass(frozen=True, eq=False)  # an array as delta has no hash
class Objective(StackableLoss):
    """The reduced loss of the linear model, as a function of ``(params, X, y, mask)``.

    Parameters
    ----------
    xp : TensorOps
        The operations of the backend that will run it.
    loss : Loss
    reduction : {"mean", "sum"}
        The mean divides by the sum of the mask.
    delta : float
        Parameter of Huber's loss and of smooth L1 (where it is called beta); others ignore it.

    Notes
    -----
    ``mask`` has the shape of ``y``: 0 marks padding, 1 an example, another number a weight.
    Calling it returns ``(value, prediction)``.
    """

    xp: TensorOps
    loss: Loss
    reduction: Reduction
    delta: float = 1.0

    def __call__(self, params: Params, X: Array, y: Array, mask: Array) -> tuple[Array, Array]:
        """Value (a scalar) and prediction for one run."""
        xp = self.xp
        prediction = predict(xp, params, X)
        total = xp.sum(mask * self.loss.value(xp, prediction - y, self.delta))
        value = total / xp.sum(mask) if self.reduction == "mean" else total
        return value, prediction

    def stacked(self, params: Params, X: Array, y: Array, mask: Array) -> tuple[Array, Array]:
        """Values, shape (runs,), and predictions, shape (runs, examples)."""
        xp = self.xp
        # Many small products: a sum of them is several times quicker than a batched matmul.
        products = X * xp.expand_dims(params["w"], axis=-2)
        prediction = xp.sum(products, axis=-1) + xp.expand_dims(params["b"], axis=-1)
        total = xp.sum(mask * self.loss.value(xp, prediction - y, self.delta), axis=-1)
        value = total / xp.sum(mask, axis=-1) if self.reduction == "mean" else total
        return value, prediction


# A closed form takes the arguments of its loss, with any number of leading run axes, as float64 or
# float32 NumPy arrays, and returns (what the loss returns, gradients).
ClosedForm: TypeAlias = Callable[..., tuple[Any, Params]]
_CLOSED_FORMS: dict[Callable[..., Any], ClosedForm] = {}


def closed_form(loss: Callable[..., Any]) -> Callable[[ClosedForm], ClosedForm]:
    """Register the closed-form value and gradient of a loss function, for the oracle.

    Examples
    --------
    >>> def loss(params, x):
    ...     return params["a"] * x
    >>> @closed_form(loss)
    ... def value_and_gradient(params, x):
    ...     return params["a"] * x, {"a": x}
    """

    def register(form: ClosedForm) -> ClosedForm:
        _CLOSED_FORMS[loss] = form
        return form

    return register


def find_closed_form(loss: Callable[..., Any]) -> ClosedForm:
    """Return the closed form of a loss, or raise an error that says how to register one."""
    if isinstance(loss, Objective):
        return _linear_model_closed_form(loss)
    if loss not in _CLOSED_FORMS:
        name = getattr(loss, "__qualname__", repr(loss))
        raise UsageError(
            f"The oracle has no autograd, and {name} has no closed form.",
            "Register one: @samestep.closed_form(loss) above a function that takes the same "
            "arguments and returns (value, gradients).",
        )
    return _CLOSED_FORMS[loss]


def _linear_model_closed_form(objective: Objective) -> ClosedForm:
    """The chain rule written out: d/dw = X^T (mask f'(r)) / scale and d/db = sum(...)."""

    def form(params: Params, X: Array, y: Array, mask: Array) -> tuple[Any, Params]:
        prediction = (X @ params["w"][..., None])[..., 0] + params["b"][..., None]
        residual = prediction - y
        value = (mask * objective.loss.value(objective.xp, residual, objective.delta)).sum(-1)
        slope = mask * objective.loss.derivative(residual, objective.delta)
        if objective.reduction == "mean":
            weight = mask.sum(-1)
            value = value / weight
            slope = slope / weight[..., None]
        grad_w = (slope[..., None, :] @ X)[..., 0, :]
        return (value, prediction), {"w": grad_w, "b": slope.sum(-1)}

    return form
