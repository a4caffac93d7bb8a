"""Gradients that optimizers are tried on."""

from __future__ import annotations

import numpy as np

from samestep.ledger.optimizer_entry import Course

__all__ = ["COURSE", "SOMETIMES_UNUSED", "UNUSED_LATER"]

STEPS = 50


def _draw() -> Course:
    """Draw gradients over four orders of magnitude, one step of zeros among them.

    All numbers are float32's, so that both precisions follow the same course.
    """
    rng = np.random.default_rng(7)
    scale = 10 ** rng.uniform(-3, 1, (STEPS, 1))
    gradients = {
        "w": rng.standard_normal((STEPS, 4)) * scale,
        "b": rng.standard_normal(STEPS) * scale[:, 0],
    }
    start = {"w": rng.standard_normal(4), "b": rng.standard_normal(())}
    for g in gradients.values():
        g[STEPS // 2] = 0.0
    return Course(
        {name: np.asarray(p).astype(np.float32).astype(np.float64) for name, p in start.items()},
        {name: g.astype(np.float32).astype(np.float64) for name, g in gradients.items()},
        {name: np.ones(STEPS, bool) for name in gradients},
    )


def _unused(course: Course, steps: np.ndarray) -> Course:
    """Leave the weights out of the loss in some steps."""
    w = course.gradients["w"].copy()
    w[steps] = 0.0
    return Course(course.start, {**course.gradients, "w": w}, {**course.used, "w": ~steps})


COURSE = _draw()

_THIRD = np.arange(STEPS) % 3 == 2

SOMETIMES_UNUSED = _unused(COURSE, _THIRD | (np.arange(STEPS) < 2))
"""The weights are unused in the first two steps and in every third."""

UNUSED_LATER = _unused(COURSE, _THIRD)
"""The weights are unused in every third step, but not in the first."""
