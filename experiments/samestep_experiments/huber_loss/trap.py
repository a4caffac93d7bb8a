"""The published formula, taken literally: a loss that falls while the fit runs away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samestep.claims import Evidence, decide, proportion_interval
from samestep.judgement import judge
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.huber_loss.forms import PUBLISHED, Case, Response, at_truth
from samestep_experiments.huber_loss.travel import DELTA, FAST

SEEDS = 32
TRUTH_SEEDS = 4
"""Seeds that are started at the truth as well; that claim is decided exactly, and needs few."""


@dataclass(frozen=True)
class Course:
    """What a stack of runs of equal length did.

    Parameters
    ----------
    loss : array of shape (steps, runs)
    error : array of shape (steps + 1, runs)
        Worst parameter error before each step and after the last.
    ends : array of shape (epochs + 1,)
        Number of steps made at the end of epochs 0, 1, ...
    """

    loss: Float64
    error: Float64
    ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, trace: Trace) -> Course:
        """Sum up a trace."""
        if trace.loss is None:
            raise ValueError("the trace holds no steps")
        parameters = np.concatenate([trace.params["w"], trace.params["b"][..., None]], axis=-1)
        truth = trace.parameters(0) - trace.error(0)
        error = np.abs(parameters - truth).max(axis=-1)
        return cls(trace.loss.astype(np.float64), error, trace.plan.epoch_ends())

    def epoch_loss(self) -> Float64:
        """Mean over the minibatches of each epoch, shape (epochs, runs)."""
        epochs = self.loss.reshape(len(self.ends) - 1, -1, self.loss.shape[1])
        return np.asarray(epochs.mean(axis=1))

    def epoch_error(self) -> Float64:
        """Worst error before the first epoch and after each, shape (epochs + 1, runs)."""
        return self.error[self.ends]


def state_tails(lab: Lab, responses: Mapping[str, Mapping[Case, Response]]) -> None:
    """State, from its values, that the formula has one slope in both tails and no lower bound."""
    delta = DELTA
    same, unbounded = {}, {}
    for label, by_case in responses.items():
        answer = by_case[Case(PUBLISHED, delta)]
        above, below = answer.residual > 1.5 * delta, answer.residual < -1.5 * delta
        slopes = np.unique(answer.slope[above | below])
        same[label] = Evidence(
            len(slopes) == 1 and slopes[0] != 0,
            f"slopes at {above.sum()} residuals above and {below.sum()} below the label: "
            + ", ".join(f"{slope:.6g}" for slope in slopes),
        )
        r, value = answer.residual[above], answer.value[above]
        unbounded[label] = Evidence(
            bool((value < -delta * r).all()),
            "; ".join(f"at r = {x:g} it is {v:.8g}" for x, v in zip(r, value, strict=True)),
        )
    lab.claim(
        "published-one-slope",
        "The published formula has the same slope in both tails, to the bit: a prediction that is "
        "too high is pushed higher.",
        same,
    )
    lab.claim(
        "published-no-lower-bound",
        f"The published formula falls without bound above the label: below -delta r at every "
        f"residual r that was tried there (delta = {delta:g}).",
        unbounded,
    )


def train(lab: Lab) -> tuple[dict[str, Course], dict[str, Course]]:
    """Train on the published formula, state what becomes of it, and return the courses.

    Returns
    -------
    meant, truth : dict of str to Course
        By participant: from the start that the book means, and from the truth.
    """
    problems = lab.draw(SyntheticRegression(num_val=0), lab.seed_count(SEEDS))
    starts = [*problems, *(at_truth(p) for p in problems[:TRUTH_SEEDS])]
    plan = stack(
        [Plan.of(p, loss=PUBLISHED, delta=DELTA, learning_rate=FAST) for p in starts],
        name=f"the published formula, rate {FAST}",
    )
    traces = lab.train(plan, check=16)
    split = len(problems)
    meant = {k: Course.of(trace.select(slice(0, split))) for k, trace in traces.items()}
    truth = {k: trace.select(slice(split, None)) for k, trace in traces.items()}
    lab.claim(
        "published-runs-away",
        f"On the published formula SGD at rate {FAST} runs away in most runs although the loss "
        "falls: epoch by epoch the loss falls, below 0 at last, while from the first epoch on the "
        "worst parameter error grows.",
        {label: _runs_away(course) for label, course in meant.items()},
    )
    lab.claim(
        "published-unnoticed-at-truth",
        "Started at the truth, the published formula takes the steps of Huber's loss, within the "
        "rounding error of one step: there the mistake goes unnoticed.",
        {label: _unnoticed(trace) for label, trace in truth.items()},
    )
    return meant, {label: Course.of(trace) for label, trace in truth.items()}


def _runs_away(course: Course) -> Evidence:
    loss, error = course.epoch_loss(), course.epoch_error()
    falls = (np.diff(loss, axis=0) < 0).all(axis=0) & (loss[-1] < 0)
    grows = (np.diff(error[1:], axis=0) > 0).all(axis=0)
    runs = loss.shape[1]
    share = proportion_interval(int((falls & grows).sum()), runs)
    first_loss, last_loss = np.median(loss[0]), np.median(loss[-1])
    first_error, last_error = np.median(error[1]), np.median(error[-1])
    return Evidence(
        decide(share, above=0.5),
        f"share of {runs} runs: {share}; medians, from the first epoch to the last: loss "
        f"{first_loss:.3g} to {last_loss:.3g}, worst error {first_error:.3g} to {last_error:.3g}",
        {"share": share.estimate, "loss": float(last_loss), "error": float(last_error)},
    )


def _unnoticed(trace: Trace) -> Evidence:
    verdict = judge(trace, trace.plan.vary(loss="huber")).verdicts["update"]
    ratio = verdict.worst.ratio if verdict.worst else 0.0
    error = float(np.abs(trace.error()).max())
    return Evidence(
        verdict.holds,
        f"{trace.plan.runs} runs, {verdict.judged:,} numbers: largest error over bound "
        f"{ratio:.3g}; worst parameter error at the end {error:.2g}",
        {"largest_error_over_bound": ratio, "worst_error": error},
    )
