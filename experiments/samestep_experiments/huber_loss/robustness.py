"""Why anyone wants Huber's loss: what it does to a fit when some labels are far off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy import optimize, stats

from samestep.claims import Evidence, Interval, all_hold, decide, mean_interval, quantile_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan, stack
from samestep.problem import Problem, SyntheticRegression
from samestep_experiments.huber_loss.forms import at_truth

LOSSES = {"squared_error": "squared error", "huber": "Huber's loss"}
"""The losses that are compared, with their names in sentences."""

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
CLAIMED = (0.05, 0.2)
"""The shares of moved labels that claims are about; the others are for the figure."""

SEEDS = 32
NUM_TRAIN = 500
EPOCHS = 12
"""Full-batch updates; each takes away two thirds of the way to the minimum, or more."""

_RATE = {"squared_error": 0.45, "huber": 1.2}
_OUTLIERS = 100  # a random stream of its own; the first ones of a seed belong to the problem


def move_labels(problem: Problem, share: float, shift: float) -> Problem:
    """Move a share of the labels, chosen at random, by the same amount.

    The rows are drawn from the problem's seed; those of a smaller share are among those of a
    larger.
    """
    count = round(share * problem.num_train)
    order = np.random.default_rng([problem.seed, _OUTLIERS]).permutation(problem.num_train)
    y = problem.y.copy()
    y[order[:count]] += shift
    return replace(problem, y=y)


def population_bias(loss: str, share: float, shift: float, delta: float, noise: float) -> float:
    """Error of the intercept that a loss settles at, with unlimited data; the slopes' is 0.

    For squared error it is the mean of the labels' errors, ``share * shift``. For Huber's loss it
    is the root of ``(1 - share) m(b) + share m(b - shift)``, where ``m(a)`` is the mean of
    ``clip(a + noise Z, -delta, delta)`` over a standard normal Z. Where all other labels are closer
    than delta and the moved ones farther, that is ``delta share / (1 - share)``.
    """
    if loss == "squared_error":
        return share * shift

    def mean_slope(a: float) -> float:
        low, high = (-delta - a) / noise, (delta - a) / noise
        inside = stats.norm.cdf(high) - stats.norm.cdf(low)
        clipped = delta * (stats.norm.sf(high) - stats.norm.cdf(low))
        spread = noise * (stats.norm.pdf(low) - stats.norm.pdf(high))
        return float(clipped + a * inside + spread)

    return float(
        optimize.brentq(
            lambda b: (1 - share) * mean_slope(b) + share * mean_slope(b - shift),
            min(0.0, shift) - noise,
            max(0.0, shift) + noise,
        )
    )


def fit(lab: Lab, delta: float, shift: float) -> dict[str, dict[str, Float64]]:
    """Fit moved labels to the end, by full-batch descent, on participants of the first precision.

    Returns
    -------
    dict of str to dict of str to array of shape (shares, seeds, 3)
        Signed errors of w1, w2 and b, by participant and loss.
    """
    spec = SyntheticRegression(num_val=0, num_train=NUM_TRAIN, batch_size=NUM_TRAIN)

    def variant(loss: str) -> Callable[[Plan], Plan]:
        return lambda baseline: stack(
            [
                Plan.of(
                    move_labels(at_truth(problem), share, shift),
                    loss=loss,
                    delta=delta,
                    learning_rate=_RATE[loss],
                    epochs=EPOCHS,
                )
                for problem in baseline.problems
                for share in SHARES
            ],
            name=f"{LOSSES[loss]} with moved labels, full batch",
        )

    errors = lab.sample(
        spec,
        {loss: variant(loss) for loss in LOSSES},
        seeds=lab.seed_count(SEEDS),
        measure=lambda trace: trace.error().reshape(-1, len(SHARES), 3),
    )
    return {
        label: {loss: by_loss[loss].swapaxes(0, 1) for loss in LOSSES}
        for label, by_loss in errors.items()
    }


def state_claims(
    lab: Lab, errors: Mapping[str, Mapping[str, Float64]], delta: float, shift: float
) -> None:
    """State what moved labels do to either loss, and that clean ones make no difference."""
    noise = SyntheticRegression().noise
    clean = {}
    for label, by_loss in errors.items():
        worst = {loss: np.abs(e[SHARES.index(0.0)]).max(axis=1) for loss, e in by_loss.items()}
        ratio = quantile_interval(worst["huber"] / worst["squared_error"])
        clean[label] = Evidence(
            decide(ratio, above=0.95, below=1.05),
            f"median over {len(worst['huber'])} seeds of Huber's error relative to squared "
            f"error's: {ratio}; median errors {np.median(worst['huber']):.2g} and "
            f"{np.median(worst['squared_error']):.2g}",
            {"median_ratio": ratio.estimate},
        )
    lab.claim(
        "clean-as-good",
        "On clean labels the fit with Huber's loss is as good as that with squared error, within "
        "5 % in the typical run.",
        clean,
    )
    for loss, name in LOSSES.items():
        bias = {share: population_bias(loss, share, shift, delta, noise) for share in CLAIMED}
        expected = " and ".join(f"{bias[share]:.4g}" for share in CLAIMED)
        shares = " and ".join(f"{share:.0%}" for share in CLAIMED)
        lab.claim(
            f"intercept-{loss.replace('_', '-')}",
            f"With {shares} of the labels moved by {shift:g}, the bias of the intercept with "
            f"{name} is {expected} within 5 %{_law(loss, bias, delta, shift)}.",
            {label: _intercept(by_loss[loss], bias) for label, by_loss in errors.items()},
        )
        for share in CLAIMED:
            lab.claim(
                f"slopes-{loss.replace('_', '-')}-{round(100 * share)}",
                f"With {share:.0%} of the labels moved, the bias of either slope with {name}, if "
                "there is one, is less than a quarter of the intercept's.",
                {
                    label: _slopes(by_loss[loss][SHARES.index(share)], abs(bias[share]) / 4)
                    for label, by_loss in errors.items()
                },
            )


def _law(loss: str, bias: Mapping[float, float], delta: float, shift: float) -> str:
    """Name the simple law that the biases follow, if they do."""
    if loss == "squared_error":
        return f", which is {shift:g} e for a share e"
    simple = [math.copysign(delta * e / (1 - e), shift) for e in bias]
    follows = np.allclose(list(bias.values()), simple, rtol=0.01)
    return ", which is d e / (1 - e) for a share e, d = delta" if follows else ""


def _intercept(errors: Float64, bias: Mapping[float, float]) -> Evidence:
    verdicts, texts, values = [], [], {}
    for share, expected in bias.items():
        found = errors[SHARES.index(share), :, -1]
        mean = mean_interval(found)
        low, high = sorted((0.95 * expected, 1.05 * expected))
        verdicts.append(decide(mean, above=low, below=high))
        texts.append(f"{share:.0%}: mean {mean}, {_quantiles(found)}")
        values[f"mean_{round(100 * share)}"] = mean.estimate
    return Evidence(all_hold(verdicts), f"{errors.shape[1]} seeds; " + "; ".join(texts), values)


def _slopes(errors: Float64, limit: float) -> Evidence:
    intervals: dict[str, Interval] = {
        name: mean_interval(errors[:, column]) for column, name in enumerate(("w1", "w2"))
    }
    return Evidence(
        all_hold([decide(i, above=-limit, below=limit) for i in intervals.values()]),
        f"{len(errors)} seeds, a quarter of the intercept's bias is {limit:.3g}; "
        + "; ".join(
            f"{name}: mean error {interval}, {_quantiles(errors[:, column])}"
            for column, (name, interval) in enumerate(intervals.items())
        ),
        {f"mean_{name}": interval.estimate for name, interval in intervals.items()},
    )


def _quantiles(values: Float64) -> str:
    low, high = np.quantile(values, [0.05, 0.95])
    return f"5 to 95 % of the runs {low:.4g} to {high:.4g}"
