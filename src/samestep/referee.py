"""The referee: one step of SGD in float64 from the recorded state, each number with its bound.

The bounds are derived in :mod:`samestep.rounding`. It can also recompute a step as a faulty
implementation would have done it, which is how the cause of a divergence is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.loss import Float64, get_loss
from samestep.plan import Plan
from samestep.rounding import Tolerance, enclose

__all__ = ["QUANTITIES", "Referee", "Reference", "UpdateTerms", "Variation"]

QUANTITIES = ("prediction", "loss", "gradient", "update")
"""The quantities of a step, in the order in which they are computed."""


@dataclass(frozen=True)
class Reference:
    """What one quantity should be, and how far from that it may be.

    Parameters
    ----------
    value : array
        The oracle's value, float64.
    bound : array
        Largest absolute error that rounding can make; same shape.
    magnitude : array
        Magnitude of the largest number met on the way: what overflows first, and what an ULP is
        measured by.
    """

    value: Float64
    bound: Float64
    magnitude: Float64


Update: TypeAlias = Callable[["UpdateTerms"], tuple[Float64, Float64]]


@dataclass(frozen=True)
class UpdateTerms:
    """What an update is made of; arrays of shape (steps, runs, ...), float64."""

    params: Float64
    gradient: Float64
    velocity: Float64
    rate: Float64
    momentum: float
    nesterov: bool
    weight_decay: float


@dataclass(frozen=True)
class Variation:
    """A change of what the referee computes; the defaults change nothing.

    To find the cause of a divergence the step is recomputed as a faulty implementation would have
    done it. Data, batches, rate and options are varied by another plan; this is for the rest.

    Parameters
    ----------
    factors : callable
        Applied to data and parameters before they are multiplied.
    slopes : callable
        Applied to the slopes before they are multiplied with data.
    mask : callable
        Applied to the mask, after the divisor of a mean was taken from it.
    slope : callable
        ``(slope, residual, delta) -> slope`` of the loss.
    quantity : callable
        ``(key, reference) -> reference``; what follows in the step uses the result.
    update : callable or None
        ``UpdateTerms -> (next params, next velocity)`` in place of SGD's rule.
    """

    factors: Callable[[Float64], Float64] = lambda x: x
    slopes: Callable[[Float64], Float64] = lambda s: s
    mask: Callable[[Float64], Float64] = lambda m: m
    slope: Callable[[Float64, Float64, float], Float64] = lambda s, r, delta: s
    quantity: Callable[[str, Reference], Reference] = lambda key, reference: reference
    update: Update | None = None


class Referee:
    """Recompute steps of a plan in float64, with bounds for a working precision.

    Parameters
    ----------
    plan : Plan
    dtype : {"float32", "float64"}
        The working precision; data, rate, momentum and decay are rounded to it first.
    variation : Variation
        A fault to recompute the steps with; none by default.
    """

    def __init__(self, plan: Plan, dtype: str, variation: Variation = Variation()) -> None:
        self.plan = plan
        self.tolerance = Tolerance(dtype)
        self._vary = variation
        self._dtype = np.dtype(dtype)
        plan.require_representable(dtype)
        X, y = plan.data(dtype)
        self._X, self._y = X.astype(np.float64), y.astype(np.float64)
        self._loss = get_loss(plan.loss)

    def rounded(self, number: float) -> float:
        """Round a constant to the working precision, as every participant does."""
        return float(self._dtype.type(number))

    def references(
        self,
        steps: slice,
        params: dict[str, npt.NDArray[Any]],
        state: dict[str, npt.NDArray[Any]],
    ) -> dict[str, Reference]:
        """Recompute some steps of all runs.

        Parameters
        ----------
        steps : slice
            Which steps of the plan.
        params, state : dict of arrays of shape (steps, runs, ...)
            Recorded parameters and velocities *before* each of these steps.

        Returns
        -------
        dict
            ``prediction``, ``loss``, ``gradient/NAME``, ``update/NAME`` (the next parameters) and
            ``update/velocity NAME``.
        """
        with np.errstate(all="ignore"):
            return self._references(
                self.plan.batches[steps],
                self.plan.masks(self._dtype)[steps].astype(np.float64),
                {name: values.astype(np.float64) for name, values in params.items()},
                {name: values.astype(np.float64) for name, values in state.items()},
            )

    def _references(
        self,
        batches: npt.NDArray[np.int32],
        mask: Float64,
        params: dict[str, Float64],
        state: dict[str, Float64],
    ) -> dict[str, Reference]:
        c, tiny, vary = self.tolerance.c, self.tolerance.tiny, self._vary
        width, features = batches.shape[-1], self.plan.features
        X, y = (np.take(rows, batches, axis=0) for rows in (self._X, self._y))
        w, b = params["w"], params["b"]
        delta = self.rounded(self.plan.delta)

        size_X, size_w = np.abs(X), np.abs(w)
        rounded_X = vary.factors(X)
        prediction = (rounded_X @ vary.factors(w)[..., None])[..., 0] + b[..., None]
        terms = (size_X @ size_w[..., None])[..., 0] + np.abs(b)[..., None]
        flushed = tiny * (size_X.sum(-1) + size_w.sum(-1)[..., None] + features + 1)
        d_prediction = c(features + 1) * terms + flushed
        out = {"prediction": Reference(prediction, d_prediction, terms)}
        out["prediction"] = vary.quantity("prediction", out["prediction"])

        r = out["prediction"].value - y
        d_r = d_prediction + c(1) * (np.abs(r) + d_prediction) + tiny
        f, d_f, slope, d_slope, f_size = enclose(self._loss, r, d_r, delta, self.tolerance)
        slope = vary.slope(slope, r, delta)

        mean = self.plan.reduction == "mean"
        scale = mask.sum(-1) if mean else np.ones(mask.shape[:-1])
        divisor = width if mean and self.plan.last_batch == "reweight" else 0
        mask = vary.mask(mask)
        total_size = (mask * (f_size + d_f)).sum(-1)
        out["loss"] = Reference(
            (mask * f).sum(-1) / scale,
            ((mask * d_f).sum(-1) + c(width + divisor + 4) * total_size) / scale
            + tiny * (width + 2) * (1 + 1 / scale),
            np.maximum(total_size, (mask * self._loss.largest(np.abs(r) + d_r, delta)).sum(-1)),
        )
        out["loss"] = vary.quantity("loss", out["loss"])

        share = mask / scale[..., None]
        s = share * slope
        d_s = share * d_slope + c(divisor + 6) * share * (np.abs(slope) + d_slope)
        d_s += tiny * (3 + np.abs(slope)) * (mask > 0)
        s_size = np.abs(s) + d_s
        # Intermediates of a mean are at most those of a sum: some implementations divide last.
        largest = (mask * (np.abs(slope) + d_slope))[..., None]
        grads = {"w": (vary.slopes(s)[..., None, :] @ rounded_X)[..., 0, :], "b": s.sum(-1)}
        d_grads = {
            "w": (d_s[..., None, :] @ size_X)[..., 0, :]
            + c(width + 2) * (s_size[..., None, :] @ size_X)[..., 0, :]
            + tiny * (size_X.sum(-2) + s_size.sum(-1)[..., None] + width),
            "b": d_s.sum(-1) + c(width + 2) * s_size.sum(-1) + tiny * width,
        }
        sizes = {"w": (largest * size_X).sum(-2), "b": largest[..., 0].sum(-1)}
        for name, value in grads.items():
            key = f"gradient/{name}"
            out[key] = vary.quantity(key, Reference(value, d_grads[name], sizes[name]))
            self._update(out, name, params[name], state.get(name))
        return out

    def _update(
        self, out: dict[str, Reference], name: str, p: Float64, velocity: Float64 | None
    ) -> None:
        """Add the references of the update of one parameter: its next value and its velocity."""
        c, tiny = self.tolerance.c, self.tolerance.tiny
        options = self.plan.options
        mu, decay = self.rounded(options.momentum), self.rounded(options.weight_decay)
        rate = self.plan.learning_rate.astype(self._dtype).astype(np.float64)
        rate = rate.reshape(rate.shape + (1,) * (p.ndim - 2))

        grad = out[f"gradient/{name}"]
        g, d_g, size = grad.value, grad.bound, np.abs(grad.value) + grad.bound
        if decay:
            g = g + decay * p
            size = size + np.abs(decay * p)
            d_g = d_g + c(2) * size + tiny * (1 + decay + np.abs(p))
        if options.momentum:
            if velocity is None:
                raise ValueError("the trace has no velocities, but the plan has momentum")
            next_velocity = mu * velocity + g
            size = size + np.abs(mu * velocity)
            d_v = d_g + c(2) * size + tiny * (1 + mu + np.abs(velocity))
            out[f"update/velocity {name}"] = Reference(next_velocity, d_v, size)
            if options.nesterov:
                size = size + np.abs(mu * next_velocity)
                g = g + mu * next_velocity
                d_g = d_g + mu * d_v + c(2) * size + tiny * (1 + mu + np.abs(next_velocity))
            else:
                g, d_g = next_velocity, d_v
        change = rate * (size + d_g)
        new = p - rate * g
        if self._vary.update:
            before = np.zeros_like(p) if velocity is None else velocity
            terms = UpdateTerms(p, grad.value, before, rate, mu, options.nesterov, decay)
            new, next_velocity = self._vary.update(terms)
            if options.momentum:
                sound = out[f"update/velocity {name}"]
                out[f"update/velocity {name}"] = replace(sound, value=next_velocity)
        out[f"update/{name}"] = Reference(
            new,
            rate * d_g
            + c(2) * change
            + c(1) * (np.abs(p) + change)
            # The rate itself may be flushed to zero, and with it the whole change.
            + tiny * (2 + rate + size + d_g),
            np.maximum(np.maximum(np.abs(p), size), change),
        )
        for key in (f"update/velocity {name}", f"update/{name}"):
            if key in out:
                out[key] = self._vary.quantity(key, out[key])
