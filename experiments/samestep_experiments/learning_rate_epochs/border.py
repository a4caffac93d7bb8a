"""Where does gradient descent start to diverge? The rate is found by experiment.

Only the examples decide about stability, so here all labels are zero, without noise. Then the
parameters are the error, and floating point resolves it at any size. Rates are fractions of each
data set's own ``2 / lambda_max``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from samestep import theory
from samestep.claims import Evidence, decide, mean_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.measuring import measure_runs, path
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep_experiments.learning_rate_epochs.figures import draw_border
from samestep_experiments.learning_rate_epochs.runs import distances

__all__ = ["Border", "find_border"]

MINIBATCH = SyntheticRegression(w=(0.0, 0.0), b=0.0, noise=0.0, num_val=0, start="uniform")
FULL_BATCH = replace(MINIBATCH, batch_size=MINIBATCH.num_train)

RATES = 8
"""Even, and placed symmetrically around 2/lambda_max, so that none is equal to it."""

DATA_SETS = 2
LATE = (60, 120)
"""Full-batch growth is measured between these steps: by then the direction of the largest
curvature is what is left of the error."""

SEEDS = 64


@dataclass(frozen=True)
class Border:
    """What one participant did on either side of 2/lambda_max.

    Parameters
    ----------
    critical : array of shape (data sets,)
        2/lambda_max of the data sets that full-batch descent ran on.
    fractions : array of shape (rates,)
        The rates that were tried, over 2/lambda_max.
    full_batch : array of shape (rates, data sets)
        Log growth of the error per step of full-batch descent, late.
    mean_square : array of shape (rates, seeds)
        Factor by which a step of minibatch SGD multiplies the squared error, the arithmetic mean
        over the steps of an epoch.
    typical : array of shape (rates, seeds)
        Log growth of the error per step of minibatch SGD over an epoch.
    """

    critical: Float64
    fractions: Float64
    full_batch: Float64
    mean_square: Float64
    typical: Float64

    @property
    def bracket(self) -> tuple[int, int]:
        """Indices of the last rate up to which all contract, and the first from which all grow.

        All data sets, that is; -1 or the number of rates where there is none.
        """
        contracts = np.max(self.full_batch, axis=1) < 0
        grows = np.min(self.full_batch, axis=1) > 0
        below = int(np.logical_and.accumulate(contracts).sum()) - 1
        above = len(grows) - int(np.logical_and.accumulate(grows[::-1]).sum())
        return below, above

    @property
    def crossing(self) -> Float64:
        """Interpolated rate at which full-batch descent neither contracts nor grows, (data sets,).

        NaN where the growth does not change its sign once.
        """
        crossings = np.full(len(self.critical), np.nan)
        for i, growth in enumerate(self.full_batch.T):
            change = np.flatnonzero(np.diff(np.sign(growth)))
            if len(change) == 1 and growth[0] < 0:
                low, high = change[0], change[0] + 1
                fraction = np.interp(0, growth[[low, high]], self.fractions[[low, high]])
                crossings[i] = fraction * self.critical[i]
        return crossings


def find_border(lab: Lab, resolution: float) -> dict[str, Border]:
    """Run full-batch descent and minibatch SGD at rates around 2/lambda_max; claims and figure.

    Parameters
    ----------
    lab : Lab
    resolution : float
        Distance of neighbouring rates, as a fraction of 2/lambda_max.
    """
    reach = resolution * (RATES - 1) / 2
    fractions: Float64 = np.linspace(1 - reach, 1 + reach, RATES)
    data_sets, seeds = lab.seed_count(DATA_SETS), lab.seed_count(SEEDS)
    full = _errors(
        lab,
        _around_border(lab, FULL_BATCH, data_sets, fractions, LATE[1]),
        name="full-batch descent",
        check=4,
    )
    mini = _errors(
        lab, _around_border(lab, MINIBATCH, seeds, fractions, 1), name="minibatch SGD", check=16
    )
    critical = np.array([theory.critical_rate(p) for p in lab.draw(FULL_BATCH, data_sets)])
    borders = {}
    for label in mini:
        late = np.log(full[label][list(LATE)]).reshape(2, RATES, data_sets)
        logs = np.log(mini[label]).reshape(-1, RATES, seeds)
        borders[label] = Border(
            critical=critical,
            fractions=fractions,
            full_batch=(late[1] - late[0]) / (LATE[1] - LATE[0]),
            mean_square=np.exp(2 * np.diff(logs, axis=0)).mean(axis=0),
            typical=(logs[-1] - logs[0]) / (len(logs) - 1),
        )
    _claims(lab, borders)
    first = next(iter(borders.values()))
    lab.figure(
        "critical-rate",
        "Factor by which one step multiplies the error, against the learning rate over "
        "2/lambda_max of the data. Full-batch descent changes from contraction to growth at "
        "2/lambda_max. With minibatches the root mean square grows earlier, although the typical "
        "run contracts even beyond.",
        draw_border,
        fractions=first.fractions,
        full_batch=first.full_batch,
        mean_square=first.mean_square,
        typical=first.typical,
        batch_size=MINIBATCH.batch_size,
    )
    return borders


def _around_border(
    lab: Lab, spec: SyntheticRegression, seeds: int, fractions: Float64, epochs: int
) -> list[Plan]:
    """Plan runs at rates around each data set's own critical rate; rates first, then seeds."""
    base = [Plan.of(problem, epochs=epochs) for problem in lab.draw(spec, seeds)]
    critical = [theory.critical_rate(plan.problems[0]) for plan in base]
    return [
        plan.vary(learning_rate=fraction * rate)
        for fraction in fractions
        for plan, rate in zip(base, critical, strict=True)
    ]


