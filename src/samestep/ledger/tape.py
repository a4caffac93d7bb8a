r"""Formulas in float64 that carry their gradient, and how far rounding could move either.

The references of the ledger are formulas on :class:`Term`. A term knows its value, a bound on the
difference between that value and what a framework gets in the working precision, and where it came
from. That is reverse-mode differentiation on NumPy, which owes nothing to the frameworks on trial.

Errors are carried along by a running error analysis (Higham, *Accuracy and Stability of Numerical
Algorithms*, 2nd ed., section 3.3), with the actual magnitude of every intermediate result. With
``u`` the unit roundoff of the working precision, plus that of float64 for the reference itself:

- An operation with result ``z`` adds ``4 u |z|``: its own rounding (an elementary function may have
  more than one) and that of the few more operations by which another implementation may write the
  same formula. It inherits the variation of ``f`` over ``[x - e, x + e]``, where ``e`` is the error
  of its argument.
- A sum of n terms adds ``(n + 3) u`` times the sum of their magnitudes.
- A function that textbooks write with larger terms, such as ``log(1 + exp(x))`` with its 1, adds
  ``4 u`` times those.
- Going back, an adjoint is multiplied by a slope: the product inherits the errors of both. A
  slope's own error is its variation over ``[x - e, x + e]``, and its rounding.
- Each operation may flush to zero what is below the smallest normal number. What may be above the
  largest number is off by anything.

At a kink there is no slope: anything between the one-sided ones is accepted, and what that amounts
to in the gradient is carried separately from rounding, as ``jump``. An adjoint of zero stops
whatever comes after it, infinite slopes included: that is what a mask means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from samestep.ledger.adjoint import Adjoint, Float64, Pull, Unary, product_error, times

__all__ = ["Operand", "Tape", "Term"]

Operand: TypeAlias = Union["Term", npt.ArrayLike]
Axis: TypeAlias = int | tuple[int, ...] | None

_ROUNDINGS = 4


class Tape:
    """The working precision of a formula.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    """

    def __init__(self, dtype: str) -> None:
        info = np.finfo(dtype)
        self.dtype = np.dtype(dtype)
        self.u = float(info.eps) / 2 + 2.0**-53
        self.tiny, self.largest = float(info.tiny), float(info.max)

    def constant(self, x: npt.ArrayLike) -> Term:
        """Put down a number; one that the working precision lacks is off by its rounding."""
        value = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            return Term(self, value, np.abs(value - value.astype(self.dtype)))

    def rounded(self, magnitude: Float64 | float, roundings: int = _ROUNDINGS) -> Float64:
        """Error of an operation whose terms have this magnitude."""
        return np.asarray(roundings * self.u * magnitude + self.tiny)

    def gradient(self, of: Term, variables: Mapping[str, Term]) -> dict[str, Adjoint]:
        """Differentiate the sum of a term's elements with respect to variables."""
        one = np.ones(of.shape)
        adjoints = {id(of): Adjoint(one, 0 * one, 0 * one)}
        with np.errstate(all="ignore"):
            for term in reversed(_ordered(of)):
                for source, pull in term.sources:
                    part = pull(adjoints[id(term)])
                    known = adjoints.get(id(source))
                    adjoints[id(source)] = self._sum(part, known) if known else part
        zeros = {name: np.zeros(v.shape) for name, v in variables.items()}
        return {
            name: adjoints.get(id(v), Adjoint(zeros[name], zeros[name], zeros[name]))
            for name, v in variables.items()
        }

    def _sum(self, a: Adjoint, b: Adjoint) -> Adjoint:
        value, jump = a.value + b.value, a.jump + b.jump
        return Adjoint(value, a.error + b.error + self.rounded(np.abs(value) + jump), jump)


def _ordered(last: Term) -> list[Term]:
    """Return a term and all it came from, each after its sources."""
    found: dict[int, Term] = {}
    stack = [(last, False)]
    while stack:
        term, done = stack.pop()
        if done:
            found[id(term)] = term
        elif id(term) not in found:
            stack.append((term, True))
            stack.extend((source, False) for source, _ in term.sources)
    return list(found.values())


