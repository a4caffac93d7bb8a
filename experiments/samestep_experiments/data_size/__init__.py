r"""How does the solution depend on the amount of data?

For each number of examples, four answers: minibatch SGD stopped after a fixed number of *epochs*
(what was published) and after a fixed number of *updates*, full-batch descent run until it has
converged, and least squares. Only the last two see the data and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from samestep.claims import Interval
from samestep.experiment import Experiment, Parameter
from samestep.lab import Lab
from samestep.plan import Plan
from samestep.problem import SyntheticRegression, require_positive
from samestep_experiments.data_size import claims, figures
from samestep_experiments.data_size.runs import (
    BASELINE,
    EPOCHS,
    FULL_BATCH_SIZES,
    PUBLISHED_SIZES,
    SIZES,
    SLOPES_FROM,
    Errors,
    Method,
    draw,
    full_batch_runs,
    has_converged,
    least_squares_errors,
    minibatch_runs,
    norm,
    rms_law,
    train,
)


class DataSize(Experiment):
    """A fixed number of epochs measures the updates; least squares measures the data."""

    id: ClassVar = "data-size"
    weight: ClassVar = 4.0
    title: ClassVar = "How does the solution depend on the amount of data?"
    question: ClassVar = (
        "What happens to the estimated weights and bias as the number of examples grows, and why "
        "should the sizes grow by a factor (5, 10, 20, 40, ...) rather than by equal amounts?"
    )
    parameters: ClassVar = {
        "learning_rate": Parameter(0.03, "the rate of minibatch SGD"),
        "updates": Parameter(320, "updates of every size where their number is fixed"),
    }

    def typical_fit(self) -> Plan:
        """Return one of the published sizes, with short last batches."""
        problem = SyntheticRegression(b=4.0, num_train=1000).draw(0)
        return Plan.of(problem, name="1,000 examples, b = 4")

    def fits(self, learning_rate: float = 0.03) -> dict[str, Plan]:
        """Return published fits of a few examples and of many, both of 3 epochs."""
        plans = [
            Plan.of(
                SyntheticRegression(b=4.0, num_train=size, num_val=size).draw(1000 * size),
                learning_rate=learning_rate,
                epochs=3,
                name=f"{size:,} examples, 3 epochs",
            )
            for size in (20, 10_240)
        ]
        return {plan.name: plan for plan in plans}

    def run(self, lab: Lab) -> str:
        """Solve the problem of every size in four ways, over seeds."""
        rate, updates = float(lab.parameter("learning_rate")), int(lab.parameter("updates"))
        require_positive(updates=updates)
        lab.picture_of_fits(self.fits(rate))
        seeds = lab.seed_count(32)
        problems = {size: draw(lab, size, seeds) for size in SIZES}
        runs = minibatch_runs(problems, rate, updates)
        runs += full_batch_runs({size: problems[size] for size in FULL_BATCH_SIZES})
        found = train(lab, runs, updates)
        solutions = least_squares_errors(problems)
        settled = [size for size in SIZES if has_converged(problems[size], rate, updates)]

        claims.fixed_epochs(lab, found, solutions, updates, settled)
        claims.least_squares(lab, solutions)
        claims.full_batch(lab, found, solutions)
        claims.constant_rate(lab, found, solutions, rate, settled)
        slopes = claims.slopes(lab, found, solutions)
        claims.equal_factors(lab, solutions)

        errors: dict[Method, Errors] = {**next(iter(found.values())), "least squares": solutions}
        self._figures(lab, errors, slopes, rate, updates)
        return self._answer(errors, slopes, rate)

    @staticmethod
    def _figures(
        lab: Lab,
        errors: Mapping[Method, Errors],
        slopes: Mapping[Method, Mapping[str, Interval]],
        rate: float,
        updates: int,
    ) -> None:
        labels: dict[Method, str] = {
            "fixed epochs": f"{EPOCHS} epochs",
            "fixed updates": f"{updates} updates",
            "full batch": "full batch, converged",
            "least squares": "least squares",
        }
        shown = {labels[method]: errors[method] for method in labels}
        floor = BASELINE.noise * math.sqrt(rate / BASELINE.batch_size)
        lab.figure(
            "errors",
            "Error of each parameter against the number of examples, on linear axes (left) and on "
            "logarithmic ones: median over seeds and the central 80 %. A fixed number of epochs "
            "measures the number of updates; least squares and converged full-batch descent fall "
            "as 1/sqrt(n); at a constant rate "
            "minibatch SGD leaves that line near n = B/rate and flattens. Grey: the medians that "
            "the laws predict.",
            figures.draw_errors,
            errors=shown,
            joined=PUBLISHED_SIZES,
            noise=BASELINE.noise,
            bend=BASELINE.batch_size / rate,
            floor=floor,
        )
        lab.figure(
            "signed-errors",
            "The same errors with their signs. After few updates every seed is wrong in the same "
            "direction, the one from which it started: that is no scatter, and more seeds do not "
            "average it away. Least squares scatters around zero.",
            figures.draw_signed_errors,
            errors=shown,
            joined=PUBLISHED_SIZES,
        )
        lab.figure(
            "axes",
            "The error of least squares, the same numbers twice. On linear axes all is in one "
            "corner; on logarithmic axes it is a line: equal factors give equal progress.",
            figures.draw_axes,
            lengths={size: norm(e) for size, e in errors["least squares"].items()},
            law={size: rms_law(size) for size in SIZES},
        )
        lab.figure(
            "slopes",
            "Slopes of log error on log n, with confidence intervals, for every participant. Only "
            "least squares and what has converged to it have the slope -1/2 of statistics.",
            figures.draw_slopes,
            slopes={
                labels[method]: {who: tuple(interval) for who, interval in by_label.items()}
                for method, by_label in slopes.items()
            },
            smallest=SLOPES_FROM,
        )

    @staticmethod
    def _answer(
        errors: Mapping[Method, Errors],
        slopes: Mapping[Method, Mapping[str, Interval]],
        rate: float,
    ) -> str:
        def median(method: Method, size: int) -> str:
            return f"{np.median(norm(errors[method][size])):.2g}"

        slope = {
            method: next(iter(by_label.values())).estimate for method, by_label in slopes.items()
        }
        few, more = claims.FEW
        most = SIZES[-1]
        return (
            f"At a fixed number of epochs the experiment counts updates: after {EPOCHS} epochs "
            f"{few} and {more} examples have made equally many and are off by "
            f"{median('fixed epochs', few)} and {median('fixed epochs', more)} (median length of "
            f"the error), least squares on the same examples by {median('least squares', few)} "
            f"and {median('least squares', more)}. Against n, on logarithmic axes, the error of "
            f"least squares has the slope {slope['least squares']:.2f} and that of converged "
            f"full-batch descent {slope['full batch']:.2f}, where sigma/sqrt(n) has -0.50; "
            f"minibatch SGD at a constant rate, whose law sigma sqrt(1/n + rate/B) bends at "
            f"n = B/rate = {BASELINE.batch_size / rate:,.0f}, has {slope['fixed updates']:.2f}, "
            f"and with {most:,} examples it is off by {median('fixed updates', most)} instead of "
            f"{median('least squares', most)}. Sizes grow by a factor because in a power law only "
            f"factors count: each doubling divides the error of least squares by "
            f"{2 ** -slope['least squares']:.2f}, from {SLOPES_FROM} examples up to {most:,}."
        )


EXPERIMENT = DataSize()
