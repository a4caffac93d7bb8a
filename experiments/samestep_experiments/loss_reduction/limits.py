"""At which rate does training on squared error give way? There are three limits, not one.

Full-batch descent diverges above 2/lambda_max. Minibatch descent has random curvature: its error
grows in mean square at a lower rate, because rare runs of bad batches outweigh all others, and in
the typical run at a rate between the two (the zero of a Lyapunov exponent). At a rate in between,
most runs end well and a few do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep import theory
from samestep.claims import (
    ERROR_RATE,
    Claim,
    Evidence,
    Interval,
    all_hold,
    decide,
    proportion_interval,
)
from samestep.lab import Lab
from samestep.loss import Float64
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.trace import Trace
from samestep_experiments.loss_reduction.figures import draw_fan
from samestep_experiments.loss_reduction.published import PUBLISHED_PROBLEM, ROWS, SUMMED

BATCH_SIZE = PUBLISHED_PROBLEM.batch_size
TRUTH = np.array([*PUBLISHED_PROBLEM.w, PUBLISHED_PROBLEM.b])

SWEEP = np.linspace(0.7, 1.08, 20)
"""Rates of the mean loss that summed loss is run at, 100 seeds each."""
SWEEP_SEEDS = 2000

FULL_BATCH_STEPS = 50
NEAR = 0.1
"""A run whose worst parameter is off by less ended near the truth; the start is off by 4."""


@dataclass(frozen=True)
class Limits:
    """Rates of the mean loss above which it diverges: full batches, mean square, typical run."""

    full_batch: float
    mean_square: float
    typical: Interval

    @classmethod
    def compute(cls, lab: Lab) -> Limits:
        """Compute them for the published problem; the first is a median over its draws."""
        from scipy import special  # not at the top: listing the exercises imports this module

        features = len(PUBLISHED_PROBLEM.w)
        rate, error = theory.critical_rate_typical(features, BATCH_SIZE, chains=128)
        half = float(-special.ndtri(ERROR_RATE / 2)) * error
        return cls(
            full_batch=median_critical_rate(lab, PUBLISHED_PROBLEM.num_train),
            mean_square=theory.critical_rate_mean_square(features, BATCH_SIZE),
            typical=Interval(rate - half, rate + half, rate),
        )


def median_critical_rate(lab: Lab, num_train: int, seeds: int = 64) -> float:
    """Median over draws of 2/lambda_max, the limit of full-batch descent."""
    spec = SyntheticRegression(start="uniform", num_val=0, num_train=num_train)
    problems = lab.draw(spec, lab.seed_count(seeds))
    return float(np.median([theory.critical_rate(problem) for problem in problems]))


def find_limits(lab: Lab, samples: Mapping[str, Float64]) -> str:
    """Test the limits, place the published run in its distribution, and say what was found.

    Parameters
    ----------
    samples : mapping of str to array of shape (seeds, 3 + steps + 1)
        Of the published summed run: final parameters, and the worst error at the start and after
        each step.
    """
    limits = Limits.compute(lab)
    full_batch = _full_batch(lab, limits)
    swept = lab.sample(
        PUBLISHED_PROBLEM, {"sweep": sweep}, seeds=lab.seed_count(SWEEP_SEEDS), measure=_outcome
    )
    sweeps = {label: by_name["sweep"] for label, by_name in swept.items()}
    lab.claim(
        "typical-limit",
        f"The limit of the typical run is where theory puts it, at {limits.typical}: within 10 % "
        "below it most runs end nearer to the truth than they began, within 10 % above it most "
        "end farther away.",
        {label: typical_limit(rows, limits.typical.estimate) for label, rows in sweeps.items()},
    )
    errors = {label: _worst(np.abs(rows[:, :3] - TRUTH)) for label, rows in samples.items()}
    published = float(np.abs(np.array(ROWS[SUMMED].numbers) - TRUTH).max())
    rate = BATCH_SIZE * ROWS[SUMMED].learning_rate
    most = lab.claim(
        "most-runs",
        f"Summed loss at {ROWS[SUMMED].learning_rate:g} is mean loss at {rate:g}, below the limit "
        f"of the typical run: more than half of the runs end within {NEAR:g} of the truth.",
        {
            label: share(
                found < NEAR,
                f"end within {NEAR:g} ({_quantiles(found)})",
                above=0.5,
                given=decide(limits.typical, above=rate),
            )
            for label, found in errors.items()
        },
    )
    tail = lab.claim(
        "heavy-tail",
        f"{rate:g} is above the limit in mean square, {limits.mean_square:.3g}: more than one run "
        "in fifty ends farther from the truth than it began.",
        {
            label: share(
                found > samples[label][:, 3],
                f"end farther away than they began (worst of all: {found.max():.3g})",
                above=0.02,
                given=limits.mean_square < rate,
            )
            for label, found in errors.items()
        },
    )
    lab.claim(
        "published-run",
        f"The published run of summed loss, off by {published:.4f}, is an ordinary one: more than "
        "half of the runs, and fewer than four in five, end nearer to the truth.",
        {
            label: share(found < published, "end nearer", above=0.5, below=0.8)
            for label, found in errors.items()
        },
    )
    drawn = [label for label in errors if label in sweeps]
    if drawn:
        label = drawn[0]
        lab.figure(
            "fan",
            "Above: the worst parameter error of runs of summed loss at 0.03, step by step over "
            "seeds, and where they end; most end near the truth, a heavy tail does not, and the "
            "published run is an ordinary one. Below: the same quantiles of the end against the "
            "rate, with the three limits.",
            draw_fan,
            paths=np.nan_to_num(samples[label][:, 3:], nan=np.inf, posinf=np.inf),
            published=published,
            batch_size=BATCH_SIZE,
            summed_rate=ROWS[SUMMED].learning_rate,
            sweep=_ends_by_rate(sweeps[label]),
            limits={
                "mean square": limits.mean_square,
                "full batch": limits.full_batch,
                "typical run": limits.typical.estimate,
            },
        )
    return _answer(limits, (full_batch, most, tail), next(iter(errors.values()), None), published)


def _full_batch(lab: Lab, limits: Limits) -> Claim:
    """Run full-batch descent 1 % below and 1 % above 2/lambda_max of each problem."""
    spec = SyntheticRegression(batch_size=PUBLISHED_PROBLEM.num_train, num_val=0)
    problems = lab.draw(spec, lab.seed_count(4))
    plan = stack(
        [
            Plan.of(
                problem,
                learning_rate=factor * theory.critical_rate(problem),
                epochs=FULL_BATCH_STEPS,
            )
            for factor in (0.99, 1.01)
            for problem in problems
        ],
        name=f"full batches, 1 % below and above 2/lambda_max, {len(problems)} seeds",
    )
    more = ", ".join(f"{median_critical_rate(lab, n, 16):.3g} at {n:,}" for n in (100, 10_000))
    return lab.claim(
        "full-batch-limit",
        "Full-batch descent on the mean loss shrinks at 1 % below 2/lambda_max and grows at 1 % "
        "above it, in every draw.",
        {
            label: full_batch_limit(
                trace,
                f"2/lambda_max is {limits.full_batch:.3g} at 1,000 examples (median), {more}, "
                "and 1 as their number grows",
            )
            for label, trace in lab.train(plan, check=4).items()
        },
    )


def full_batch_limit(trace: Trace, context: str = "") -> Evidence:
    """State that the error along the steepest direction shrinks below the limit, grows above it.

    The first half of the runs is below 2/lambda_max, the second above.
    """
    factors = np.empty(trace.plan.runs)
    for run, index in enumerate(trace.plan.problem_of_run):
        problem = trace.plan.problems[index]
        steepest = np.linalg.eigh(theory.curvature(problem))[1][:, -1]
        start, end = (
            abs(float((trace.parameters(k)[run] - theory.least_squares(problem)) @ steepest))
            for k in (0, -1)
        )
        factors[run] = end / start
    below, above = np.split(factors, 2)
    return Evidence(
        holds=bool((below < 1).all() and (above > 1).all()),
        text=f"error along the steepest direction after {trace.plan.steps} steps, {len(below)} "
        f"draws: times {below.min():.3g} to {below.max():.3g} below, {above.min():.3g} to "
        f"{above.max():.3g} above; {context}",
        values={"largest_factor_below": below.max(), "smallest_factor_above": above.min()},
    )


def sweep(baseline: Plan) -> Plan:
    """Give each run of a baseline summed loss at one of the rates, by its problem's seed."""
    seeds = np.array([problem.seed for problem in baseline.problems])[baseline.problem_of_run]
    return baseline.vary(reduction="sum", learning_rate=SWEEP[seeds % len(SWEEP)] / BATCH_SIZE)


