"""Faults of the gradient: stale, accumulated, cut off, wrong in an element or at a kink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from samestep.faults.case import Case, Fault, varied
from samestep.loss import Float64
from samestep.referee import Reference, Variation

__all__ = ["gradient_faults"]

Wrong: TypeAlias = Callable[[Case, int, str, Float64], Float64]
"""``(case, step, key, right gradient) -> wrong gradient``."""


def gradient_faults(case: Case) -> Iterator[Fault]:
    """Yield faults that leave value and prediction right."""
    if case.step:
        yield _replaced("gradient-stale", "the gradient is that of the step before", _stale)
        yield _replaced(
            "gradient-accumulated",
            "the gradient of the step before was not cleared: gradients accumulate",
            lambda case, step, key, g: g + case.observed(key, step - 1),
        )
    yield _replaced(
        "not-finite",
        "single numbers are not finite, the others are right",
        lambda case, step, key, g: np.where(np.isfinite(case.observed(key, step)), g, np.nan),
    )
    if case.quantity == "gradient":
        yield Fault(
            "gradient-only-recorded",
            "the recorded gradient is not the one that the update used, which is right",
            _only_recorded,
        )
    for name, values in case.trace.gradient.items():
        for i in range(int(np.prod(values.shape[2:], dtype=int))):
            element = f"{name}[{i}]" if values.ndim > 2 else name
            yield _replaced(
                "gradient-sign",
                f"the gradient of {element} has the wrong sign",
                _element_times(-1.0, f"gradient/{name}", i),
            )
            yield _replaced(
                "gradient-missing",
                f"the gradient of {element} is zero: it was cut off",
                _element_times(0.0, f"gradient/{name}", i),
            )
    if case.plan.loss in ("huber", "smooth_l1"):
        unit = 1.0 if case.plan.loss == "huber" else 1 / case.plan.delta
        yield varied(
            "slope-unclipped",
            "the slope of the loss is not limited beyond its kink",
            Variation(slope=lambda s, r, delta: unit * r),
        )
        yield varied(
            "slope-lost",
            "the slope of the loss is lost beyond its kink",
            Variation(slope=lambda s, r, delta: np.where(np.abs(r) >= delta, 0.0, s)),
        )


def _replaced(id_: str, cause: str, wrong: Wrong) -> Fault:
    def recompute(case: Case, step: int) -> dict[str, Reference]:
        def quantity(key: str, r: Reference) -> Reference:
            if not key.startswith("gradient/"):
                return r
            value = wrong(case, step, key, r.value)
            # What was recorded at another step carries that step's rounding.
            return Reference(value, r.bound + 1e-6 * np.abs(value - r.value), r.magnitude)

        return case.references(variation=Variation(quantity=quantity), step=step)

    return Fault(id_, cause, recompute)


def _only_recorded(case: Case, step: int) -> dict[str, Reference]:
    references = case.references(step=step)
    for key, reference in references.items():
        if key.startswith("gradient/"):
            references[key] = replace(reference, value=case.observed(key, step))
    return references


def _stale(case: Case, step: int, key: str, gradient: Float64) -> Float64:
    return case.references(step=step - 1)[key].value


def _element_times(factor: float, which: str, index: int) -> Wrong:
    def wrong(case: Case, step: int, key: str, gradient: Float64) -> Float64:
        value = gradient.copy()
        if key == which:
            value.reshape(-1)[index] *= factor
        return value

    return wrong