def _errors(lab: Lab, plans: Sequence[Plan], *, name: str, check: int) -> dict[str, Float64]:
    """Train runs and measure their errors, shape (steps + 1, runs), by participant."""
    found = measure_runs(lab, plans, path, name=f"{name} around 2/lambda_max", check=check)
    problems = [plan.problems[0] for plan in plans]
    return {label: distances(paths, problems) for label, paths in found.items()}


def _claims(lab: Lab, borders: Mapping[str, Border]) -> None:
    lab.claim(
        "critical-rate",
        "Full-batch descent contracts at every rate tried below 2/lambda_max and grows at every "
        "rate tried above it, so that the experiment's own bracket of the critical rate contains "
        "2/lambda_max.",
        {label: _critical_evidence(border) for label, border in borders.items()},
    )
    lab.claim(
        "minibatch-gives-way-earlier",
        "At the largest rate at which full-batch descent contracted, the mean square of the error "
        "of minibatch SGD grows: a step multiplies the squared error by more than 1 on average.",
        {label: _minibatch_evidence(border) for label, border in borders.items()},
    )
    lab.claim(
        "typical-minibatch-run-holds-out",
        "At the smallest rate at which full-batch descent grew, the typical run of minibatch SGD "
        "still contracts: the mean of the logarithm of its growth is below 0.",
        {label: _typical_evidence(border) for label, border in borders.items()},
    )


def _critical_evidence(border: Border) -> Evidence:
    below, above = border.bracket
    bracketed = below >= 0 and above == below + 1 < RATES
    low = float(border.fractions[below]) if bracketed else np.nan
    high = float(border.fractions[above]) if bracketed else np.nan
    crossing = border.crossing
    error = float(np.abs(crossing / border.critical - 1).max())
    pairs = ", ".join(
        f"{c:.4f} for {rate:.4f}" for c, rate in zip(crossing, border.critical, strict=True)
    )
    return Evidence(
        holds=bool(bracketed and low < 1 < high),
        text=f"bracket [{low:.4g}, {high:.4g}] x 2/lambda_max; interpolated crossing {pairs} "
        f"(off by {error:.1g} at most, {len(crossing)} data sets)",
        values={"low": low, "high": high, "crossing_error": error},
    )


def _minibatch_evidence(border: Border) -> Evidence:
    below, _ = border.bracket
    if below < 0:
        return Evidence.not_applicable("full-batch descent contracted at none of the rates")
    growth = mean_interval(border.mean_square[below])
    return Evidence(
        holds=decide(growth, above=1),
        text=f"at {border.fractions[below]:.4g} x 2/lambda_max: factor {growth} a step on the mean "
        f"square over {border.mean_square.shape[1]} seeds",
        values={"fraction": float(border.fractions[below]), "factor": growth.estimate},
    )


def _typical_evidence(border: Border) -> Evidence:
    _, above = border.bracket
    if above >= RATES:
        return Evidence.not_applicable("full-batch descent grew at none of the rates")
    growth = mean_interval(border.typical[above])
    return Evidence(
        holds=decide(growth, below=0),
        text=f"at {border.fractions[above]:.4g} x 2/lambda_max: log growth {growth} a step over "
        f"{border.typical.shape[1]} seeds",
        values={"fraction": float(border.fractions[above]), "log_growth": growth.estimate},
    )
