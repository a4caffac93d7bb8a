"""Training: every step of every plan within the rounding error that one step can make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samestep.interface import Backend
from samestep.judgement import judge
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.registry import experiment, experiment_names
from samestep.testing.expectations import NotApplicableError, require
from samestep.training import train

__all__ = ["CHECKS", "plans"]


def plans() -> dict[str, Plan]:
    """Plans that between them use every loss, reduction and option, by what they show.

    Every one has a short last batch, and momentum where the velocity is to be seen.
    """
    spec = SyntheticRegression(num_train=72, num_val=0, start="uniform")
    wide = replace(spec, w=tuple(np.linspace(-1, 1, 16)))
    problem = spec.draw(0)
    singles = {
        "mean of squared errors": Plan.of(problem, learning_rate=0.03),
        "sum, momentum": Plan.of(
            problem, loss="half_squared_error", reduction="sum", learning_rate=0.001, momentum=0.9
        ),
        "Huber, Nesterov": Plan.of(
            problem, loss="huber", learning_rate=0.3, momentum=0.9, nesterov=True
        ),
        "absolute error, momentum and decay": Plan.of(
            problem, loss="absolute_error", learning_rate=0.03, momentum=0.9, weight_decay=0.1
        ),
        "smooth L1, all options, 16 features": Plan.of(
            wide.draw(1),
            loss="smooth_l1",
            learning_rate=0.03,
            momentum=0.5,
            nesterov=True,
            weight_decay=0.01,
        ),
    }
    stacked = stack(
        [
            Plan.of(spec.draw(seed), learning_rate=rate, epochs=epochs, momentum=0.5)
            for seed, (rate, epochs) in enumerate(((0.003, 1), (0.03, 3), (0.3, 2)))
        ]
    )
    return {**singles, "three runs of unequal length": stacked}


def every_kind_of_step_is_within_rounding(backend: Backend) -> None:
    """Each loss, reduction and option, one run and stacked runs: every step within its bound."""
    for title, plan in plans().items():
        _require_within_rounding(backend, plan, title)


def fits_of_all_exercises_are_within_rounding(backend: Backend) -> None:
    """The fits that the registered exercises picture: every step within its bound."""
    names = experiment_names()
    if not names:
        raise NotApplicableError("no exercise is registered")
    for name in names:
        for title, plan in experiment(name).fits().items():
            _require_within_rounding(backend, plan, f"{name}, {title}")


def a_fit_is_repeatable(backend: Backend) -> None:
    """The same plan gives the same bits."""
    plan = plans()["sum, momentum"]
    first, second = (train(backend, plan) for _ in range(2))
    for name, values in first.params.items():
        require(np.array_equal(values, second.params[name]), f"{name} differs the second time")


def _require_within_rounding(backend: Backend, plan: Plan, title: str) -> None:
    judgement = judge(train(backend, plan))
    if judgement.first:
        quantity, found = judgement.first
        require(
            judgement.holds,
            f"{title}: {quantity} of step {found.step}, run {found.run}, {found.element}: "
            f"{found.observed!r}, the oracle's {found.expected!r}; apart by {found.error:.3g}, "
            f"rounding can make {found.bound:.3g}",
        )
    require(judgement.holds, f"{title}: a number is not finite where nothing could overflow")


CHECKS = (
    every_kind_of_step_is_within_rounding,
    fits_of_all_exercises_are_within_rounding,
    a_fit_is_repeatable,
)
