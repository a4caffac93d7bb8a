"""Why anyone wants Huber's loss: what it does to a fit when some labels are far off."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np

from samestep.claims import Evidence, all_hold, decide, mean_interval, quantile_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep_experiments.huber_loss.forms import at_truth
from samestep_experiments.huber_loss.influence import Moved, Settled, Signs, moments, settled

SEEDS = 100
NUM_TRAIN = 240
EPOCHS = 12
"""Full-batch updates; each takes away two thirds of the way to the minimum, or more."""

PARAMETERS = ("w1", "w2", "b")


class Case(NamedTuple):
    """A share of the labels that is moved, and whether all go the same way."""

    share: float
    signs: Signs

    def __str__(self) -> str:
        way = "up or down" if self.signs == "random" else "the same way"
        return f"{self.share:.0%} moved {way}" if self.share else "clean labels"


CLEAN = Case(0.0, "same")
ALIKE = (Case(0.05, "same"), Case(0.2, "same"))
AT_RANDOM = (Case(0.05, "random"), Case(0.2, "random"))
CASES = (CLEAN, *ALIKE, *AT_RANDOM)

SPEC = SyntheticRegression(num_val=0, num_train=NUM_TRAIN, batch_size=NUM_TRAIN)
_OUTLIERS = 100  # a random stream of its own; the first ones of a seed belong to the problem

LOSSES = {
    "squared_error": "squared error",
    "huber": "Huber's loss",
    "absolute_error": "absolute error",
}
"""The losses that are compared, with their names in sentences."""


class Setting(NamedTuple):
    """A loss with its parameter."""

    loss: str
    delta: float

    def __str__(self) -> str:
        name = LOSSES[self.loss]
        return f"{name}, delta {self.delta:g}" if self.loss == "huber" else name


Errors: TypeAlias = Mapping[Setting, Float64]
"""Signed errors of w1, w2 and b by setting, shape (cases, seeds, 3)."""


def settings(delta: float) -> list[Setting]:
    """Return the losses to compare, from squared error down to absolute error.

    Huber's loss lies between: it is the one for a delta beyond every residual, and in the limit of
    a small delta its minimum is that of the other.
    """
    huber = [Setting("huber", factor * delta) for factor in (10.0, 1.0, 0.1, 0.01)]
    return [Setting("squared_error", delta), *huber, Setting("absolute_error", delta)]


def choose(problem: Problem, share: float) -> np.ndarray:
    """Choose a share of the rows at random; those of a smaller share are among a larger one's."""
    order = np.random.default_rng([problem.seed, _OUTLIERS]).permutation(problem.num_train)
    return order[: round(share * problem.num_train)]


def move_labels(problem: Problem, moved: Moved) -> Problem:
    """Move a share of the labels, by the same amount or up or down at random."""
    rows = choose(problem, moved.share)
    y = problem.y.copy()
    if moved.signs == "random":
        up = np.random.default_rng([problem.seed, _OUTLIERS, 1]).random(problem.num_train) < 0.5
        y[rows] += np.where(up[rows], moved.shift, -moved.shift)
    else:
        y[rows] += moved.shift
    return replace(problem, y=y)


def rate(setting: Setting) -> float:
    """Return the rate of full-batch descent: nearly Newton's step on clean labels."""
    return 0.9 / moments(setting.loss, setting.delta, 0.0, SPEC.noise).curvature


def law(setting: Setting, case: Case, shift: float) -> Settled:
    """Return where theory says that a fit settles."""
    moved = Moved(case.share, shift, case.signs)
    return settled(setting.loss, setting.delta, moved, noise=SPEC.noise, examples=NUM_TRAIN)


# At the level of the module, so that a variant can be sent to a worker process.
@functools.lru_cache(maxsize=2)
def spoilt(baseline: Plan, shift: float) -> Plan:
    """Return the runs of a baseline with some labels moved: all cases of all seeds in one stack.

    All settings share it, so that it is gathered and, per loss, compiled once.
    """
    moved = (
        move_labels(at_truth(problem), Moved(case.share, shift, case.signs))
        for problem in baseline.problems
        for case in CASES
    )
    return Plan.of(*moved, epochs=EPOCHS)


