"""Learning rate and number of epochs: does it keep on improving?

The error of constant-rate SGD contracts by about ``|1 - rate * lambda|`` a step until it meets a
floor that grows with the rate; beyond a critical rate it grows instead. Both are measured over
seeds and compared with the prediction, for the published rates and over a grid of rates and epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import numpy as np

from samestep import theory
from samestep.claims import Claim
from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.lab import Lab
from samestep.measuring import measure_runs, path
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep_experiments.learning_rate_epochs.approach import claim_approach, claim_overflow
from samestep_experiments.learning_rate_epochs.border import Border, find_border
from samestep_experiments.learning_rate_epochs.figures import draw_approach, draw_heat_map
from samestep_experiments.learning_rate_epochs.predictions import (
    descent_error,
    epochs_to_floor,
    floor_at_epoch_ends,
)
from samestep_experiments.learning_rate_epochs.runs import (
    DIVERGENT,
    LARGE,
    MIDDLE,
    PUBLISHED_EPOCHS,
    PUBLISHED_RATES,
    SMALL,
    SPEC,
    Runs,
)
from samestep_experiments.learning_rate_epochs.sweep import replay_rates

RATES = tuple(float(f"{SMALL * 10 ** (k / 4):.3g}") for k in range(13))
"""The rates of the heat map, four per factor of ten; every fourth is a published one."""

Measured: TypeAlias = Mapping[str, Mapping[str, float]]
"""What one participant measured, by claim and name."""

SEEDS = 64
MAP_SEEDS = 16


class LearningRateEpochs(Experiment):
    """More epochs help until the error meets the floor that the learning rate sets."""

    id: ClassVar = "learning-rate-epochs"
    weight: ClassVar = 2.5
    title: ClassVar = "Learning rate and epochs: does it keep on improving?"
    question: ClassVar = (
        "Vary the learning rate and the number of epochs. Does the solution keep on improving as "
        "the number of epochs grows, and what sets the limit?"
    )
    parameters: ClassVar = {
        "max_epochs": Parameter(10, "epochs of the longest fits, 4 or more"),
        "resolution": Parameter(
            0.02, "distance of the rates tried around 2/lambda_max, as a fraction of it"
        ),
    }

    def typical_fit(self) -> Plan:
        """Return the rate that is on its floor after three epochs."""
        return Plan.of(SyntheticRegression().draw(0), learning_rate=0.3, name="rate 0.3")

    def fits(self) -> dict[str, Plan]:
        """Return the published fits, one for each rate."""
        problem = SyntheticRegression().draw(0)
        return {
            f"learning rate {rate:g}": Plan.of(
                problem, learning_rate=rate, epochs=3, name=f"rate {rate:g}"
            )
            for rate in (0.003, 0.03, 0.3, 3.0)
        }

    def run(self, lab: Lab) -> str:
        """Train a grid of rates, epochs and seeds; then look for the critical rate."""
        epochs, resolution = int(lab.parameter("max_epochs")), float(lab.parameter("resolution"))
        if epochs <= PUBLISHED_EPOCHS:
            raise UsageError(
                f"max_epochs is {epochs}.",
                f"Expected more than {PUBLISHED_EPOCHS}, which are the published ones.",
            )
        if not 0.005 <= resolution <= 0.03:
            raise UsageError(
                f"resolution is {resolution:g}.",
                "Expected 0.005 to 0.03: finer, descent has to run for longer to tell contraction "
                "from growth; coarser, no rate is tried close below 2/lambda_max.",
            )
        lab.picture_of_fits(self.fits())
        plans = _grid(lab, epochs)
        dtypes = {label: item.dtype for label, item in lab.participants.items()}
        found = measure_runs(
            lab, plans, path, name=f"{len(RATES)} rates, {epochs} epochs", check=16
        )
        runs = {label: Runs.of(plans, dtypes[label], paths) for label, paths in found.items()}
        claim_approach(lab, runs)
        claim_overflow(lab, [plan for plan in plans if plan.learning_rate[0] == DIVERGENT])
        borders = find_border(lab, resolution)
        label = next(iter(borders))
        measured = {claim.id: claim.evidence[label].values for claim in lab.claims}
        _figures(lab, runs[label], measured)
        dtype = runs[label].dtype
        same = {name: mine for name, mine in runs.items() if mine.dtype == dtype}
        lab.replays.append(replay_rates(same, RATES))
        return _answer(lab.claims, runs[label], borders[label], measured)


def _grid(lab: Lab, epochs: int) -> list[Plan]:
    """Plan all rates, each on the first seeds; the published rates on more of them."""
    base = [Plan.of(problem, epochs=epochs) for problem in lab.draw(SPEC, lab.seed_count(SEEDS))]
    return [
        plan.vary(learning_rate=rate)
        for rate in RATES
        for plan in (base if rate in PUBLISHED_RATES else base[:MAP_SEEDS])
    ]


def _figures(lab: Lab, runs: Runs, measured: Measured) -> None:
    problems = runs.problems(SMALL)  # every seed has it
    overflow = _overflow(runs, measured)
    steps = np.arange(runs.steps + 1)
    lab.figure(
        "approach",
        "Error of the parameters against the step at the published rates: median and central 80 % "
        "over seeds, the predicted contraction (dashed) and the predicted floor (dotted; bars at "
        "the ends of epochs, whose last batch is short). The smaller the rate, the longer it "
        "takes, and the lower it ends.",
        draw_approach,
        errors={
            # No interpolation: divergent runs end at infinity, or as NaN.
            f"{rate:g}": np.quantile(
                np.nan_to_num(runs.at(rate), nan=np.inf, posinf=np.inf),
                [0.1, 0.5, 0.9],
                axis=1,
                method="inverted_cdf",
            )
            for rate in PUBLISHED_RATES
        },
        contraction={
            f"{rate:g}": np.median([descent_error(p, rate, steps) for p in problems], axis=0)
            for rate in PUBLISHED_RATES
        },
        floors={
            f"{rate:g}": theory.noise_floor(SPEC.noise, SPEC.num_train, rate, SPEC.batch_size)
            for rate in PUBLISHED_RATES
        },
        floors_at_ends={f"{rate:g}": floor_at_epoch_ends(SPEC, rate) for rate in PUBLISHED_RATES},
        steps_per_epoch=problems[0].steps_per_epoch,
        divergence=f"rate {DIVERGENT:g} diverges" + (f"; {overflow}" if overflow else ""),
    )
    fine = np.geomspace(RATES[0], RATES[-1], 200)
    line = np.array([epochs_to_floor(SPEC, problems[0], rate) for rate in fine])
    falling = slice(int(line.argmin()) + 1)  # near the critical rate contraction is slow again
    lab.figure(
        "heat-map",
        "Median error of the parameters over seeds, by learning rate and number of epochs. Above "
        "the line, where contraction has met the floor, more epochs change nothing; beyond the "
        "critical rate 2/lambda_max every epoch makes it worse.",
        draw_heat_map,
        rates=np.array(RATES),
        medians=np.array([np.median(runs.at_epoch_ends(rate)[1:], axis=1) for rate in RATES]),
        line_rates=fine[falling],
        line_epochs=line[falling],
        critical=float(np.median([theory.critical_rate(p) for p in problems])),
        published=np.array(PUBLISHED_RATES),
        published_epochs=PUBLISHED_EPOCHS,
    )


def _overflow(runs: Runs, measured: Measured) -> str:
    """Say at which step the first seed's loss leaves the precision; empty if it does not."""
    step = measured["overflow-step"].get("first_seed")
    return "" if step is None else f"its loss leaves {runs.dtype} at step {step:g}"


