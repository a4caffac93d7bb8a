"""What no loss of the residual survives, and why a constant rate never lets absolute error settle.

All runs are full-batch descent from the truth, the best start there is: no minibatch noise, and
nobody has to travel. Each leaves the truth for a reason of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.claims import Evidence, all_hold, decide, proportion_interval, quantile_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan, stack
from samestep.problem import Problem, SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.huber_loss.forms import at_truth
from samestep_experiments.huber_loss.influence import Moved
from samestep_experiments.huber_loss.robustness import choose, move_labels

LOSSES = ("absolute_error", "huber")
DELTA = 1.0

NUM_TRAIN = 128
STEPS = 150
SEEDS = 16

RATES = (1.0, 0.3, 0.1, 0.03, 0.003)
"""Rates on clean labels; the first three are far above where absolute error can settle."""

SHIFT = 50.0
SHARES = (0.4, 0.55, 0.6)
MAJORITY_RATE = 2.0

LEVERAGE_SHARE, LEVERAGE, LEVERAGE_RATE = 0.05, 50.0, 0.01
"""Of the rows, how many have their first feature replaced, by what, and the rate for them."""

SPEC = SyntheticRegression(num_val=0, num_train=NUM_TRAIN, batch_size=NUM_TRAIN)

CRITICAL_RATE = math.sqrt(2 * math.pi) * SPEC.noise
"""Full-batch rate above which absolute error cannot settle.

