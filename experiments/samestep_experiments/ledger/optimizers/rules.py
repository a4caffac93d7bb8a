"""The rules of SGD, Adam, RMSprop and Adagrad, with every option that changes a step.

Each is the textbook's recursion on terms that know their rounding error. State is named by what it
is: ``velocity`` (of momentum), ``first`` and ``second`` (moments of the gradient), ``largest`` (the
largest second moment so far).
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from samestep.ledger.formula import maximum, sqrt, where
from samestep.ledger.optimizer_entry import Course
from samestep.ledger.tape import Tape, Term
from samestep.loss import Float64

__all__ = ["SGD", "Adagrad", "Adam", "Common", "Gradients", "RMSprop", "Rate"]

Gradients: TypeAlias = dict[str, Term]
Rate: TypeAlias = float | Callable[[Tape, Float64], Term]
"""A number, or a schedule: ``(tape, steps from 0) -> rates``."""


@dataclass(frozen=True, kw_only=True)
class Common(abc.ABC):
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float or callable
    weight_decay : float
    decoupled : bool
        Whether parameters are multiplied by ``1 - learning_rate * weight_decay`` before the step;
        otherwise ``weight_decay`` times the parameter is added to the gradient, before all else but
        its sign and clipping.
    decayed : collection of str, optional
        Parameters that decay; all by default.
    maximize : bool
        Whether the gradient's sign is turned.
    clip : callable
        Applied to all gradients together, first.
    skip_unused : bool
        Whether a parameter that the loss does not use keeps its value and its state.
    frozen : collection of str
        Parameters that are not trained.
    """

    learning_rate: Rate
    weight_decay: float = 0.0
    decoupled: bool = False
    decayed: Collection[str] | None = None
    maximize: bool = False
    clip: Callable[[Gradients], Gradients] = lambda gradients: gradients
    skip_unused: bool = False
    frozen: Collection[str] = ()

    def __call__(self, tape: Tape, course: Course, before: Mapping[str, Term]) -> dict[str, Term]:
        """Take one step of the rule: every optimizer's frame."""
        gradients = self.clip({k: tape.constant(g) for k, g in course.gradients.items()})
        after = {}
        for name in course.start:
            mine = {key: v for key, v in before.items() if key.split(" ")[-1] == name}
            if name in self.frozen:
                after.update(mine)
                continue
            p, g = before[name], gradients[name]
            state = {key.removesuffix(f" {name}"): v for key, v in mine.items()}
            along = Along(tape, course, name, len(p.shape) - 1, skip_unused=self.skip_unused)
            rate = along.rate(self.learning_rate)
            decays = self.weight_decay and (self.decayed is None or name in self.decayed)
            if self.maximize:
                g = -g
            if decays and not self.decoupled:
                g = g + self.weight_decay * p
            shrunk = p - rate * self.weight_decay * p if decays and self.decoupled else p
            change, new_state = self._change(g, state, rate, along)
            new = {name: shrunk - change, **{f"{k} {name}": v for k, v in new_state.items()}}
            if self.skip_unused:
                new = {
                    key: where(along.spread(along.used), v, before[key]) for key, v in new.items()
                }
            after.update(new)
        return after

    @abc.abstractmethod
    def _change(
        self, g: Term, state: Mapping[str, Term], rate: Term, along: Along
    ) -> tuple[Term, dict[str, Term]]:
        """Return what is taken from a parameter, and its next state."""


@dataclass(frozen=True)
class Along:
    """The steps of a course, as one parameter sees them."""

    tape: Tape
    course: Course
    name: str
    inner: int
    skip_unused: bool

    @property
    def used(self) -> np.ndarray:
        """Whether each step uses the parameter."""
        return self.course.used[self.name]

    @property
    def count(self) -> Float64:
        """Steps that the parameter has made, each included."""
        counted = np.cumsum(self.used) if self.skip_unused else self.course.number + 1
        return self.spread(counted.astype(np.float64))

    def spread(self, per_step: np.ndarray) -> np.ndarray:
        """Return an array of one number a step in the shape of the parameter's terms."""
        return per_step.reshape(-1, *(1,) * self.inner)

    def rate(self, learning_rate: Rate) -> Term:
        """Return the rates of all steps."""
        if callable(learning_rate):
            rates = learning_rate(self.tape, self.course.number.astype(np.float64))
            return rates.reshape(self.course.steps, *(1,) * self.inner)
        return self.tape.constant(learning_rate)

    def power(self, base: float, more: int = 0) -> Term:
        """Return ``base ** (count + more)``."""
        t = self.count + more
        return self.tape.constant(np.full(t.shape, base)).map(
            lambda b: b**t, lambda b: t * b ** (t - 1)
        )


def _stored(x: Term, unit: float) -> Term:
    """Return a term after it was rounded to a precision with this unit roundoff."""
    return Term(x.tape, x.value, x.error + unit * np.abs(x.value))


@dataclass(frozen=True, kw_only=True)
class SGD(Common):
    """Stochastic gradient descent.

    Parameters
    ----------
    momentum, nesterov
        ``v <- mu v + g``, and a step along ``v`` or ``g + mu v``.
    dampening : float
        ``v <- mu v + (1 - dampening) g``.
    dampen_first : bool
        Whether the first gradient is dampened too; otherwise the velocity starts as that gradient.
    coarse : float
        Unit roundoff of the precision in which velocities are kept; 0 for the working precision.
    """

    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    dampen_first: bool = False
    coarse: float = 0.0

    def _change(
        self, g: Term, state: Mapping[str, Term], rate: Term, along: Along
    ) -> tuple[Term, dict[str, Term]]:
        if not self.momentum:
            return rate * g, {}
        kept = _stored(self.momentum * state["velocity"], self.coarse)
        dampened = kept + (1 - self.dampening) * g
        if self.dampening and not self.dampen_first:
            velocity = where(along.count == 1, kept + g, dampened)
        else:
            velocity = dampened
        direction = g + self.momentum * velocity if self.nesterov else velocity
        return rate * direction, {"velocity": _stored(velocity, self.coarse)}


