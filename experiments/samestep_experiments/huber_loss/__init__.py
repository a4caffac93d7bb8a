"""Which losses are there, and what does Huber's loss change?

Three parametrisations go by one name. They are told apart by their values and slopes; then the
learning rate is found that makes one follow the other's path, and it is shown what becomes of a fit
on the published formula, why the published run needs ten times the usual rate, what Huber's loss is
good for, and what it does not survive either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.lab import Lab
from samestep.loss import Float64, get_loss
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.huber_loss import limits, paths, robustness, trap, travel
from samestep_experiments.huber_loss.figures import draw_forms, draw_trap
from samestep_experiments.huber_loss.forms import FORMS, Case, Response
from samestep_experiments.huber_loss.influence import quantiles_of_size
from samestep_experiments.huber_loss.kinks import DELTAS, compare_forms
from samestep_experiments.huber_loss.robust_figures import draw_limits, draw_robustness, positions


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

    def fits(self) -> dict[str, Plan]:
        """Return Huber's loss at two rates, and smooth L1 at the rate that makes it follow."""
        problem = SyntheticRegression(start="uniform").draw(0)
        fast = Plan.of(problem, loss="huber", learning_rate=0.3, name="Huber's loss, rate 0.3")
        slow = fast.vary(learning_rate=0.03, name="Huber's loss, rate 0.03")
        wide = fast.vary(delta=2.0, name="Huber's loss, delta 2, rate 0.3")
        smooth = wide.vary(
            loss="smooth_l1", learning_rate=2 * 0.3, name="smooth L1, beta 2, rate 0.6"
        )
        return {plan.name: plan for plan in (fast, slow, wide, smooth)}

    def run(self, lab: Lab) -> str:
        """Tell the forms apart, then train on each of them."""
        delta, outlier = float(lab.parameter("delta")), float(lab.parameter("outlier"))
        if not delta > 0:
            raise UsageError(f"delta is {delta}.", "Expected a positive number.")
        if outlier == 0:
            raise UsageError("outlier is 0.", "Expected by how much labels are moved, not 0.")
        problem = lab.draw(SyntheticRegression(start="uniform"), 1)[0]
        titles = {rate: f"Huber's loss, rate {rate}" for rate in (travel.FAST, travel.SLOW)}
        fits = lab.picture_of_fits(self.fits(), {titles[travel.FAST]: travel.FIT})
        responses = compare_forms(lab)
        squared = paths.compare(lab, problem)
        trap.state_tails(lab, responses)
        meant, truth = trap.train(lab)
        samples = travel.check_published(lab)
        travel.state_claims(lab, fits[titles[travel.FAST]], fits[titles[travel.SLOW]], samples)
        errors = robustness.fit(lab, delta, outlier)
        robustness.state_claims(lab, errors, delta, outlier)
        descents = limits.descend(lab)
        limits.state_claims(lab, descents)

        found = next(iter(descents.values()))
        _show(lab, responses, meant, truth, found)
        _show_robustness(lab, next(iter(errors.values())), delta, outlier)
        return " ".join(
            (
                _say_forms(lab, next(iter(meant.values()))),
                _say_travel(next(iter(squared.values())), next(iter(samples.values()))),
                _say_robustness(next(iter(errors.values())), delta, outlier),
                _say_limits(found),
            )
        )


def _show(
    lab: Lab,
    responses: Mapping[str, Mapping[Case, Response]],
    meant: Mapping[str, trap.Course],
    truth: Mapping[str, trap.Course],
    found: limits.Paths,
) -> None:
    """Draw the forms, the trap and what no loss survives."""
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
    lab.figure(
        "limits",
        "Full-batch fits that start at the truth and leave it: median and 5 to 95 % of the runs. "
        "Left: clean labels; absolute error goes on stepping as far as its rate lets it, unless "
        f"that is below {limits.CRITICAL_RATE:.2g}. Middle: labels moved by {limits.SHIFT:g}; the "
        "larger part of them wins. Right: one row in twenty has a first feature of "
        f"{limits.LEVERAGE:g}; either loss gives w1 up.",
        draw_limits,
        settling={
            **{
                f"rate {rate:g}": (
                    "absolute_error",
                    limits.worst(found["absolute_error"][f"rate {rate:g}"]),
                )
                for rate in limits.RATES
            },
            "Huber's loss, rate 0.3": ("huber", limits.worst(found["huber"]["rate 0.3"])),
        },
        majority={
            f"{share:.0%}": found["huber"][f"{share:.0%} moved"][..., 2] for share in limits.SHARES
        },
        leverage={loss: found[loss]["leverage"][..., 0] for loss in limits.LOSSES},
        noise=limits.SPEC.noise,
        shift=limits.SHIFT,
    )


