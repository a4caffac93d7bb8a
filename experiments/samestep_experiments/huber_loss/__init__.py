"""Which losses are there, and what does Huber's loss change?

Three parametrisations go by one name. They are told apart by their values and slopes; then the
learning rate is found that makes one follow the other's path, and it is shown what becomes of a fit
on the published formula, why the published run needs ten times the usual rate, and what Huber's
loss is good for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from samestep.claims import Evidence
from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.judgement import judge
from samestep.lab import Lab
from samestep.loss import Float64, get_loss
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.huber_loss import robustness, trap, travel
from samestep_experiments.huber_loss.figures import draw_forms, draw_robustness, draw_trap
from samestep_experiments.huber_loss.forms import FORMS, Case, Response
from samestep_experiments.huber_loss.kinks import DELTAS, compare_forms

POWER_OF_TWO, OTHER = 2.0, 3.0
"""Parameters s at which smooth L1 is made to follow Huber's loss."""

HUGE = 2.0**20
"""A delta beyond every residual."""


class HuberLoss(Experiment):
    """Three losses go by Huber's name; his is the one that a few wrong labels do not spoil."""

    id: ClassVar = "huber-loss"
    title: ClassVar = "Which losses are there, and what does Huber's loss change?"
    question: ClassVar = (
        "Which losses do the frameworks ship for regression, which of the formulas that go by "
        "Huber's name is which, and what does his loss change?"
    )
    parameters: ClassVar = {
        "delta": Parameter(1.0, "threshold of Huber's loss where labels are moved, above 0"),
        "outlier": Parameter(50.0, "by how much labels are moved, not 0"),
    }
    weight: ClassVar = 4.0

    def typical_fit(self) -> Plan:
        """Return the published run."""
        problem = SyntheticRegression().draw(0)
        return Plan.of(problem, loss="huber", learning_rate=0.3, name="Huber's loss, rate 0.3")

    def run(self, lab: Lab) -> str:
        """Tell the forms apart, then train on each of them."""
        delta, outlier = float(lab.parameter("delta")), float(lab.parameter("outlier"))
        if not delta > 0:
            raise UsageError(f"delta is {delta}.", "Expected a positive number.")
        if outlier == 0:
            raise UsageError("outlier is 0.", "Expected by how much labels are moved, not 0.")
        problem = lab.draw(SyntheticRegression(start="uniform"), 1)[0]
        huber = Plan.of(problem, loss="huber", delta=travel.DELTA)
        titles = {rate: f"Huber's loss, rate {rate}" for rate in (travel.FAST, travel.SLOW)}
        fits = lab.picture_of_fits(
            {title: huber.vary(learning_rate=r, name=title) for r, title in titles.items()},
            {titles[travel.FAST]: travel.FIT},
        )
        responses = compare_forms(lab)
        squared = _compare_paths(lab, problem)
        trap.state_tails(lab, responses)
        meant, truth = trap.train(lab)
        samples = travel.check_published(lab)
        travel.state_claims(lab, fits[titles[travel.FAST]], fits[titles[travel.SLOW]], samples)
        errors = robustness.fit(lab, delta, outlier)
        robustness.state_claims(lab, errors, delta, outlier)

        _show(lab, responses, meant, truth, errors, delta, outlier)
        return " ".join(
            (
                _say_forms(lab, next(iter(meant.values()))),
                _say_travel(next(iter(squared.values())), next(iter(samples.values()))),
                _say_robustness(next(iter(errors.values())), outlier),
            )
        )