@dataclass(frozen=True, kw_only=True)
class Adam(Common):
    """Adam.

    Parameters
    ----------
    b1, b2 : float
        ``m <- b1 m + (1 - b1) g`` and ``v <- b2 v + (1 - b2) g^2``.
    eps, eps_root : float
        In ``m' / (sqrt(v' + eps_root) + eps)``, with ``m' = m / (1 - b1^t)`` and v' likewise.
    largest : {"", "raw", "corrected"}
        AMSGrad: divide by the largest v so far (and correct that), or by the largest v'.
    nesterov : {"", "constant", "warming"}
        ``m'`` looks one step ahead, with the same b1 or with one that grows.
    psi : float
        How fast it grows: ``b1 (1 - 0.96^(psi t) / 2)``.
    coarse : float
        Unit roundoff of the precision in which first moments are kept.
    b1_kept : float, optional
        What the kept moment is multiplied by, where that is not b1.
    """

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-3
    eps_root: float = 0.0
    largest: Literal["", "raw", "corrected"] = ""
    nesterov: Literal["", "constant", "warming"] = ""
    psi: float = 0.004
    coarse: float = 0.0
    b1_kept: float | None = None

    def _change(
        self, g: Term, state: Mapping[str, Term], rate: Term, along: Along
    ) -> tuple[Term, dict[str, Term]]:
        b1 = self.b1 if self.b1_kept is None else self.b1_kept
        m = _stored(b1 * state["first"], self.coarse) + (1 - self.b1) * g
        v = self.b2 * state["second"] + (1 - self.b2) * (g * g)
        new = {"first": _stored(m, self.coarse), "second": v}
        second_left = 1 - along.power(self.b2)
        if self.largest:
            grown = v if self.largest == "raw" else v / second_left
            top = new["largest"] = maximum(state["largest"], grown)
            v_hat = top / second_left if self.largest == "raw" else top
        else:
            v_hat = v / second_left
        root = sqrt(v_hat + self.eps_root) if self.eps_root else sqrt(v_hat)
        return rate * self._direction(m, g, along) / (root + self.eps), new

    def _direction(self, m: Term, g: Term, along: Along) -> Term:
        left = 1 - along.power(self.b1)
        if not self.nesterov:
            return m / left
        if self.nesterov == "constant":
            ahead = 1 - along.power(self.b1, more=1)
            return self.b1 * (m / ahead) + (1 - self.b1) * (g / left)
        t = along.count
        mu, mu_next = (self.b1 * (1 - 0.5 * 0.96 ** (k * self.psi)) for k in (t, t + 1))
        product = np.cumprod(mu, axis=0, dtype=np.float64)
        # It is kept in float32 whatever the working precision, and rounded in every step.
        kept = Term(along.tape, product, t * 2.0**-24 * product)
        return (1 - mu) / (1 - kept) * g + mu_next / (1 - kept * mu_next) * m


@dataclass(frozen=True, kw_only=True)
class RMSprop(Common):
    """RMSprop.

    Parameters
    ----------
    decay : float
        ``v <- decay v + (1 - decay) g^2``.
    eps : float
    eps_inside : bool
        ``g / sqrt(v + eps)`` instead of ``g / (sqrt(v) + eps)``.
    centered : bool
        Subtract the square of the mean gradient from v.
    corrected : bool
        Divide v by ``1 - decay^t``.
    momentum, nesterov
        Applied to the scaled gradient.
    rate_inside : float
        If not 0, the velocity holds steps, rate included, in units of this.
    """

    decay: float = 0.9
    eps: float = 1e-3
    eps_inside: bool = False
    centered: bool = False
    corrected: bool = False
    momentum: float = 0.0
    nesterov: bool = False
    rate_inside: float = 0.0

    def _change(
        self, g: Term, state: Mapping[str, Term], rate: Term, along: Along
    ) -> tuple[Term, dict[str, Term]]:
        v = self.decay * state["second"] + (1 - self.decay) * (g * g)
        new = {"second": v}
        if self.corrected:
            v = v / (1 - along.power(self.decay))
        if self.centered:
            mean = new["first"] = self.decay * state["first"] + (1 - self.decay) * g
            v = v - mean * mean
        scaled = g / sqrt(v + self.eps) if self.eps_inside else g / (sqrt(v) + self.eps)
        if not self.momentum:
            return rate * scaled, new
        step = rate / self.rate_inside * scaled if self.rate_inside else scaled
        velocity = new["velocity"] = self.momentum * state["velocity"] + step
        direction = step + self.momentum * velocity if self.nesterov else velocity
        return (self.rate_inside or rate) * direction, new


@dataclass(frozen=True, kw_only=True)
class Adagrad(Common):
    """Adagrad: RMSprop with a sum of squares.

    Parameters
    ----------
    eps : float
    eps_inside : bool
    """

    eps: float = 1e-3
    eps_inside: bool = False

    def _change(
        self, g: Term, state: Mapping[str, Term], rate: Term, along: Along
    ) -> tuple[Term, dict[str, Term]]:
        v = state["second"] + g * g
        scaled = g / sqrt(v + self.eps) if self.eps_inside else g / (sqrt(v) + self.eps)
        return rate * scaled, {"second": v}
