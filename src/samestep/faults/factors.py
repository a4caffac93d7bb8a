"""Faults of size: loss, gradient or rate are off by a constant factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samestep.faults.case import Case, Fault, varied
from samestep.referee import Reference, Variation

__all__ = ["factor_faults"]


def factor_faults(case: Case) -> Iterator[Fault]:
    """Loss and gradient, or one of them, or the rate, are off by a constant factor."""
    sound = case.references()
    rows = int(case.plan.rows[case.step, 0])
    size = int(case.plan.problems[0].batch_size)
    gradient = [key for key in sound if key.startswith("gradient/")]
    factor = _common_factor(case, sound, gradient)
    if factor is not None and abs(factor - 1) > 1e-12:
        name, text = _name_factor(factor, rows, size)
        if rows != size and abs(factor * size / rows - 1) < 1e-6:
            # A factor that only short batches show.
            yield _scaled(
                "mean-over-padding",
                f"the mean divides by {size}, the full batch, instead of the {rows} rows that "
                "a short batch has",
                [*gradient, "loss"],
                factor,
            )
        for keys, what, id_ in (
            ([*gradient, "loss"], "loss and gradient are", name),
            (gradient, "the gradient (not the loss) is", f"gradient-{name}"),
        ):
            yield _scaled(id_, f"{what} {text}", keys, factor)
    loss_factor = _common_factor(case, sound, ["loss"])
    if loss_factor is not None and case.quantity == "loss":
        name, text = _name_factor(loss_factor, rows, size)
        yield _scaled(
            f"loss-{name}", f"the loss (not the gradient) is {text}", ["loss"], loss_factor
        )
    rate = _rate_factor(case, sound)
    if rate is not None:
        name, text = _name_factor(rate, rows, size)
        if name == "zero":
            yield _with_rate("update-skipped", "the update was skipped", rate, one_off=True)
            return
        yield _with_rate(f"rate-{name}", f"the learning rate is {text}", rate)
        if name == "twice":
            yield _with_rate("update-twice", "the update was applied twice", rate, one_off=True)


def _scaled(id_: str, cause: str, keys: list[str], factor: float) -> Fault:
    def quantity(key: str, r: Reference) -> Reference:
        if key not in keys:
            return r
        return Reference(factor * r.value, abs(factor) * r.bound, abs(factor) * r.magnitude)

    variation = Variation(quantity=quantity)
    return varied(id_, cause, variation)


def _with_rate(id_: str, cause: str, factor: float, *, one_off: bool = False) -> Fault:
    def recompute(case: Case, step: int) -> dict[str, Reference]:
        return case.references(
            case.plan.vary(learning_rate=np.abs(factor) * case.plan.learning_rate), step=step
        )

    return Fault(id_, cause, recompute, one_off=one_off)


def _name_factor(factor: float, rows: int, size: int) -> tuple[str, str]:
    """Recognise a factor: 1/2, the batch size, ..."""
    for value, name, text in (
        (0.0, "zero", "zero"),
        (0.5, "half", "halved: a factor 1/2 too many"),
        (2.0, "twice", "doubled: a factor 1/2 is missing, or something is done twice"),
        (-1.0, "sign", "of the wrong sign"),
        (rows, "sum-for-mean", f"{rows} times too large, the rows of the batch: a sum for a mean"),
        (
            1 / rows,
            "mean-for-sum",
            f"{rows} times too small, the rows of the batch: a mean for a sum",
        ),
        (size, "batch-size", f"{size} times too large, the batch size"),
        (1 / size, "over-batch-size", f"{size} times too small, the batch size"),
        (rows / size, "over-full-batch", f"divided by the full batch {size}, not by {rows} rows"),
    ):
        if abs(factor - value) <= 1e-6 * max(1.0, abs(value)):
            return name, text
    return "scaled", f"multiplied by {factor:.8g}"


def _common_factor(case: Case, sound: dict[str, Reference], keys: list[str]) -> float | None:
    """The factor between recorded and expected values, if there is one for all elements."""
    x = np.concatenate([sound[key].value.ravel() for key in keys])
    y = np.concatenate([case.observed(key).ravel() for key in keys])
    if not (np.isfinite(y).all() and np.isfinite(x).all()) or not (x * x).sum() > 0:
        return None
    return float((x * y).sum() / (x * x).sum())


def _rate_factor(case: Case, sound: dict[str, Reference]) -> float | None:
    """The factor of the learning rate that makes the recorded update from the expected one."""
    moved, expected = [], []
    for name, values in case.trace.params.items():
        before = values[case.step : case.step + 1].astype(np.float64)
        expected.append((sound[f"update/{name}"].value - before).ravel())
        moved.append((case.observed(f"update/{name}") - before).ravel())
    x, y = np.concatenate(expected), np.concatenate(moved)
    if not np.isfinite(y).all() or not (x * x).sum() > 0:
        return None
    factor = float((x * y).sum() / (x * x).sum())
    return max(factor, 0.0) if abs(factor - 1) > 1e-9 else None
