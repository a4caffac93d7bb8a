"""Which learning rate makes one loss take the steps of another."""

from __future__ import annotations

import numpy as np

from samestep.claims import Evidence
from samestep.conventions import Convention, equivalent_learning_rate
from samestep.judgement import judge
from samestep.lab import Lab
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.trace import Trace
from samestep_experiments.huber_loss import travel

POWER_OF_TWO, OTHER = 2.0, 3.0
"""Parameters s at which smooth L1 is made to follow Huber's loss."""

HUGE = 2.0**20
"""A delta beyond every residual."""


def compare(lab: Lab, problem: Problem) -> dict[str, Trace]:
    """State which rate makes one loss follow another's path; return the fits of squared error."""
    rate, slow = travel.FAST, travel.SLOW

    def fit(convention: Convention, learning_rate: float) -> dict[str, Trace]:
        plan = Plan.of(
            problem,
            loss=convention.loss,
            delta=convention.delta,
            learning_rate=learning_rate,
            name=f"{convention}, rate {learning_rate:g}",
        )
        return lab.train(plan)

    def smooth_l1(delta: float) -> Convention:
        return Convention("smooth_l1", delta=delta)

    parameters = (POWER_OF_TWO, OTHER)
    conventions = {s: Convention("huber", delta=s) for s in parameters}
    rates = {s: equivalent_learning_rate(rate, conventions[s], smooth_l1(s)) for s in parameters}
    huber = {s: fit(conventions[s], rate) for s in parameters}
    smooth = {s: fit(smooth_l1(s), rates[s]) for s in parameters}
    unscaled = fit(smooth_l1(POWER_OF_TWO), rate)
    doubled = equivalent_learning_rate(slow, Convention(), Convention("half_squared_error"))
    squared, huge = fit(Convention(), slow), fit(Convention("huber", delta=HUGE), doubled)
    lab.claim(
        "smooth-l1-follows-huber",
        f"Smooth L1 with parameter {POWER_OF_TWO:g} at rate {rates[POWER_OF_TWO]:g} takes the "
        f"steps of Huber's loss with delta {POWER_OF_TWO:g} at rate {rate:g}, to the bit.",
        {
            k: equal_paths(first, smooth[POWER_OF_TWO][k])
            for k, first in huber[POWER_OF_TWO].items()
            if k in smooth[POWER_OF_TWO]
        },
    )
    lab.claim(
        "smooth-l1-follows-huber-rounded",
        f"With parameter {OTHER:g}, where dividing rounds, smooth L1 at rate {rates[OTHER]:g} "
        f"takes the steps of Huber's loss at rate {rate:g} within the rounding error of one step.",
        {
            k: same_step(trace, huber[OTHER][k].plan)
            for k, trace in smooth[OTHER].items()
            if k in huber[OTHER]
        },
    )
    lab.claim(
        "same-rate-parts-them",
        f"At the same rate, {rate:g}, smooth L1 and Huber's loss with parameter {POWER_OF_TWO:g} "
        "take different steps, from the first one on.",
        {
            k: parted(trace, huber[POWER_OF_TWO][k].plan)
            for k, trace in unscaled.items()
            if k in huber[POWER_OF_TWO]
        },
    )
    lab.claim(
        "huber-becomes-squared-error",
        f"Huber's loss with a delta beyond every residual ({HUGE:,.0f}) at rate {doubled:g} takes "
        f"the steps of squared error at rate {slow:g}, within the rounding error of one step: "
        "it has the factor 1/2.",
        {k: same_step(trace, squared[k].plan) for k, trace in huge.items() if k in squared},
    )
    return squared


def equal_paths(first: Trace, second: Trace) -> Evidence:
    """State whether two traces have the same parameters after every step, to the bit."""
    gap = max(float(np.abs(first.params[n] - second.params[n]).max()) for n in first.params)
    text = f"largest difference of the parameters over {first.plan.steps} steps: {gap:.3g}"
    return Evidence(gap == 0.0, text, {"largest_gap": gap})


def same_step(trace: Trace, plan: Plan) -> Evidence:
    """State whether a trace takes, at every step, the step of another plan, but for rounding."""
    verdict = judge(trace, plan).verdicts["update"]
    ratio = verdict.worst.ratio if verdict.worst else 0.0
    text = f"{verdict.judged:,} numbers, largest error over its bound: {ratio:.3g}"
    return Evidence(verdict.holds, text, {"largest_error_over_bound": ratio})


def parted(trace: Trace, plan: Plan) -> Evidence:
    """State that a trace leaves the step of another plan at its first step."""
    first = judge(trace, plan).verdicts["update"].first
    if first is None:
        return Evidence(holds=False, text="no step is beyond its bound")
    text = (
        f"{first.element} after step {first.step}: {first.observed:.6g} instead of "
        f"{first.expected:.6g}"
    )
    return Evidence(first.step == 0, text, {"first_step": first.step})
