"""Mean loss or summed loss: what happens to the learning rate?

The gradient of a sum over B examples is B times that of their mean. So the rate of summed loss is
the rate of mean loss divided by B, as long as every batch has B examples. Here the two are compared
step by step: on full batches, with a last batch that is shorter, and at the published rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from samestep.batching import LastBatch
from samestep.claims import Claim, Evidence, quantile_interval
from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.judgement import judge
from samestep.lab import Lab
from samestep.loss import Reduction
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.loss_reduction.figures import draw_path_gap
from samestep_experiments.loss_reduction.limits import find_limits
from samestep_experiments.loss_reduction.published import ROWS, SUMMED, check_rows

BATCH_SIZE = 32
OTHER_SIZES = (30, 25)
"""Batch sizes that are no powers of two, so that dividing by them rounds."""

SETTINGS: tuple[tuple[Reduction, LastBatch], ...] = (
    ("mean", "keep"),
    ("sum", "keep"),
    ("sum", "reweight"),
    ("mean", "drop"),
    ("sum", "drop"),
)

SEEDS = 24
"""Problems per case; with fewer the interval of the median gap has no upper end."""


@dataclass(frozen=True)
class Case:
    """Runs over seeds with one batch size; ``rate`` is that of the mean loss."""

    batch_size: int
    rate: float


class LossReduction(Experiment):
    """On full batches summed loss at rate / B takes the step of mean loss at the rate."""

    id: ClassVar = "loss-reduction"
    title: ClassVar = "Mean loss or summed loss: what happens to the learning rate?"
    question: ClassVar = (
        "If the loss of a minibatch is the sum over its examples instead of their mean, how must "
        "the learning rate change so that training does the same?"
    )
    parameters: ClassVar = {
        "learning_rate": Parameter(0.03, "rate of the mean loss, above 0 and at most 1")
    }
    weight: ClassVar = 8.0

    def typical_fit(self) -> Plan:
        """Return summed loss at the rate that makes up for it."""
        problem = SyntheticRegression().draw(0)
        return Plan.of(problem, reduction="sum", learning_rate=0.03 / 32, name="sum, rate 0.03/32")

    def fits(self) -> dict[str, Plan]:
        """Return the published fits: the mean, the sum, and the sum with the rate divided by 32."""
        problem = SyntheticRegression(start="uniform").draw(0)
        mean = Plan.of(problem, learning_rate=0.03, name="mean, rate 0.03")
        total = mean.vary(reduction="sum", name="sum, rate 0.03")
        scaled = total.vary(learning_rate=0.03 / 32, name="sum, rate 0.03/32")
        return {plan.name: plan for plan in (mean, total, scaled)}

    def run(self, lab: Lab) -> str:
        """Compare the steps, find the limits, and place the published numbers."""
        rate = float(lab.parameter("learning_rate"))
        if not 0 < rate <= 1:
            raise UsageError(
                f"learning_rate is {rate}.", "Expected a rate above 0 and at most 1, the limit."
            )
        lab.picture_of_fits(self.fits(), {title: row.numbers for title, row in ROWS.items()})
        rule = _same_step(lab, rate)
        samples = check_rows(lab)
        limits = find_limits(lab, {label: rows[SUMMED] for label, rows in samples.items()})
        return f"{rule} {limits}"


def _same_step(lab: Lab, rate: float) -> str:
    """Compare the steps of mean and summed loss, and return what was found as sentences."""
    published = BATCH_SIZE * ROWS[SUMMED].learning_rate
    cases = [
        Case(BATCH_SIZE, rate),
        Case(BATCH_SIZE, published),
        *(Case(size, rate) for size in OTHER_SIZES),
    ]
    seeds = lab.seed_count(SEEDS)
    mean, summed, reweighted, full_mean, full_sum = (
        lab.train(stacked(lab, cases, reduction, last_batch, seeds), check=16)
        for reduction, last_batch in SETTINGS
    )
    labels = [
        label
        for label in mean
        if all(label in found for found in (summed, reweighted, full_mean, full_sum))
    ]
    first, second = slice(0, seeds), slice(seeds, 2 * seeds)
    others = slice(2 * seeds, None)

    same = lab.claim(
        "full-batches",
        f"On full batches of {BATCH_SIZE} examples, summed loss at rate/{BATCH_SIZE} takes the "
        f"step of mean loss at the rate, {rate:g}, within rounding, at every step.",
        {k: same_path(full_mean[k].select(first), full_sum[k].select(first)) for k in labels},
    )
    lab.claim(
        "any-batch-size",
        f"On full batches of {' or '.join(map(str, OTHER_SIZES))} examples, where dividing the "
        "rate rounds, it does so within the rounding error of one step.",
        {
            k: same_step(full_sum[k].select(others), full_mean[k].plan.select(others))
            for k in labels
        },
    )
    lab.claim(
        "other-direction",
        "The opposite rule, dividing the rate when going from sum to mean, takes another step "
        "from the first one on.",
        {
            k: opposite_rule(full_sum[k].select(first), full_mean[k].plan.select(first))
            for k in labels
        },
    )
    lab.claim(
        "published-rate",
        f"On full batches of {BATCH_SIZE}, summed loss at {ROWS[SUMMED].learning_rate:g} is mean "
        f"loss at {published:g}, within rounding.",
        {k: same_path(full_mean[k].select(second), full_sum[k].select(second)) for k in labels},
    )
    short = mean[labels[0]].plan.problems[0].num_train % BATCH_SIZE
    breaks = lab.claim(
        "last-batch",
        f"With 1,000 examples the last batch has {short} rows, and the equivalence breaks at the "
        f"last step of each epoch and at no other: there summed loss moves {short}/{BATCH_SIZE} "
        "as far.",
        {k: last_batches(mean[k].select(first), summed[k].select(first)) for k in labels},
    )
    closed = lab.claim(
        "closed",
        f"Dropping the last batch, or giving its examples the weight {BATCH_SIZE}/{short}, closes "
        "the gap, within rounding.",
        {
            k: all_of(
                same_path(full_mean[k].select(first), full_sum[k].select(first), "dropped"),
                same_path(mean[k].select(first), reweighted[k].select(first), "reweighted"),
            )
            for k in labels
        },
    )
    chosen = labels[0]
    gaps = {
        "keep": gap(mean[chosen].select(first), summed[chosen].select(first)),
        "drop": gap(full_mean[chosen].select(first), full_sum[chosen].select(first)),
        "reweight": gap(mean[chosen].select(first), reweighted[chosen].select(first)),
    }
    lab.figure(
        "path-gap",
        "Largest difference between the parameters under mean loss and under summed loss at the "
        f"rate divided by {BATCH_SIZE}, step by step (median over seeds, and their range). It "
        "jumps at the short last batch of an epoch; without that batch, or with its examples "
        "reweighted, it is zero, or rounding.",
        draw_path_gap,
        gaps=gaps,
        ends=mean[chosen].plan.epoch_ends(),
        batch_size=BATCH_SIZE,
        short=short,
    )
    return _rule(same, breaks, closed, short, float(np.median(gaps["keep"].max(axis=0))))


def stacked(
    lab: Lab, cases: Sequence[Case], reduction: Reduction, last_batch: LastBatch, seeds: int
) -> Plan:
    """Stack the runs of all cases, each over the same seeds, with the rate that the rule gives."""
    runs = []
    for case in cases:
        spec = SyntheticRegression(batch_size=case.batch_size, num_val=0)
        rate = case.rate if reduction == "mean" else case.rate / case.batch_size
        runs += [
            Plan.of(problem, reduction=reduction, learning_rate=rate, last_batch=last_batch)
            for problem in lab.draw(spec, seeds)
        ]
    return stack(runs, name=f"{reduction} loss, last batch: {last_batch}, {len(runs)} runs")


def gap(first: Trace, second: Trace) -> npt.NDArray[np.floating]:
    """Largest difference between the parameters of two traces, shape (steps + 1, runs)."""
    w, b = (np.abs(first.params[name] - second.params[name]) for name in ("w", "b"))
    return np.asarray(np.maximum(w.max(axis=-1), b))


def equal_paths(first: Trace, second: Trace, what: str = "full batches") -> Evidence:
    """State whether two traces have the same parameters after every step, to the bit."""
    largest = float(gap(first, second).max())
    return Evidence(
        holds=largest == 0.0,
        text=f"{what}: largest difference over {first.plan.steps} steps of {first.plan.runs} "
        f"runs: {largest:.3g}",
        values={f"largest_gap_{what.replace(' ', '_')}": largest},
    )


def same_path(first: Trace, second: Trace, what: str = "full batches") -> Evidence:
    """State whether a trace takes the steps of another one within rounding, and how near it is.

    Dividing by a power of two does not round, so both are equal to the bit where they are computed
    in the same order; a compiler may choose another one for each.
    """
    bits, steps = equal_paths(first, second, what), same_step(second, first.plan)
    return Evidence(
        holds=steps.holds,
        text=f"{bits.text}; {steps.text}",
        values={
            **bits.values,
            **{f"{name}_{what.replace(' ', '_')}": value for name, value in steps.values.items()},
        },
    )


def same_step(trace: Trace, plan: Plan) -> Evidence:
    """State whether a trace takes, at every step, the step of another plan, but for rounding."""
    verdict = judge(trace, plan).verdicts["update"]
    ratio = verdict.worst.ratio if verdict.worst else 0.0
    return Evidence(
        holds=verdict.holds,
        text=f"{verdict.judged:,} numbers; the largest error is {ratio:.3g} times what the "
        "rounding of one step explains",
        values={"largest_error_over_bound": ratio},
    )


def opposite_rule(trace: Trace, plan: Plan) -> Evidence:
    """State that a trace of summed loss leaves mean loss at its rate divided by B at once.

    ``plan`` is one of mean loss with the same data.
    """
    wrong = plan.vary(learning_rate=trace.plan.learning_rate / BATCH_SIZE)
    beyond = judge(trace, wrong).verdicts["update"].steps_beyond
    return Evidence(
        holds=bool(beyond) and beyond[0] == 0,
        text=f"beyond the bound at {len(beyond)} of {plan.steps} steps"
        + (f", first at step {beyond[0]}" if beyond else ""),
        values={"steps_beyond": len(beyond)},
    )


def last_batches(mean: Trace, summed: Trace) -> Evidence:
    """State that summed loss leaves the step of mean loss exactly at each epoch's last batch.

    Each step of summed loss is judged twice: against mean loss at its rate, and at that rate times
    the share of the last batch.
    """
    plan = mean.plan
    last = {int(step) - 1 for step in plan.epoch_ends()[1:]}
    share = int(plan.rows[min(last), 0]) / BATCH_SIZE
    short = plan.vary(learning_rate=share * plan.learning_rate)
    beyond, beyond_short = (
        judge(summed, other).verdicts["update"].steps_beyond for other in (plan, short)
    )
    largest = quantile_interval(gap(mean, summed).max(axis=0))
    return Evidence(
        holds=set(beyond) == last and not last & set(beyond_short),
        text=f"the step of mean loss is left at steps {', '.join(map(str, beyond)) or 'none'} "
        f"(epochs end at {', '.join(map(str, sorted(last)))}); largest gap of the paths, median "
        f"of {plan.runs} runs: {largest}",
        values={"median_largest_gap": largest.estimate, "steps_beyond": len(beyond)},
    )


def all_of(*parts: Evidence) -> Evidence:
    """Join evidence that is decided exactly: it holds if every part does."""
    return Evidence(
        holds=all(part.holds for part in parts),
        text="; ".join(part.text for part in parts),
        values={name: value for part in parts for name, value in part.values.items()},
    )


def _rule(same: Claim, breaks: Claim, closed: Claim, short: int, path_gap: float) -> str:
    """Say what was found about the rule, in two sentences."""
    rule = (
        f"Going from mean to sum divides the rate by the batch size, {BATCH_SIZE}, and going back "
        "multiplies it: on full batches both then take the same step"
    )
    if all(found.values["largest_gap_full_batches"] == 0.0 for found in same.evidence.values()):
        rule += ", to the bit."
    else:
        rule += ", but for rounding." if same.holds else ", but here not on every participant."
    if not breaks.holds:
        return f"{rule} What a shorter last batch does was not confirmed on every participant."
    mended = "closes that gap" if closed.holds else "did not close that gap everywhere"
    return (
        f"{rule} A last batch of {short} rows breaks this once per epoch, as summed loss moves "
        f"only {short}/{BATCH_SIZE} as far there (the paths come {path_gap:.2g} apart, median of "
        f"the seeds); dropping or reweighting that batch {mended}."
    )


EXPERIMENT = LossReduction()