class Term:
    """An array in a formula.

    Parameters
    ----------
    tape : Tape
    value, error : arrays of one shape
    sources : sequence of (Term, pull)
        What it was computed from, and how an adjoint goes back there.
    """

    __array_ufunc__ = None  # NumPy's arrays leave their operators to this class

    def __init__(
        self, tape: Tape, value: Float64, error: Float64, sources: Sequence[tuple[Term, Pull]] = ()
    ) -> None:
        self.tape = tape
        self.value = np.asarray(value, dtype=np.float64)
        size = np.abs(self.value)
        bounded = np.nan_to_num(np.broadcast_to(error, size.shape), nan=np.inf, posinf=np.inf)
        bounded = np.where(size + bounded > tape.largest, np.inf, bounded)
        # An infinity comes from the inputs or from a pole, not from rounding.
        self.error = np.where(np.isfinite(size), bounded, 0.0)
        self.sources = sources

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    def __add__(self, other: Operand) -> Term:
        b = other if isinstance(other, Term) else self.tape.constant(other)
        with np.errstate(all="ignore"):
            value = self.value + b.value
            error = self.error + b.error + self.tape.rounded(np.abs(value))
        one = np.ones(value.shape)
        return Term(self.tape, value, error, [(self, self._chain(one)), (b, b._chain(one))])

    def __mul__(self, other: Operand) -> Term:
        b = other if isinstance(other, Term) else self.tape.constant(other)
        with np.errstate(all="ignore"):
            value = self.value * b.value
            error = product_error(self.value, self.error, b.value, b.error)
            error = error + self.tape.rounded(np.abs(value))
        to_self, to_b = self._chain(b.value, b.error), b._chain(self.value, self.error)
        return Term(self.tape, value, error, [(self, to_self), (b, to_b)])

    def __truediv__(self, other: Operand) -> Term:
        b = other if isinstance(other, Term) else self.tape.constant(other)
        return self * b.map(lambda x: 1 / x, lambda x: -1 / x**2)

    def __pow__(self, exponent: float) -> Term:
        """Raise it to a constant."""
        return self.map(lambda x: x**exponent, lambda x: exponent * x ** (exponent - 1))

    def __neg__(self) -> Term:
        """Change the sign, which rounds nothing."""

        def pull(adjoint: Adjoint) -> Adjoint:
            return Adjoint(-adjoint.value, adjoint.error, adjoint.jump)

        return Term(self.tape, -self.value, self.error, [(self, pull)])

    def __sub__(self, other: Operand) -> Term:
        return self + -(other if isinstance(other, Term) else self.tape.constant(other))

    def __radd__(self, other: npt.ArrayLike) -> Term:
        return self + other

    def __rmul__(self, other: npt.ArrayLike) -> Term:
        return self * other

    def __rsub__(self, other: npt.ArrayLike) -> Term:
        return -self + other

    def __rtruediv__(self, other: npt.ArrayLike) -> Term:
        return self.tape.constant(other) / self

    def map(
        self,
        f: Unary,
        slope: Unary,
        *,
        terms: Float64 | float | None = None,
        slope_terms: Float64 | float | None = None,
        kink: float | None = None,
    ) -> Term:
        """Apply a function to each element.

        Parameters
        ----------
        f, slope : callable
            The function and its derivative; both monotone on either side of the kink, or smooth
            enough to be so at the scale of rounding.
        terms, slope_terms : array or float, optional
            Magnitude of the terms of the textbook's formula, where they are larger than the result.
        kink : float, optional
            Where the slope jumps; the slope given for that point is accepted like both others.
        """
        x, e = self.value, self.error
        with np.errstate(all="ignore"):
            value, at = f(x), slope(x)
            inherited = _variation(f, x, e, value)
            error = inherited + self.tape.rounded(np.abs(value) if terms is None else terms)
            varied = _variation(slope, x, e, at)
            jump = np.zeros(self.shape)
            if kink is not None:
                near = np.abs(x - kink) <= e
                sides = [
                    slope(np.full(self.shape, np.nextafter(kink, s))) for s in (-np.inf, np.inf)
                ]
                jump = np.where(near, np.max([np.abs(side - at) for side in sides], axis=0), 0.0)
                varied = np.where(near, 0.0, varied)
            varied = varied + self.tape.rounded(np.abs(at) if slope_terms is None else slope_terms)
        return Term(self.tape, value, error, [(self, self._chain(at, varied, jump))])

    def _chain(
        self, slope: Float64, error: Float64 | float = 0.0, jump: Float64 | float = 0.0
    ) -> Pull:
        """Return what multiplies an adjoint by a slope and adds up what was broadcast."""

        def pull(adjoint: Adjoint) -> Adjoint:
            value = times(adjoint.value, slope)
            rounding = product_error(adjoint.value, adjoint.error, slope, error)
            size = np.abs(slope) + error + jump
            jumped = times(np.abs(adjoint.value), jump) + times(adjoint.jump, size)
            rounding = rounding + self.tape.rounded(np.abs(value) + jumped)
            return self._narrowed(Adjoint(value, rounding, jumped))

        return pull

    def _narrowed(self, adjoint: Adjoint) -> Adjoint:
        """Sum an adjoint over the axes along which this term was repeated."""
        lead = adjoint.value.ndim - len(self.shape)
        padded = (1,) * lead + self.shape
        axes = tuple(i for i, n in enumerate(padded) if n == 1 and adjoint.value.shape[i] != 1)
        axes = (*range(lead), *(i for i in axes if i >= lead))
        if not axes:
            return adjoint

        def add_up(x: Float64) -> Float64:
            return np.asarray(x.sum(axis=axes)).reshape(self.shape)

        count = int(np.prod([adjoint.value.shape[i] for i in axes]))
        return adjoint.map(add_up).widened(self.tape.rounded(add_up(adjoint.size), count + 3))

    def __getitem__(self, key: Any) -> Term:
        """Index it with constants, as NumPy does; an element may be taken more than once."""

        def back(x: Float64) -> Float64:
            spread = np.zeros(self.shape)
            np.add.at(spread, key, x)
            return spread

        def pull(adjoint: Adjoint) -> Adjoint:
            count = int(back(np.ones(adjoint.value.shape)).max(initial=1))
            return adjoint.map(back).widened(self.tape.rounded(back(adjoint.size), count))

        return Term(self.tape, self.value[key], self.error[key], [(self, pull)])

    def reshape(self, *shape: int) -> Term:
        """Return the same elements in another shape."""

        def pull(adjoint: Adjoint) -> Adjoint:
            return adjoint.map(lambda x: x.reshape(self.shape))

        return Term(self.tape, self.value.reshape(shape), self.error.reshape(shape), [(self, pull)])

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Term:
        """Sum over axes, in whatever order."""
        spread = self.value.sum(axis=axis, keepdims=True).shape
        count = self.value.size // max(1, int(np.prod(spread)))
        size = np.abs(self.value).sum(axis=axis, keepdims=keepdims)
        error = self.error.sum(axis=axis, keepdims=keepdims) + self.tape.rounded(size, count + 3)

        def pull(adjoint: Adjoint) -> Adjoint:
            return adjoint.map(lambda x: np.broadcast_to(x.reshape(spread), self.shape))

        value = self.value.sum(axis=axis, keepdims=keepdims)
        return Term(self.tape, value, error, [(self, pull)])

    def max(self, axis: int) -> Term:
        """Maximum along an axis; among several that rounding cannot tell apart, any may be it."""
        best = self.value.max(axis=axis, keepdims=True)
        margin = np.where(self.value == best, self.error, 0.0).max(axis=axis, keepdims=True)
        near = self.value + self.error >= best - margin
        slope = near / near.sum(axis=axis, keepdims=True)
        jump = np.where(near & (slope < 1), 1.0, 0.0)
        chain = self._chain(slope, 0.0, jump)

        def pull(adjoint: Adjoint) -> Adjoint:
            return chain(adjoint.map(lambda x: np.expand_dims(x, axis)))

        error = np.where(near, self.error, 0.0).max(axis=axis)
        return Term(self.tape, np.squeeze(best, axis), error, [(self, pull)])


def _variation(f: Unary, x: Float64, e: Float64, at: Float64) -> Float64:
    ends = np.maximum(np.abs(f(x - e) - at), np.abs(f(x + e) - at))
    return np.where(e > 0, ends, 0.0)