def fit(lab: Lab, delta: float, shift: float) -> dict[str, dict[Setting, Float64]]:
    """Fit moved labels to the end, by full-batch descent, on participants of the first precision.

    All runs start at the truth, so that nobody has far to go.

    Returns
    -------
    dict of str to dict of Setting to array of shape (cases, seeds, 3)
        Signed errors of w1, w2 and b, by participant and setting.
    """

    def variant(setting: Setting) -> Callable[[Plan], Plan]:
        return lambda baseline: spoilt(baseline, shift).vary(
            loss=setting.loss,
            delta=setting.delta,
            learning_rate=rate(setting),
            name=f"{setting}, with moved labels, full batch",
        )

    compared = settings(delta)
    errors = lab.sample(
        SPEC,
        {str(setting): variant(setting) for setting in compared},
        seeds=lab.seed_count(SEEDS),
        measure=lambda trace: trace.error().reshape(-1, len(CASES), 3),
    )
    return {
        label: {setting: by_setting[str(setting)].swapaxes(0, 1) for setting in compared}
        for label, by_setting in errors.items()
    }


def state_claims(lab: Lab, errors: Mapping[str, Errors], delta: float, shift: float) -> None:
    """State what moved labels do to each loss, and that clean ones make no difference."""
    huber, squared = Setting("huber", delta), Setting("squared_error", delta)
    lab.claim(
        "clean-as-good",
        "On clean labels the fit with Huber's loss is as good as that with squared error, within "
        "5 % in the typical run.",
        {label: _as_good(found[huber], found[squared]) for label, found in errors.items()},
    )
    shares = " and ".join(f"{case.share:.0%}" for case in ALIKE)
    for loss, name in LOSSES.items():
        compared = [setting for setting in settings(delta) if setting.loss == loss]
        slug = loss.replace("_", "-")
        lab.claim(
            f"intercept-{slug}",
            f"With {shares} of the labels moved by {shift:g}, the bias of the intercept with "
            f"{name} is {_biases(compared, shift)}, within 5 % and a tenth of the noise"
            f"{_simple_law(compared, shift)}.",
            {label: _intercept(found, compared, shift) for label, found in errors.items()},
        )
        lab.claim(
            f"slopes-{slug}",
            f"With {shares} of the labels moved by {shift:g}, the bias of either slope with "
            f"{name}, if there is one, is less than the spread of one run.",
            {
                label: _unbiased(found, compared, ALIKE, shift, ("w1", "w2"))
                for label, found in errors.items()
            },
        )
    lab.claim(
        "random-signs",
        f"With {shares} of the labels moved by {abs(shift):g} up or down at random, the bias of "
        "any parameter, if there is one, is less than the spread of one run, for every loss.",
        {
            label: _unbiased(found, settings(delta), AT_RANDOM, shift, PARAMETERS)
            for label, found in errors.items()
        },
    )
    lab.claim(
        "spread-as-predicted",
        "For every loss, share and direction the parameters vary over data sets as the theory of "
        "M-estimators says: root mean squares within a factor of 1.5.",
        {label: _spread(found, shift) for label, found in errors.items()},
    )


def _biases(compared: Sequence[Setting], shift: float) -> str:
    return "; ".join(
        " and ".join(f"{law(setting, case, shift).bias:.4g}" for case in ALIKE)
        + f" for delta {setting.delta:g}" * (setting.loss == "huber")
        for setting in compared
    )


