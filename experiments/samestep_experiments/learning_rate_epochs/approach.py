"""How the error of SGD approaches its floor, or runs away: measured over seeds, and claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from samestep import theory
from samestep.claims import Evidence, Interval, all_hold, decide, mean_interval, proportion_interval
from samestep.judgement import Judgement, judge
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan, stack
from samestep.trace import Trace
from samestep_experiments.learning_rate_epochs.predictions import (
    descent_error,
    floor_at_epoch_ends,
)
from samestep_experiments.learning_rate_epochs.runs import (
    DIVERGENT,
    LARGE,
    MIDDLE,
    PUBLISHED_EPOCHS,
    SMALL,
    SPEC,
    Runs,
)

__all__ = ["claim_approach", "claim_overflow"]

WELL_ABOVE = 10
"""How many floors above the truth every epoch must help: nearer to it, chance has its say."""


def claim_approach(lab: Lab, runs: Mapping[str, Runs]) -> None:
    """State the claims about contraction, floor and divergence at the published rates."""
    for id_, statement, evidence in (
        (
            "contraction",
            f"At {SMALL:g} and {MIDDLE:g} the error contracts over {PUBLISHED_EPOCHS} epochs as "
            "|1 - rate * lambda| a step predicts: the ratio of the logarithms is 1 within 2 %.",
            contraction,
        ),
        (
            "small-rate-more-epochs-help",
            f"At {SMALL:g} every further epoch helps, at least until {WELL_ABOVE} times the floor: "
            "in most runs each of these epochs ends nearer to the truth than it began.",
            lambda mine: every_epoch_helps(mine, SMALL),
        ),
        (
            "middle-rate-helps-until-floor",
            f"At {MIDDLE:g} every epoch helps, at least until {WELL_ABOVE} times the floor, and "
            "none helps after contraction has met the floor: from there to the last epoch the "
            "error changes by less than a factor of 2.",
            helps_until_floor,
        ),
        (
            "large-rate-three-epochs-suffice",
            f"At {LARGE:g}, {PUBLISHED_EPOCHS} epochs end on the floor already: from there to the "
            "last epoch the error changes by less than a factor of 2.",
            three_epochs_suffice,
        ),
        (
            "floor",
            f"At {MIDDLE:g} and {LARGE:g}, once it has had the epochs to, SGD settles at about "
            "sigma sqrt(1/n + rate/B) per parameter, on average over its steps: within a factor "
            "of 1.5.",
            floor_over_steps,
        ),
        (
            "floor-at-epoch-ends",
            "At the ends of epochs, where the last step was on a short batch, it settles where the "
            "recursion of the second moment over one epoch says: within a factor of 1.33.",
            floor_at_ends,
        ),
        (
            "constant-growth",
            f"At {DIVERGENT:g} the error grows by a constant factor a step, on average in the "
            "logarithm: from the first half of the steps to the second it changes by less than "
            "10 %.",
            constant_growth,
        ),
    ):
        lab.claim(id_, statement, {label: evidence(mine) for label, mine in runs.items()})


def claim_overflow(lab: Lab, plans: Sequence[Plan]) -> None:
    """State the claim about the divergent runs, of which every step of every run is judged."""
    traces = lab.train(stack(plans, name=f"rate {DIVERGENT:g}, {len(plans)} runs"), check=16)
    lab.claim(
        "overflow-step",
        f"At {DIVERGENT:g} a number leaves the working precision, in every run, at the same step "
        "on all participants of one precision.",
        overflow_evidence(traces),
    )


def contraction(mine: Runs) -> Evidence:
    """Compare the contraction of the error over the published epochs with the prediction."""
    steps = int(mine.epoch_ends[PUBLISHED_EPOCHS])
    verdicts, texts = [], []
    values: dict[str, float] = {}
    for rate in (SMALL, MIDDLE):
        ends = np.log([descent_error(problem, rate, [0, steps]) for problem in mine.problems(rate)])
        predicted = ends[:, 1] - ends[:, 0]
        measured = np.log(mine.at(rate)[steps] / mine.at(rate)[0])
        ratio = mean_interval(measured / predicted)
        verdicts.append(decide(ratio, above=0.98, below=1.02))
        factor, expected = (float(np.exp(logs.mean() / steps)) for logs in (measured, predicted))
        texts.append(f"rate {rate:g}: {factor:.5f} a step, predicted {expected:.5f}, ratio {ratio}")
        values |= {f"factor_{rate:g}": factor, f"ratio_{rate:g}": ratio.estimate}
    return Evidence(all_hold(verdicts), "; ".join(texts), values)


def every_epoch_helps(mine: Runs, rate: float) -> Evidence:
    """In most runs every epoch that ends well above the floor lowers the error."""
    epochs = min(mine.epochs, math.floor(mine.settling_epochs(rate, times=WELL_ABOVE)))
    ends = mine.at_epoch_ends(rate)
    helped = np.all(np.diff(ends[: epochs + 1], axis=0) < 0, axis=0)
    share = proportion_interval(int(helped.sum()), len(helped))
    return Evidence(
        decide(share, above=0.5),
        f"all of the first {epochs} epochs lower the error in {helped.sum()} of {len(helped)} runs "
        f"({share}); median error {np.median(ends[0]):.3g} at the start, "
        f"{np.median(ends[epochs]):.3g} after them",
        {"epochs": epochs, "share": share.estimate},
    )


def change_until_the_end(mine: Runs, rate: float, epoch: int) -> Interval:
    """Interval of the geometric mean of the error at the end over that after some epochs."""
    ends = mine.at_epoch_ends(rate)
    return geometric_mean(ends[-1] / ends[epoch])


def helps_until_floor(mine: Runs) -> Evidence:
    """Every epoch helps before the contraction meets the floor, and none after it."""
    settled = math.ceil(mine.settling_epochs(MIDDLE)) + 1
    if settled >= mine.epochs:
        return Evidence.not_applicable(f"{mine.epochs} epochs are too few to show the floor")
    helps = every_epoch_helps(mine, MIDDLE)
    change = change_until_the_end(mine, MIDDLE, settled)
    return Evidence(
        all_hold([helps.holds, decide(change, above=1 / 2, below=2)]),
        f"{helps.text}; then the error after {mine.epochs} epochs is {change} times that after "
        f"{settled}",
        {**helps.values, "settled_epoch": settled, "change": change.estimate},
    )


def three_epochs_suffice(mine: Runs) -> Evidence:
    """At the large rate nothing is gained after the published epochs; at the middle rate much."""
    large, middle = (change_until_the_end(mine, rate, PUBLISHED_EPOCHS) for rate in (LARGE, MIDDLE))
    return Evidence(
        decide(large, above=1 / 2, below=2),
        f"error after {mine.epochs} epochs over that after {PUBLISHED_EPOCHS}: {large} (at "
        f"{MIDDLE:g} it is {middle.estimate:.2g})",
        {"change": large.estimate, "change_at_middle_rate": middle.estimate},
    )


def floor_over_steps(mine: Runs) -> Evidence:
    """Compare the error, averaged over all steps after settling, with the first-order floor."""

    def first_order(rate: float) -> float:
        return theory.noise_floor(SPEC.noise, SPEC.num_train, rate, SPEC.batch_size)

    step = {rate: mine.epoch_ends[_settled(mine, rate)] for rate in _settling(mine)}
    return _floor({rate: mine.at(rate)[step[rate] + 1 :] / first_order(rate) for rate in step}, 1.5)


def floor_at_ends(mine: Runs) -> Evidence:
    """Compare the error at the ends of the epochs after settling with the epoch's recursion."""
    return _floor(
        {
            rate: mine.at_epoch_ends(rate)[_settled(mine, rate) + 1 :]
            / floor_at_epoch_ends(SPEC, rate)
            for rate in _settling(mine)
        },
        1.33,
    )