Its mean has the curvature ``2 phi(0) / sigma`` at the truth, phi being the normal density: the less
noise there is in the labels, the sharper the minimum, and the smaller the rate must be.
"""


@dataclass(frozen=True)
class Scenario:
    """One way to leave the truth.

    Parameters
    ----------
    rate : float
    spoil : callable
        ``Problem -> Problem``.
    """

    rate: float
    spoil: Callable[[Problem], Problem] = at_truth


def mistype(problem: Problem) -> Problem:
    """Replace the first feature of some rows by a large number, as a lost decimal point does."""
    X = problem.X.copy()
    X[choose(problem, LEVERAGE_SHARE), 0] = LEVERAGE
    return replace(problem, X=X)


def _move(share: float) -> Callable[[Problem], Problem]:
    return lambda problem: move_labels(at_truth(problem), Moved(share, SHIFT))


SCENARIOS: Mapping[str, Scenario] = {
    **{f"rate {rate:g}": Scenario(rate) for rate in RATES},
    **{f"{share:.0%} moved": Scenario(MAJORITY_RATE, _move(share)) for share in SHARES},
    "leverage": Scenario(LEVERAGE_RATE, lambda problem: mistype(at_truth(problem))),
}

Paths = Mapping[str, Mapping[str, Float64]]
"""Signed errors of w1, w2 and b by loss and scenario, shape (steps + 1, seeds, 3)."""


# At the level of the module, so that a variant can be sent to a worker process.
@functools.lru_cache(maxsize=2)
def scenarios(baseline: Plan) -> Plan:
    """Return the runs of a baseline under every scenario: all seeds in one stack."""
    return stack(
        Plan.of(scenario.spoil(problem), learning_rate=scenario.rate, epochs=STEPS)
        for problem in baseline.problems
        for scenario in SCENARIOS.values()
    )


def descend(lab: Lab) -> dict[str, Paths]:
    """Train all scenarios with either loss on the participants of the first precision.

    Returns
    -------
    dict of str to Paths
        By participant.
    """

    def variant(loss: str) -> Callable[[Plan], Plan]:
        return lambda baseline: scenarios(baseline).vary(
            loss=loss, delta=DELTA, name=f"{loss}, from the truth, full batch"
        )

    def errors(trace: Trace) -> Float64:
        """Signed errors, shape (seeds, scenarios, steps + 1, 3)."""
        path = np.concatenate([trace.params["w"], trace.params["b"][..., None]], axis=-1)
        truth = trace.parameters(0) - trace.error(0)
        path = (path - truth).swapaxes(0, 1)
        return path.reshape(-1, len(SCENARIOS), *path.shape[1:])

    found = lab.sample(
        SPEC,
        {loss: variant(loss) for loss in LOSSES},
        seeds=lab.seed_count(SEEDS),
        measure=errors,
    )
    return {
        label: {
            loss: dict(zip(SCENARIOS, by_loss[loss].transpose(1, 2, 0, 3), strict=True))
            for loss in LOSSES
        }
        for label, by_loss in found.items()
    }


def worst(path: Float64) -> Float64:
    """Worst error of the three parameters, shape (steps + 1, seeds)."""
    return np.asarray(np.abs(path).max(axis=-1))


def last_step(path: Float64) -> Float64:
    """Length of the last step, shape (seeds,)."""
    return np.asarray(np.linalg.norm(path[-1] - path[-2], axis=-1))


def state_claims(lab: Lab, paths: Mapping[str, Paths]) -> None:
    """State that a majority and a leverage point win, and that absolute error keeps on moving."""
    few, many = SHARES[0], SHARES[-1]
    lab.claim(
        "majority-wins",
        f"A majority of moved labels wins against either loss: of the fits that start at the "
        f"truth most stay near it with {few:.0%} of the labels moved, and with {many:.0%} most "
        "end nearer to the moved labels.",
        {label: _majority(found, few, many) for label, found in paths.items()},
    )
    lab.claim(
        "leverage-point-wins",
        f"Where {LEVERAGE_SHARE:.0%} of the rows have {LEVERAGE:g} for their first feature, most "
        "fits that start at the truth lose more than half of w1 with either loss: a slope that is "
        "clipped at delta still counts delta times the feature.",
        {label: _leverage(found) for label, found in paths.items()},
    )
    rates = ", ".join(f"{rate:g}" for rate in RATES[:2]) + f" and {RATES[2]:g}"
    lab.claim(
        "absolute-error-never-settles",
        f"On clean labels and full batches at the constant rates {rates} the last of {STEPS} steps "
        "of absolute error is still longer than half the rate in the typical run, however near the "
        "minimum; that of Huber's loss is below a thousandth of the rate.",
        {label: _settles(found) for label, found in paths.items()},
    )
    lab.claim(
        "absolute-error-rate-decides",
        f"Absolute error ends within one label's noise of the truth at {RATES[-1]:g}, which is "
        f"below sqrt(2 pi) sigma = {CRITICAL_RATE:.3g}, and farther away at {RATES[2]:g}, which "
        "is above, in the typical run; Huber's loss ends within it at both.",
        {label: _rate_decides(found) for label, found in paths.items()},
    )


def _majority(found: Paths, few: float, many: float) -> Evidence:
    verdicts, texts = [], []
    for loss in LOSSES:
        for share, wins in ((few, False), (many, True)):
            end = found[loss][f"{share:.0%} moved"][-1, :, -1]
            nearer = proportion_interval(int((end > SHIFT / 2).sum()), len(end))
            verdicts.append(decide(nearer, above=0.5) if wins else decide(nearer, below=0.5))
            texts.append(f"{loss}, {share:.0%}: median error of b {np.median(end):.3g}")
    return Evidence(all_hold(verdicts), f"{len(end)} runs; " + "; ".join(texts))


def _leverage(found: Paths) -> Evidence:
    w1 = SPEC.w[0]
    ends = {loss: found[loss]["leverage"][-1, :, 0] for loss in LOSSES}
    lost = {
        loss: proportion_interval(int((end < -w1 / 2).sum()), len(end))
        for loss, end in ends.items()
    }
    return Evidence(
        all_hold([decide(share, above=0.5) for share in lost.values()]),
        "; ".join(
            f"{loss}: median error of w1 {np.median(end):.3g} in {len(end)} runs"
            for loss, end in ends.items()
        ),
        {f"error_w1_{loss}": float(np.median(end)) for loss, end in ends.items()},
    )


def _settles(found: Paths) -> Evidence:
    verdicts, texts = [], []
    for rate in RATES[:3]:
        length = {loss: last_step(found[loss][f"rate {rate:g}"]) / rate for loss in LOSSES}
        absolute, huber = (quantile_interval(length[loss]) for loss in LOSSES)
        verdicts += [decide(absolute, above=0.5), decide(huber, below=1e-3)]
        texts.append(f"{rate:g}: {absolute.estimate:.3g}, Huber's {huber.estimate:.3g}")
    return Evidence(
        all_hold(verdicts),
        f"{len(length['huber'])} runs; median length of the last step over the rate, at "
        + "; ".join(texts),
    )


def _rate_decides(found: Paths) -> Evidence:
    verdicts, texts = [], []
    for loss in LOSSES:
        for rate, near in ((RATES[-1], True), (RATES[2], loss == "huber")):
            end = quantile_interval(worst(found[loss][f"rate {rate:g}"])[-1])
            noise = SPEC.noise
            verdicts.append(decide(end, below=noise) if near else decide(end, above=noise))
            texts.append(f"{loss}, {rate:g}: {end}")
    return Evidence(all_hold(verdicts), "median worst error; " + "; ".join(texts))