def _simple_law(compared: Sequence[Setting], shift: float) -> str:
    """Name the simple law that the biases follow, if they do."""
    if compared[0].loss == "squared_error":
        return f": it is {shift:g} e for a share e"

    def follows(setting: Setting, case: Case) -> bool:
        simple = setting.delta * case.share / (1 - case.share)
        return math.isclose(abs(law(setting, case, shift).bias), simple, rel_tol=0.01)

    follow = [
        f"{setting.delta:g}"
        for setting in compared
        if setting.loss == "huber" and all(follows(setting, case) for case in ALIKE)
    ]
    return f"; for delta {', '.join(follow)} it is delta e / (1 - e), e the share" if follow else ""


def _as_good(huber: Float64, squared: Float64) -> Evidence:
    clean = CASES.index(CLEAN)
    first, second = (np.abs(errors[clean]).max(axis=1) for errors in (huber, squared))
    ratio = quantile_interval(first / second)
    return Evidence(
        decide(ratio, above=0.95, below=1.05),
        f"median over {len(first)} seeds of Huber's error relative to squared error's: {ratio}; "
        f"median errors {np.median(first):.2g} and {np.median(second):.2g}",
        {"median_ratio": ratio.estimate},
    )


def _intercept(errors: Errors, compared: Sequence[Setting], shift: float) -> Evidence:
    verdicts, texts, values = [], [], {}
    for setting in compared:
        for case in ALIKE:
            found = errors[setting][CASES.index(case), :, -1]
            expected = law(setting, case, shift).bias
            mean = mean_interval(found)
            room = 0.05 * abs(expected) + 0.1 * SPEC.noise
            verdicts.append(decide(mean, above=expected - room, below=expected + room))
            low, high = np.quantile(found, [0.05, 0.95])
            texts.append(
                f"{setting}, {case.share:.0%}: mean {mean}, 5 to 95 % of the runs {low:.4g} to "
                f"{high:.4g}"
            )
            values[f"mean_{setting.delta:g}_{round(100 * case.share)}"] = mean.estimate
    return Evidence(all_hold(verdicts), f"{_seeds(errors)} seeds; " + "; ".join(texts), values)


def _unbiased(
    errors: Errors,
    compared: Sequence[Setting],
    cases: Sequence[Case],
    shift: float,
    parameters: tuple[str, ...],
) -> Evidence:
    """State that mean errors, in units of the predicted spread of one run, are below 1."""
    relative = {}
    for setting in compared:
        for case in cases:
            predicted = law(setting, case, shift)
            for name in parameters:
                spread = predicted.intercept if name == "b" else predicted.slopes
                found = errors[setting][CASES.index(case), :, PARAMETERS.index(name)] / spread
                relative[f"{name}, {setting}, {case}"] = mean_interval(found)
    what, worst = max(relative.items(), key=lambda item: abs(item[1].estimate))
    return Evidence(
        all_hold([decide(mean, above=-1.0, below=1.0) for mean in relative.values()]),
        f"{_seeds(errors)} seeds, {len(relative)} combinations; largest mean error, relative to "
        f"the spread of one run: {worst} ({what})",
        {"largest_relative_mean": worst.estimate},
    )


def _spread(errors: Errors, shift: float) -> Evidence:
    ratios = {}
    for setting, by_case in errors.items():
        for case, found in zip(CASES, by_case, strict=True):
            predicted = law(setting, case, shift)
            deviation = found - [0.0, 0.0, predicted.bias]
            relative = deviation / [predicted.slopes, predicted.slopes, predicted.intercept]
            ratios[f"{setting}, {case}"] = mean_interval((relative**2).mean(axis=1))
    (least, low), *_, (most, high) = sorted(ratios.items(), key=lambda item: item[1].estimate)
    return Evidence(
        all_hold([decide(ratio, above=1.5**-2, below=1.5**2) for ratio in ratios.values()]),
        f"{_seeds(errors)} seeds, {len(ratios)} combinations; mean square over the predicted from "
        f"{low} ({least}) to {high} ({most})",
        {"smallest": low.estimate, "largest": high.estimate},
    )


def _seeds(errors: Errors) -> int:
    return len(next(iter(errors.values()))[0])