def _outcome(trace: Trace) -> Float64:
    """Rate of the mean loss, worst error at the start and at the end, shape (runs, 3)."""
    start, end = (_worst(np.abs(trace.error(k))) for k in (0, -1))
    return np.column_stack([BATCH_SIZE * trace.plan.learning_rate, start, end])


def _worst(errors: Float64) -> Float64:
    """Largest error of each run; a run that left the numbers is infinitely far away."""
    return np.asarray(np.where(np.isnan(errors), np.inf, errors).max(axis=1))


def typical_limit(rows: Float64, limit: float) -> Evidence:
    """Count the runs that end farther away than they began, on either side of a limit.

    Parameters
    ----------
    rows : array of shape (runs, 3)
        Rate of the mean loss, worst error at the start and at the end.
    """
    rate, start, end = rows.T
    farther = end > start
    below = farther[(rate > 0.9 * limit) & (rate < limit)]
    above = farther[(rate > limit) & (rate < 1.1 * limit)]
    verdicts: list[bool | None] = []
    found: list[str] = []
    values: dict[str, float] = {}
    for where, side, limits in (("below", below, {"below": 0.5}), ("above", above, {"above": 0.5})):
        interval = proportion_interval(int(side.sum()), len(side))
        verdicts.append(decide(interval, **limits))
        found.append(f"{interval} of {len(side)} runs {where}" if len(side) else f"no run {where}")
        if len(side):
            values[f"share_{where}"] = interval.estimate
    return Evidence(
        holds=all_hold(verdicts),
        text=f"share that ends farther away: {', '.join(found)}",
        values=values,
    )