def _settled(mine: Runs, rate: float) -> int:
    return math.ceil(mine.settling_epochs(rate))


def _settling(mine: Runs) -> list[float]:
    """Rates that reach their floor at least an epoch before the end."""
    return [r for r in (MIDDLE, LARGE) if mine.settling_epochs(r) < mine.epochs - 1]


def _floor(ratios: Mapping[float, Float64], factor: float) -> Evidence:
    """Decide whether errors over the predicted floor have a root mean square of about 1."""
    verdicts, texts, values = [], [], {}
    for rate, ratio in ratios.items():
        # The mean over one run's steps or epochs is one sample: these are correlated.
        squares = mean_interval((ratio**2).mean(axis=0))
        root = Interval(*(math.sqrt(max(square, 0.0)) for square in squares))
        verdicts.append(decide(root, above=1 / factor, below=factor))
        texts.append(f"rate {rate:g}: {root} times the prediction")
        values[f"ratio_{rate:g}"] = root.estimate
    return Evidence(all_hold(verdicts), "; ".join(texts), values)


def constant_growth(mine: Runs) -> Evidence:
    """Compare the log growth per step in the first and in the second half of the divergence."""
    errors = mine.at(DIVERGENT)
    ends = np.logical_and.accumulate(np.isfinite(errors)).sum(axis=0) - 1
    logs = np.log(errors[[np.zeros_like(ends), ends // 2, ends], np.arange(len(ends))])
    first, second = (logs[1] - logs[0]) / (ends // 2), (logs[2] - logs[1]) / (ends - ends // 2)
    ratio = mean_interval(second / first)
    least, *_, most = np.sort(theory.contraction(mine.problems(DIVERGENT)[0], DIVERGENT))
    growth = geometric_mean(np.exp((logs[2] - logs[0]) / ends))
    return Evidence(
        decide(ratio, above=0.9, below=1.1),
        f"factor {growth} a step (|1 - rate * lambda| is {least:.3g} to {most:.3g} on the first "
        f"seed); log growth in the second half over that in the first: {ratio}",
        {"factor": growth.estimate, "ratio": ratio.estimate},
    )


def overflow_evidence(traces: Mapping[str, Trace]) -> dict[str, Evidence]:
    """At which step each participant's divergent runs stop being finite, and who differs."""
    judgements = {label: judge(trace) for label, trace in traces.items()}
    evidence = {}
    for label, own in judgements.items():
        others = {
            k: j for k, j in judgements.items() if k != label and j.trace.dtype == own.trace.dtype
        }
        evidence[label] = _overflow(own, others)
    return evidence


def _overflow(own: Judgement, others: Mapping[str, Judgement]) -> Evidence:
    steps = own.overflow_step
    if (steps < 0).all():
        return Evidence.not_applicable(
            f"{own.trace.plan.steps} steps are too few to leave {own.trace.dtype}"
        )
    differing = {k: int((j.overflow_step != steps).sum()) for k, j in others.items()}
    compared = "; ".join(f"{n} runs differ from {k}" for k, n in differing.items())
    return Evidence(
        holds=not any(differing.values()) and bool((steps >= 0).all()) and own.overflow_explained,
        text=f"step {steps[0]} on the first seed, {steps.min()} to {steps.max()} over {len(steps)}"
        f", always in the {' or '.join(sorted({str(q) for q in own.overflow_quantity}))}; "
        + (compared or "no other participant of this precision, the oracle confirms the overflow"),
        values={"first_seed": int(steps[0]), "min": int(steps.min()), "max": int(steps.max())},
    )


def geometric_mean(samples: npt.ArrayLike) -> Interval:
    """Interval of a geometric mean; few samples may put an end of it at 0 or at infinity."""
    with np.errstate(over="ignore"):
        return Interval(*np.exp(mean_interval(np.log(samples))))