def _compare_paths(lab: Lab, problem: Problem) -> dict[str, Trace]:
    """State which rate makes one loss follow another's path; return the fits of squared error."""
    rate, slow = travel.FAST, travel.SLOW

    def fit(loss: str, delta: float, learning_rate: float) -> dict[str, Trace]:
        name = f"{loss}, parameter {delta:g}, rate {learning_rate:g}"
        plan = Plan.of(problem, loss=loss, delta=delta, learning_rate=learning_rate, name=name)
        return lab.train(plan)

    huber = {s: fit("huber", s, rate) for s in (POWER_OF_TWO, OTHER)}
    smooth = {s: fit("smooth_l1", s, s * rate) for s in (POWER_OF_TWO, OTHER)}
    unscaled = fit("smooth_l1", POWER_OF_TWO, rate)
    squared, huge = fit("squared_error", 1.0, slow), fit("huber", HUGE, 2 * slow)
    lab.claim(
        "smooth-l1-follows-huber",
        f"Smooth L1 with parameter {POWER_OF_TWO:g} at rate {POWER_OF_TWO * rate:g} takes the "
        f"steps of Huber's loss with delta {POWER_OF_TWO:g} at rate {rate:g}, to the bit.",
        {
            k: equal_paths(first, smooth[POWER_OF_TWO][k])
            for k, first in huber[POWER_OF_TWO].items()
            if k in smooth[POWER_OF_TWO]
        },
    )
    lab.claim(
        "smooth-l1-follows-huber-rounded",
        f"With parameter {OTHER:g}, where dividing rounds, smooth L1 at rate {OTHER * rate:g} "
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
        f"Huber's loss with a delta beyond every residual ({HUGE:,.0f}) at rate {2 * slow:g} takes "
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


def _show(
    lab: Lab,
    responses: Mapping[str, Mapping[Case, Response]],
    meant: Mapping[str, trap.Course],
    truth: Mapping[str, trap.Course],
    errors: Mapping[str, Mapping[str, np.ndarray]],
    delta: float,
    outlier: float,
) -> None:
    """Draw the forms, the trap and the robustness."""
    d = DELTAS[1]
    r = np.linspace(-3.2 * d, 3.2 * d, 641)
    answers = next(iter(responses.values()))
    lab.figure(
        "forms",
        f"Value and slope of the three formulas for delta = {d:g}, against the residual. Smooth L1 "
        "is Huber's loss divided by delta; the published formula follows Huber's loss up to its "
        "second kink, jumps there, and falls for ever. Dots are measured on a participant.",
        draw_forms,
        delta=d,
        curves={
            name: (r, get_loss(name).value(np, r, d), get_loss(name).derivative(r, d))
            for name in FORMS
        },
        measured={name: tuple(answers[Case(name, d)]) for name in FORMS},
    )
    lab.figure(
        "trap",
        "Training loss and worst parameter error on the published formula, step by step: median "
        "and 5 to 95 % of the runs. The loss falls while the error grows; runs that are started at "
        "the truth stay there.",
        draw_trap,
        courses={
            "usual start": next(iter(meant.values())),
            "started at the truth": next(iter(truth.values())),
        },
    )
    shares = np.geomspace(min(robustness.SHARES[1:]), max(robustness.SHARES), 60)
    noise = SyntheticRegression().noise
    lab.figure(
        "robustness",
        f"Errors of intercept and slope after some of the labels were moved by {outlier:g}: median "
        "and 5 to 95 % of the runs, and the bias with unlimited data (lines). Huber's loss is "
        "robust, not immune; the slopes have no bias under either loss.",
        draw_robustness,
        shares=np.array(robustness.SHARES),
        errors=next(iter(errors.values())),
        theory={
            loss: (
                shares,
                np.array(
                    [robustness.population_bias(loss, e, outlier, delta, noise) for e in shares]
                ),
            )
            for loss in robustness.LOSSES
        },
    )


def _say_forms(lab: Lab, course: trap.Course) -> str:
    """Say what the three formulas are, with what the published one did."""
    holds = {claim.id: claim.holds for claim in lab.claims}
    follows = holds["smooth-l1-follows-huber"] and holds["smooth-l1-follows-huber-rounded"]
    runs = course.loss.shape[1]
    return (
        "Of the three formulas that go by Huber's name the published one lacks an absolute value: "
        f"at rate {travel.FAST:g} its loss went from {np.median(course.epoch_loss()[0]):.2g} to "
        f"{np.median(course.epoch_loss()[-1]):.3g} while the worst parameter error went from "
        f"{np.median(course.epoch_error()[1]):.2g} to {np.median(course.epoch_error()[-1]):.3g} "
        f"(medians of {runs} {_runs(runs)}, first epoch to last); smooth L1 is Huber's loss over "
        f"its parameter, and "
        + (
            "takes Huber's steps at the rate times the parameter."
            if follows
            else "should take Huber's steps at the rate times the parameter, but here it did not "
            "on every participant."
        )
    )


def _say_travel(squared: Trace, samples: Mapping[str, Float64]) -> str:
    """Say how far the two rates carry Huber's loss."""
    spec = SyntheticRegression()
    error = np.abs(samples["fast"][:, :3] - [*spec.w, spec.b]).max(axis=1)
    longest = travel.gradient_over_limit(squared, travel.DELTA).max()
    return (
        f"Huber's gradient is clipped (that of squared error was up to {longest:.2g} times the "
        f"clip's limit), so that three epochs at {travel.SLOW:g} took w1 only to "
        f"{np.median(samples['slow'][:, 0]):.2g} of {spec.w[0]:g}, and at {travel.FAST:g} all "
        f"parameters to within {np.median(error):.2g} of the truth (medians of "
        f"{len(samples['slow'])} and {len(error)} {_runs(len(error))})."
    )


def _say_robustness(errors: Mapping[str, Float64], outlier: float) -> str:
    """Say what moved labels did to either loss."""
    clean, *moved = (robustness.SHARES.index(share) for share in (0.0, *robustness.CLAIMED))
    worst = {loss: np.median(np.abs(e[clean]).max(axis=1)) for loss, e in errors.items()}
    bias = {loss: [e[i, :, -1].mean() for i in moved] for loss, e in errors.items()}
    shares = " and ".join(f"{share:.0%}" for share in robustness.CLAIMED)
    runs = errors["huber"].shape[1]
    robust = all(
        abs(h) < abs(s) / 2 for h, s in zip(bias["huber"], bias["squared_error"], strict=True)
    )
    return (
        f"On clean labels a fit with Huber's loss is off by {worst['huber']:.2g}, with squared "
        f"error by {worst['squared_error']:.2g}; with {shares} of the labels moved by {outlier:g} "
        f"the intercept is off by {bias['huber'][0]:.2g} and {bias['huber'][1]:.2g} with Huber's "
        f"loss, by {bias['squared_error'][0]:.2g} and {bias['squared_error'][1]:.2g} with squared "
        f"error ({runs} {_runs(runs)}): "
        + ("robust, not immune." if robust else "not robust with this delta.")
    )


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


EXPERIMENT = HuberLoss()
