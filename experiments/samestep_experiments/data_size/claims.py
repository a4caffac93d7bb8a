"""The claims of the exercise on data size, each decided by a confidence interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from samestep import theory
from samestep.claims import Evidence, Interval, decide, mean_interval, quantile_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.registry import oracle
from samestep_experiments.data_size.runs import (
    BASELINE,
    EPOCHS,
    SIZES,
    SLOPES_FROM,
    Errors,
    Found,
    Method,
    draw,
    least_squares_errors,
    norm,
    rms_law,
    slope_error_law,
    slopes_by_seed,
)

FEW = (5, 20)
"""Two sizes within one minibatch: they make the same number of updates."""


def judged(
    interval: Interval, text: str, *, above: float = -math.inf, below: float = math.inf
) -> Evidence:
    """Let an interval decide."""
    return Evidence(
        holds=decide(interval, above=above, below=below),
        text=f"{text}: {interval}",
        values=interval._asdict(),
    )


def outside(interval: Interval, text: str, low: float, high: float) -> Evidence:
    """Let an interval decide that a quantity does not lie between two numbers."""
    inside = decide(interval, above=low, below=high)
    return Evidence(
        holds=None if inside is None else not inside,
        text=f"{text}: {interval}",
        values=interval._asdict(),
    )


def pooled(
    interval_of: Callable[[Float64], Interval],
    samples: Mapping[int, Float64],
    sizes: Sequence[int],
    text: str,
    *,
    above: float = -math.inf,
    below: float = math.inf,
) -> Evidence:
    """Let the samples of several sizes decide together; without a size nothing is decided."""
    if not sizes:
        return Evidence(None, "no size in this range has converged after so many updates")
    interval = interval_of(np.concatenate([samples[size] for size in sizes]))
    span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    return judged(interval, f"{text}, n = {span}", above=above, below=below)


def fixed_epochs(
    lab: Lab, found: Found, solutions: Errors, updates: int, settled: Sequence[int]
) -> None:
    """At a fixed number of epochs, few examples mean few updates."""
    few, more = FEW
    steps = {size: EPOCHS * math.ceil(size / BASELINE.batch_size) for size in FEW}
    alike, farther, mended = {}, {}, {}
    for label, by_method in found.items():
        lengths = {size: norm(by_method["fixed epochs"][size]) for size in FEW}
        medians = {size: float(np.median(length)) for size, length in lengths.items()}
        alike[label] = judged(
            quantile_interval(lengths[few] / lengths[more]),
            f"{steps[few]} and {steps[more]} updates, median errors {medians[few]:.3g} and "
            f"{medians[more]:.3g}, median ratio of two runs",
            above=2 / 3,
            below=3 / 2,
        )
        ratios = [lengths[size] / norm(solutions[size]) for size in FEW]
        farther[label] = judged(
            quantile_interval(np.minimum(*ratios)),
            "median errors of least squares "
            + " and ".join(f"{np.median(norm(solutions[size])):.2g}" for size in FEW)
            + ", median of the smaller ratio",
            above=10,
        )
        gain = {more: lengths[more] / norm(by_method["fixed updates"][more])}
        enough = [size for size in settled if size == more]
        mended[label] = pooled(quantile_interval, gain, enough, "median ratio", above=10)
    lab.claim(
        "epochs-count-updates",
        f"After {EPOCHS} epochs {few} and {more} examples have made the same number of updates "
        "and are equally wrong, within a factor of 1.5 in the typical run.",
        alike,
    )
    lab.claim(
        "no-want-of-data",
        "Least squares on the same examples is more than 10 times closer to the truth.",
        farther,
    )
    lab.claim(
        "more-updates-same-data",
        f"On the same {more} examples {updates} updates instead of {steps[more]} make the error "
        "more than 10 times smaller.",
        mended,
    )


def least_squares(lab: Lab, solutions: Errors) -> None:
    """State the law of least squares, and how it differs from sigma/sqrt(n) at few examples."""
    from scipy import special  # not at the top: listing the exercises imports this module

    squares = [
        (norm(errors) / rms_law(size)) ** 2
        for size, errors in solutions.items()
        if size > 6  # up to there the mean square has no variance
    ]
    ratio = mean_interval(np.concatenate(squares))
    lab.claim(
        "least-squares-law",
        "From 10 examples up the mean square of the error of least squares is "
        "sigma^2 (3 - 2/n)/(n - 4), within a quarter.",
        {oracle().label: judged(ratio, "mean ratio", above=3 / 4, below=5 / 4)},
    )
    few = FEW[0]
    many = least_squares_errors({few: draw(lab, few, lab.seed_count(1000))})[few]
    exact = slope_error_law(few)
    naive = BASELINE.noise / math.sqrt(few) * float(special.ndtri(0.75))
    lab.claim(
        "few-examples",
        f"With {few} examples the typical error of a slope is that of the exact law (Student's t), "
        "within a quarter, and more than 1.1 times that of sigma/sqrt(n).",
        {
            oracle().label: judged(
                quantile_interval(np.abs(many[:, 0])),
                f"exact {exact:.3g}, from sigma/sqrt(n) {naive:.3g}, median over {len(many)} seeds",
                above=max(3 / 4 * exact, 1.1 * naive),
                below=5 / 4 * exact,
            )
        },
    )


def full_batch(lab: Lab, found: Found, solutions: Errors) -> None:
    """Converged full-batch descent is least squares: no statistics, it holds in every run."""
    evidence = {}
    for label, by_method in found.items():
        distance = {
            size: float(norm(errors - solutions[size]).max()) / rms_law(size)
            for size, errors in by_method["full batch"].items()
        }
        worst = max(distance, key=lambda size: distance[size])
        evidence[label] = Evidence(
            holds=distance[worst] < 0.1,
            text=f"largest distance over the law's error: {distance[worst]:.2g}, n = {worst:,}",
            values={"largest_distance": distance[worst]},
        )
    lab.claim(
        "full-batch-is-least-squares",
        "In every run of every size converged full-batch descent ends on the solution of least "
        "squares, within a tenth of that solution's own error (root mean square, by the law).",
        evidence,
    )


def constant_rate(
    lab: Lab, found: Found, solutions: Errors, rate: float, settled: Sequence[int]
) -> None:
    """Where minibatch SGD at a constant rate leaves the line, and where it settles."""
    batch = BASELINE.batch_size
    bend = batch / rate
    few = [size for size in settled if size < bend / 4]
    many = [size for size in settled if size > 4 * bend]
    on, off, floor = {}, {}, {}
    for label, by_method in found.items():
        length = {size: norm(by_method["fixed updates"][size]) for size in settled}
        ratio = {size: length[size] / norm(solutions[size]) for size in settled}
        square = {
            size: length[size] ** 2 / 3 / theory.noise_floor(BASELINE.noise, size, rate, batch) ** 2
            for size in settled
        }
        on[label] = pooled(quantile_interval, ratio, few, "median ratio", below=1.5)
        off[label] = pooled(quantile_interval, ratio, many, "median ratio", above=1.5)
        floor[label] = pooled(mean_interval, square, many, "mean ratio", above=0.5, below=2)
    lab.claim(
        "constant-rate-on-the-line",
        f"Up to a quarter of B/rate = {bend:,.0f} examples the error of minibatch SGD at a "
        "constant rate is less than 1.5 times that of least squares in the typical run.",
        on,
    )
    lab.claim(
        "constant-rate-off-the-line",
        f"Beyond 4 B/rate = {4 * bend:,.0f} examples it is more than 1.5 times that of least "
        "squares in the typical run.",
        off,
    )
    lab.claim(
        "constant-rate-floor",
        f"Beyond {4 * bend:,.0f} examples the mean square of its error, per parameter, is "
        "sigma^2 (1/n + rate/B), within a factor of 2.",
        floor,
    )


def slopes(lab: Lab, found: Found, solutions: Errors) -> dict[Method, dict[str, Interval]]:
    """Fit the slopes on log-log axes: one per seed, and Student's interval of their mean."""
    fitted: dict[Method, dict[str, Interval]] = {
        "least squares": {oracle().label: mean_interval(slopes_by_seed(solutions))}
    }
    methods: tuple[Method, ...] = ("full batch", "fixed updates", "fixed epochs")
    for method in methods:
        fitted[method] = {
            label: mean_interval(slopes_by_seed(by_method[method]))
            for label, by_method in found.items()
        }
    how = f"slope of log error on log n from n = {SLOPES_FROM}, mean over seeds"
    lab.claim(
        "least-squares-slope",
        "The error of least squares follows 1/sqrt(n): slope -1/2, between -0.6 and -0.4.",
        {
            label: judged(v, how, above=-0.6, below=-0.4)
            for label, v in fitted["least squares"].items()
        },
    )
    lab.claim(
        "full-batch-slope",
        "So does that of converged full-batch descent: slope between -0.65 and -0.35.",
        {
            label: judged(v, how, above=-0.65, below=-0.35)
            for label, v in fitted["full batch"].items()
        },
    )
    lab.claim(
        "constant-rate-slope",
        "That of minibatch SGD after a fixed number of updates falls less: slope above -0.4.",
        {label: judged(v, how, above=-0.4) for label, v in fitted["fixed updates"].items()},
    )
    lab.claim(
        "fixed-epochs-slope",
        f"After {EPOCHS} epochs the slope is not the data's: it lies outside -0.6 to -0.4.",
        {label: outside(v, how, -0.6, -0.4) for label, v in fitted["fixed epochs"].items()},
    )
    return fitted


def equal_factors(lab: Lab, solutions: Errors) -> None:
    """Twice the data is the same progress, whether there is little or much."""
    middle = math.sqrt(SLOPES_FROM * SIZES[-1])
    lower = slopes_by_seed({size: e for size, e in solutions.items() if size <= middle})
    upper = slopes_by_seed({size: e for size, e in solutions.items() if size >= middle})
    gains = [2 ** -float(half.mean()) for half in (lower, upper)]
    lab.claim(
        "equal-factors",
        f"Twice the data divides the error of least squares by the same factor below and above "
        f"{middle:,.0f} examples: the two slopes differ by less than 0.35.",
        {
            oracle().label: judged(
                mean_interval(lower - upper),
                f"divided by {gains[0]:.3g} and {gains[1]:.3g}; difference of the slopes",
                above=-0.35,
                below=0.35,
            )
        },
    )
