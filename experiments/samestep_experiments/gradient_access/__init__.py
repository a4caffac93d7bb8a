"""How do you get at the gradient of the weights, and what is it that you get?

Every framework has several routes to a gradient; they give the same numbers. Some frameworks also
store gradients in the tensors they belong to, and what is read there after training is not the
gradient at the solution: it is that of the last minibatch, before the last update.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

import numpy as np

from samestep.claims import Claim
from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.interface import Backend
from samestep.lab import Lab
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep.theory import contraction, critical_rate, least_squares, noise_floor
from samestep.trace import Trace
from samestep_experiments.gradient_access.claims import (
    claim_differences,
    claim_ends,
    claim_routes,
    claim_stale,
    claim_stored,
    claim_uncleared,
    count,
    vector,
)
from samestep_experiments.gradient_access.figures import draw_routes, draw_stale, draw_uncleared
from samestep_experiments.gradient_access.routes import (
    Judged,
    RouteFinding,
    flat,
    judge_difference,
    judge_routes,
)
from samestep_experiments.gradient_access.stored import (
    Ends,
    UnclearedPath,
    measure_ends,
    observe_stale,
    observe_stored,
    observe_uncleared,
)

DIFFERENCE_STEPS = (1e-3, 1.0, 10.0)

_Finding = TypeVar("_Finding")


class GradientAccess(Experiment):
    """All routes give one gradient; the stored one is stale."""

    id: ClassVar = "gradient-access"
    weight: ClassVar = 2.0
    title: ClassVar = "How do you get at the gradient of the weights?"
    question: ClassVar = (
        "How do you access the gradient of the weights? Do all ways give the same numbers, and "
        "of what is it the gradient that can be read after training?"
    )
    parameters: ClassVar = {
        "learning_rate": Parameter(0.03, "learning rate of all runs"),
        "epochs": Parameter(8, "epochs of the runs over seeds"),
    }

    def fits(self, learning_rate: float = 0.03) -> dict[str, Plan]:
        """Return the fit along which gradients are taken."""
        plan = Plan.of(SyntheticRegression().draw(0), learning_rate=learning_rate)
        return {f"mean squared error, rate {learning_rate:g}": plan}

    def run(self, lab: Lab) -> str:
        """Take gradients by every route, then look at the one that is stored."""
        rate = float(lab.parameter("learning_rate"))
        problem = lab.draw(SyntheticRegression(), 1)[0]
        if not 0 < rate < critical_rate(problem):
            raise UsageError(
                f"Training does not converge at learning rate {rate:g}.",
                f"Choose one between 0 and {critical_rate(problem):.2g}.",
            )
        (traces,) = lab.picture_of_fits(self.fits(rate)).values()

        lab.progress("gradients by every route")
        routes = lab.each(lambda b: judge_routes(b, traces[b.label]))
        differences = lab.each(
            lambda b: {h: judge_difference(b, traces[b.label], h) for h in DIFFERENCE_STEPS}
        )
        all_equal = claim_routes(lab, routes)
        claim_differences(lab, differences)

        lab.progress("stored gradients")
        claim_stored(lab, _observe(lab, "stored-gradient", observe_stored, traces))
        stale = _observe(lab, "after-training", observe_stale, traces)
        is_stale = claim_stale(lab, stale)
        uncleared = _observe(lab, "without-clearing", observe_uncleared, traces)
        claim_uncleared(lab, uncleared)

        ends, is_noise = _over_seeds(lab, rate)
        _draw(lab, routes, differences, traces, uncleared)

        found = next(iter(routes.values()))
        ratio = max(finding.judged.ratio for finding in found.values())
        sentences = [
            f"By asking for it: of {count(len(found), 'route')} tried, "
            f"{'every one gives' if all_equal.holds else 'not every one gives'} the closed form, "
            f"with an error of at most {ratio:.2g} of what rounding explains."
        ]
        if is_stale.holds:
            s = next(iter(stale.values()))
            sentences.append(
                "What a tensor holds after training, as the published answer read it, is something "
                f"else: the gradient of the last minibatch ({s.rows} rows) before the last update, "
                f"here ({vector(s.stored)}), where the gradient at the solution is "
                f"({vector(s.full)})."
            )
        epochs, seeds = ends.stored.shape
        sentences.append(
            f"Over {count(seeds, 'seed')}, after {count(epochs, 'epoch')}, the gradient of the "
            "last minibatch before its update is typically "
            f"{np.median(ends.stored[-1] / ends.full[-1]):.2g} times as large as the gradient "
            f"over all examples after it, with a cosine of {np.median(ends.cosine[-1]):.2f} "
            "between them"
            + (": it shows noise, not how far training has come." if is_noise.holds else ".")
        )
        return " ".join(sentences)


def _over_seeds(lab: Lab, rate: float) -> tuple[Ends, Claim]:
    """Compare what is stored at the end of each epoch with the gradient there, over seeds."""
    from scipy import stats  # not at the top: listing the exercises imports this module

    seeds, epochs = lab.seed_count(64), int(lab.parameter("epochs"))
    spec = SyntheticRegression(num_val=0)
    problems = lab.draw(spec, seeds)
    name = f"{count(epochs, 'epoch')} at rate {rate:g}"

    def longer(baseline: Plan) -> Plan:
        runs = f"{name}, {count(baseline.runs, 'seed')}"
        return Plan.of(*baseline.problems, learning_rate=rate, epochs=epochs, name=runs)

    samples = lab.sample(spec, {name: longer}, seeds=seeds, measure=measure_ends)
    ends = {label: Ends(*by_name[name].T) for label, by_name in samples.items()}
    is_noise = claim_ends(lab, ends, obstacle=_obstacle(problems, rate, epochs, spec.noise))
    rows = spec.num_train - (problems[0].steps_per_epoch - 1) * spec.batch_size
    first = next(iter(ends.values()))
    lab.figure(
        "stale",
        "Size of the gradient of the last minibatch of each epoch, before its update, and of the "
        "gradient over all training examples after it: medians and central 80 % over seeds. The "
        "first does not fall below the size that label noise gives so few examples.",
        draw_stale,
        stored=first.stored,
        full=first.full,
        noise=2 * spec.noise / math.sqrt(rows) * float(stats.chi.median(len(spec.w) + 1)),
        rows=rows,
    )
    return first, is_noise


def _obstacle(problems: Sequence[Problem], rate: float, epochs: int, noise: float) -> str:
    """Return why, by theory, runs do not end in the state that the claims are about, or ""."""
    first = problems[0]
    steps = epochs * first.steps_per_epoch
    left = max(
        contraction(p, rate, steps).max() * np.abs(np.append(p.w, p.b) - least_squares(p)).max()
        for p in problems
    )
    if left > noise_floor(noise, first.num_train, rate, first.batch_size):
        return f"{steps} steps at rate {rate:g} do not settle: the start is not forgotten"
    if rate > min(critical_rate(p) for p in problems) / 2:
        return f"rate {rate:g} is above half of the critical one, so that single updates overshoot"
    return ""


def _observe(
    lab: Lab, name: str, observe: Callable[[Backend, Trace], _Finding], traces: Mapping[str, Trace]
) -> dict[str, _Finding]:
    """Observe those participants that have a behaviour."""
    able = [p for p in lab.participants.values() if name in p.natives]
    return lab.each_of(able, lambda backend: observe(backend, traces[backend.label]))


def _draw(
    lab: Lab,
    routes: Mapping[str, Mapping[str, RouteFinding]],
    differences: Mapping[str, Mapping[float, Judged]],
    traces: Mapping[str, Trace],
    uncleared: Mapping[str, UnclearedPath],
) -> None:
    judged = {
        label: {name: finding.judged for name, finding in routes[label].items()}
        | {f"central difference, step {h:g}": difference for h, difference in by_step.items()}
        for label, by_step in differences.items()
    }
    lab.figure(
        "routes",
        "Largest error of each route to the gradient, over four minibatches, beside what rounding "
        "explains there. A central difference of a quadratic is exact at any step, so that only "
        "the loss's rounding is left: divided by a small step, and larger far away.",
        draw_routes,
        participants={
            label: {name: (j.error, j.bound) for name, j in by_name.items()}
            for label, by_name in judged.items()
        },
    )
    if uncleared:
        label, path = next(iter(uncleared.items()))
        trace = traces[label]
        truth = (trace.parameters() - trace.error())[0]
        lab.figure(
            "uncleared",
            "Distance from the true parameters of one training loop, with and without clearing "
            "the gradients. Without, each step goes along the sum of all gradients so far, which "
            "is momentum 1: nothing brakes it.",
            draw_uncleared,
            cleared=np.linalg.norm(flat(trace.params)[:, 0] - truth, axis=-1),
            uncleared=np.linalg.norm(path.parameters - truth, axis=-1),
        )


EXPERIMENT = GradientAccess()
