"""The published fits of mean and of summed squared error, and settings that they did not use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from samestep.lab import Lab
from samestep.loss import Float64, Reduction
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.published import SEEDS_TO_DECIDE
from samestep.registry import oracle
from samestep.trace import Trace

__all__ = ["PUBLISHED_PROBLEM", "ROWS", "SUMMED", "Row", "check_rows"]

PUBLISHED_PROBLEM = SyntheticRegression(start="uniform", num_val=0)
"""What the published runs were made on: their layer was built lazily, so it started uniformly."""


@dataclass(frozen=True)
class Row:
    """A published fit: its setting and its final parameters w1, w2 and b."""

    reduction: Reduction
    learning_rate: float
    numbers: tuple[float, float, float]

    def plan(self, baseline: Plan) -> Plan:
        """Return the baseline's runs with this row's reduction and rate."""
        return baseline.vary(reduction=self.reduction, learning_rate=self.learning_rate)

    def changed(self, change: Callable[[Plan], Plan]) -> Callable[[Plan], Plan]:
        """Return a function that makes a wrong plan of a baseline: this row's, then changed."""
        return lambda baseline: change(self.plan(baseline))


SUMMED = "sum, rate 0.03"
ROWS = {
    "mean, rate 0.03": Row("mean", 0.03, (1.9981, -3.3884, 4.1935)),
    SUMMED: Row("sum", 0.03, (1.9405, -3.4046, 4.2016)),
    "sum, rate 0.03/32": Row("sum", 0.03 / 32, (1.9954, -3.3869, 4.1921)),
}

# Half the loss takes, to the bit, the step of half the rate, so one entry stands for both.
WRONG: Mapping[str, Callable[[Plan], Plan]] = {
    "twice the rate": lambda plan: plan.vary(learning_rate=2 * plan.learning_rate),
    "half the rate, or a factor 1/2": lambda plan: plan.vary(learning_rate=plan.learning_rate / 2),
    "the other reduction": lambda plan: plan.vary(
        reduction="sum" if plan.reduction == "mean" else "mean"
    ),
    "Huber's loss": lambda plan: plan.vary(loss="huber"),
}

_POWER_DRAWS = 400


def check_rows(lab: Lab) -> dict[str, dict[str, Float64]]:
    """Place the published numbers in our distributions, with the power of that check.

    Returns
    -------
    dict of str to dict of str to array of shape (seeds, 3 + steps + 1)
        By participant and row: final w1, w2 and b, and the worst parameter error at the start and
        after each step.
    """
    samples = lab.sample(
        PUBLISHED_PROBLEM,
        {name: row.plan for name, row in ROWS.items()},
        seeds=lab.seed_count(SEEDS_TO_DECIDE),
        measure=_outcome,
    )
    for name, row in ROWS.items():
        lab.check_published(
            {f"{name}: {p}": v for p, v in zip(("w1", "w2", "b"), row.numbers, strict=True)},
            {label: by_row[name][:, :3] for label, by_row in samples.items()},
            {f"{name}, but {what}": drawn for what, drawn in wrong_settings(lab, row).items()},
        )
    return samples


def wrong_settings(lab: Lab, row: Row) -> dict[str, Float64]:
    """Draw final parameters, on the oracle, under settings that differ from a row in one thing.

    Returns
    -------
    dict of str to array of shape (draws, 3)
    """

    def draw(
        spec: SyntheticRegression,
        variants: Mapping[str, Callable[[Plan], Plan]],
        measure: Callable[[Trace], Float64] = Trace.parameters,
    ) -> dict[str, Float64]:
        draws = lab.seed_count(_POWER_DRAWS)
        return lab.sample(spec, variants, seeds=draws, measure=measure, backends=[oracle()])[
            oracle().label
        ]

    wrong = draw(PUBLISHED_PROBLEM, {what: row.changed(change) for what, change in WRONG.items()})
    longer = draw(
        PUBLISHED_PROBLEM,
        {"epochs": row.changed(lambda plan: plan.vary(epochs=4))},
        lambda trace: np.hstack([trace.parameters(k) for k in trace.plan.epoch_ends()[[2, 4]]]),
    )["epochs"]
    wrong["2 epochs"], wrong["4 epochs"] = longer[:, :3], longer[:, 3:]
    # No wrong setting that the check is meant to notice: it tells how much the start matters.
    meant = SyntheticRegression(num_val=0)
    wrong["the start N(0, 0.01^2) that the book means"] = draw(meant, {"start": row.plan})["start"]
    return wrong


def _outcome(trace: Trace) -> Float64:
    truth = (trace.parameters(0) - trace.error(0))[:, None]
    path = np.stack([trace.parameters(k) for k in range(trace.plan.steps + 1)], axis=1)
    return np.hstack([path[:, -1], np.abs(path - truth).max(axis=2)])