def _show_robustness(lab: Lab, measured: robustness.Errors, delta: float, outlier: float) -> None:
    """Draw measured errors beside those that theory predicts, against delta."""
    compared = robustness.settings(delta)
    huber = [setting.delta for setting in compared if setting.loss == "huber"]
    ticks = positions(["squared\nerror", *(f"{d:g}" for d in huber), "absolute\nerror"], huber)
    deltas = np.geomspace(min(ticks.values()), max(ticks.values()), 50)
    quantiles = (0.05, 0.5, 0.95)

    def panel(
        cases: Sequence[robustness.Case], column: int
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = {}
        for case in cases:
            at = robustness.CASES.index(case)
            sizes = np.abs([measured[setting][at, :, column] for setting in compared])
            predicted = []
            for d in deltas:
                law = robustness.law(robustness.Setting("huber", d), case, outlier)
                bias, spread = (law.bias, law.intercept) if column == 2 else (0.0, law.slopes)
                predicted.append(quantiles_of_size(bias, spread, quantiles))
            found[f"{case.share:.0%} moved"] = sizes, np.transpose(predicted)
        return found

    alike, at_random = (
        (robustness.CLEAN, *cases) for cases in (robustness.ALIKE, robustness.AT_RANDOM)
    )
    lab.figure(
        "robustness",
        f"Errors of intercept and slope after some of the labels were moved by {outlier:g}, for "
        "losses from absolute error (delta towards 0) through Huber's to squared error (delta "
        f"without limit): median and 5 to 95 % of {measured[compared[0]].shape[1]} runs, beside "
        "the theory of M-estimators. Huber's loss is robust, not immune: its bias is about in "
        "proportion to delta.",
        draw_robustness,
        panels={
            "b, all moved the same way": panel(alike, 2),
            "w1, all moved the same way": panel(alike, 0),
            "b, moved up or down at random": panel(at_random, 2),
        },
        measured_at=ticks,
        deltas=deltas,
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


def _say_robustness(errors: robustness.Errors, delta: float, outlier: float) -> str:
    """Say what moved labels did to each loss."""
    named = {
        "squared error": robustness.Setting("squared_error", delta),
        f"Huber's loss (delta {delta:g})": robustness.Setting("huber", delta),
        "absolute error": robustness.Setting("absolute_error", delta),
    }
    clean = robustness.CASES.index(robustness.CLEAN)
    moved = [robustness.CASES.index(case) for case in robustness.ALIKE]
    worst = [np.median(np.abs(errors[s][clean]).max(axis=1)) for s in named.values()]
    bias = {name: [errors[s][i, :, -1].mean() for i in moved] for name, s in named.items()}
    squared, huber, _ = bias.values()
    shares = " and ".join(f"{case.share:.0%}" for case in robustness.ALIKE)
    runs = errors[named["squared error"]].shape[1]
    robust = all(abs(h) < abs(s) / 2 for h, s in zip(huber, squared, strict=True))
    return (
        f"On clean labels {', '.join(named)} are off by {', '.join(f'{w:.2g}' for w in worst)}; "
        f"with {shares} of the labels moved by {outlier:g} the intercept is off by "
        + ", by ".join(
            f"{first:.2g} and {second:.2g} with {name}" for name, (first, second) in bias.items()
        )
        + f" ({runs} {_runs(runs)}): Huber's loss is "
        + ("robust, not immune." if robust else "not robust with this delta.")
    )


def _say_limits(found: limits.Paths) -> str:
    """Say what no loss survived."""
    many = limits.SHARES[-1]
    ends = [np.median(found[loss][f"{many:.0%} moved"][-1, :, 2]) for loss in limits.LOSSES]
    w1 = [np.median(found[loss]["leverage"][-1, :, 0]) for loss in limits.LOSSES]
    rate = limits.RATES[1]
    last = [np.median(limits.last_step(found[loss][f"rate {rate:g}"])) for loss in limits.LOSSES]
    return (
        f"No loss survives a majority of moved labels (with {many:.0%} absolute error and Huber's "
        f"loss end {ends[0]:.2g} and {ends[1]:.2g} off) or leverage points (w1 off by "
        f"{w1[0]:.2g} and {w1[1]:.2g}), and at a constant rate absolute error never settles: at "
        f"{rate:g} step {limits.STEPS} was still {last[0]:.2g} long, that of Huber's loss "
        f"{last[1]:.2g}."
    )


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


EXPERIMENT = HuberLoss()