def share(
    hits: np.ndarray,
    what: str,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    given: bool | None = True,
) -> Evidence:
    """State between which limits the probability lies of which ``hits`` are the draws."""
    interval = proportion_interval(int(hits.sum()), len(hits))
    return Evidence(
        holds=all_hold([given, decide(interval, above=above, below=below)]),
        text=f"{interval} of {len(hits):,} runs {what}",
        values={"share": interval.estimate, "seeds": len(hits)},
    )


def _quantiles(errors: Float64) -> str:
    q = np.quantile(errors, [0.25, 0.5, 0.75, 0.95])
    return f"quartiles {q[0]:.2g}, {q[1]:.2g}, {q[2]:.2g}; 95 %: {q[3]:.2g}"


def _ends_by_rate(rows: Float64) -> dict[float, Float64]:
    """Errors at the end of all runs with a rate, by rate, of the rates that were drawn."""
    return {rate: rows[rows[:, 0] == rate, 2] for rate in np.unique(rows[:, 0]).tolist()}


def _answer(
    limits: Limits, claims: tuple[Claim, ...], errors: Float64 | None, published: float
) -> str:
    """Say what was found about the limits, in two sentences."""
    summed = ROWS[SUMMED].learning_rate
    text = (
        f"Summed loss at {summed:g} is mean loss at {BATCH_SIZE * summed:g}, and there is not one "
        f"limit but three: {limits.mean_square:.2g} in mean square, {limits.full_batch:.2g} for "
        f"full batches of 1,000 examples (1 as their number grows), and "
        f"{limits.typical.estimate:.2g} for the typical run."
    )
    if errors is None:
        return text
    if not all(claim.holds for claim in claims):
        contradicted = any(claim.holds is False for claim in claims)
        verdict = "was not confirmed" if contradicted else "is not decided by so few seeds"
        return f"{text} That most runs end well there, and a heavy tail does not, {verdict}."
    q = np.quantile(errors, [0.5, 0.95])
    return (
        f"{text} So most runs end well and a heavy tail does not: of {len(errors):,} runs half end "
        f"within {q[0]:.2g} of the truth and 5 % beyond {q[1]:.2g}; the published one, off by "
        f"{published:.3g}, is beaten by {100 * float(np.mean(errors < published)):.0f} %."
    )