def _answer(claims: Sequence[Claim], runs: Runs, border: Border, measured: Measured) -> str:
    """Put the measured numbers of one participant into prose."""
    verdicts = [claim.holds for claim in claims]
    if False in verdicts:
        begin = "Not as predicted, see the claims that fail"
    elif None in verdicts:
        begin = "Measured, though not all of it is decided"
    else:
        begin = "Only up to a point"

    def ends(rate: float) -> str:
        medians = np.median(runs.at_epoch_ends(rate), axis=1)
        return (
            f"{medians[PUBLISHED_EPOCHS]:.2g} after {PUBLISHED_EPOCHS} epochs and "
            f"{medians[-1]:.2g} after {runs.epochs}"
        )

    factors, minibatch = measured["contraction"], measured["minibatch-gives-way-earlier"]
    overflow = _overflow(runs, measured)
    answer = (
        f"{begin}: the error contracts by a factor {factors[f'factor_{SMALL:g}']:.4f} a step at "
        f"{SMALL:g} and {factors[f'factor_{MIDDLE:g}']:.4f} at {MIDDLE:g} until it meets a floor "
        f"that grows with the rate, so that the median error is {ends(SMALL)} at {SMALL:g}, "
        f"{ends(MIDDLE)} at {MIDDLE:g}, and {ends(LARGE)} at {LARGE:g}. "
        f"At {DIVERGENT:g} it grows by a factor {measured['constant-growth']['factor']:.2g} a step"
    )
    if overflow:
        answer += f"; {overflow}"
    answer += (
        f". Full-batch descent starts to diverge at {border.crossing[0]:.4f} where 2/lambda_max is "
        f"{border.critical[0]:.4f}"
    )
    if minibatch:
        answer += (
            f"; at {minibatch['fraction']:.3g} times 2/lambda_max one step of minibatch SGD "
            f"multiplies the mean square of the error by {minibatch['factor']:.3g}"
        )
    return answer + "."


EXPERIMENT = LearningRateEpochs()
