"""The claims of :mod:`~samestep_experiments.gradient_access` and their evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from samestep.claims import Claim, Evidence, decide, quantile_interval
from samestep.lab import Lab
from samestep.loss import Float64
from samestep_experiments.gradient_access.routes import Judged, RouteFinding
from samestep_experiments.gradient_access.stored import (
    Ends,
    StaleGradient,
    StoredGradient,
    UnclearedPath,
)

_Finding = TypeVar("_Finding")


def claim_routes(lab: Lab, routes: Mapping[str, Mapping[str, RouteFinding]]) -> Claim:
    """All routes give the closed form, and leave nothing behind."""
    closed, returned = {}, {}
    for label, found in routes.items():
        gradients = np.stack([finding.gradients for finding in found.values()])
        equal = max(sum(np.array_equal(one, other) for other in gradients) for one in gradients)
        spread = float(np.ptp(gradients, axis=0).max())
        judged = Judged.worst(finding.judged for finding in found.values())
        closed[label] = Evidence(
            judged.holds,
            f"{count(len(found), 'route')}: error at most {judged.error:.2g} (bound "
            f"{judged.bound:.2g}); {equal} of {len(found)} equal to the bit, all within "
            f"{spread:.2g} of each other",
            {"error": judged.error, "error_over_bound": judged.ratio, "spread": spread},
        )
        odd = [name for name, finding in found.items() if not finding.repeats]
        returned[label] = Evidence(
            not odd,
            f"not so: {', '.join(odd)}" if odd else f"observed on {count(len(found), 'route')}",
        )
    agree = lab.claim(
        "routes",
        "Every route to the gradient gives the closed form 2/m Z^T (Z p - y), on full minibatches "
        "and on the short one that ends an epoch, within the rounding of one step.",
        closed,
    )
    lab.claim(
        "returned",
        "A second call of a route on the same arrays returns the same bits and finds its inputs "
        "unchanged: what accumulates is what a tensor stores, not what a call returns.",
        returned,
    )
    return agree


def claim_differences(lab: Lab, differences: Mapping[str, Mapping[float, Judged]]) -> None:
    """Central differences give the gradient at any step."""
    steps = next(iter(differences.values()))
    lab.claim(
        "finite-difference",
        "A central difference of the squared error is its derivative, within rounding, at steps "
        f"of {', '.join(f'{h:g}' for h in steps)} alike: a quadratic has no error of truncation.",
        {
            label: Evidence(
                all(judged.holds for judged in by_step.values()),
                "; ".join(
                    f"step {h:g}: error {judged.error:.2g} (bound {judged.bound:.2g})"
                    for h, judged in by_step.items()
                ),
                {f"error_at_{h:g}": judged.error for h, judged in by_step.items()},
            )
            for label, by_step in differences.items()
        },
    )


def claim_stored(lab: Lab, stored: Mapping[str, StoredGradient]) -> None:
    """What a stored gradient does, from before the first backward pass to after its clearing."""
    for id_, statement, observed in (
        (
            "absent-before-backward",
            "Before the first backward pass there is no stored gradient, not even zeros.",
            lambda s: {"nothing stored before it": s.absent_before},
        ),
        (
            "accumulates",
            "Two backward passes without clearing store exactly twice the gradient, to the bit.",
            lambda s: {"exactly twice": s.doubles},
        ),
        (
            "clearing",
            "Clearing stores nothing or stores zeros, depending on one argument (set_to_none).",
            lambda s: {
                "nothing stored with set_to_none": s.absent_when_cleared,
                "zeros stored without": s.zero_when_cleared,
            },
        ),
    ):
        lab.claim(id_, statement, _where_stored(lab, stored, _seen(observed)))


def _seen(
    observed: Callable[[StoredGradient], dict[str, bool]],
) -> Callable[[StoredGradient], Evidence]:
    def judge(stored: StoredGradient) -> Evidence:
        facts = observed(stored)
        text = "; ".join(f"{what}: {'yes' if so else 'no'}" for what, so in facts.items())
        return Evidence(all(facts.values()), text)

    return judge


def claim_stale(lab: Lab, stale: Mapping[str, StaleGradient]) -> Claim:
    """What is stored after training is the last minibatch's gradient before the last update."""
    return lab.claim(
        "stale",
        "What is stored after training is the gradient of the last minibatch before the last "
        "update; it is neither that minibatch's gradient at the final parameters nor the gradient "
        "over all training examples.",
        _where_stored(
            lab,
            stale,
            lambda s: Evidence(
                s.before.holds and not s.after.holds and not s.solution.holds,
                f"stored ({vector(s.stored)}); off the last minibatch's ({s.rows} rows) before "
                f"the update by {s.before.error:.2g} (bound {s.before.bound:.2g}), after it by "
                f"{s.after.error:.2g}; at the solution ({vector(s.full)})",
                {
                    "error_before_update": s.before.error,
                    "error_after_update": s.after.error,
                    "error_at_solution": s.solution.error,
                },
            ),
        ),
    )


def claim_uncleared(lab: Lab, uncleared: Mapping[str, UnclearedPath]) -> None:
    """A loop that never clears is one with momentum 1."""
    lab.claim(
        "forgetting-to-clear",
        "A training loop that never clears takes step 0 rightly and leaves the plan at step 1; "
        "every step it takes is that of SGD with momentum 1.",
        _where_stored(
            lab,
            uncleared,
            lambda u: Evidence(
                u.leaves_at == 1 and u.momentum_ratio <= 1,
                f"leaves at step {u.leaves_at}; against momentum 1 the error is at most "
                f"{u.momentum_ratio:.2g} of its bound",
                {"leaves_at": u.leaves_at, "error_over_bound": u.momentum_ratio},
            ),
        ),
    )


def claim_ends(lab: Lab, ends: Mapping[str, Ends], *, obstacle: str) -> Claim:
    """Over seeds, at the end of training: how the stored gradient compares with the full one."""
    larger, opposed = {}, {}
    for label, found in ends.items():
        if obstacle:
            larger[label] = opposed[label] = Evidence.not_applicable(obstacle)
            continue
        epochs, seeds = found.stored.shape
        ratio = quantile_interval(found.stored[-1] / found.full[-1])
        cosine = quantile_interval(found.cosine[-1])
        setting = f"after {epochs} epochs, {count(seeds, 'seed')}"
        larger[label] = Evidence(
            decide(ratio, above=1),
            f"{setting}: median ratio of the sizes {ratio}",
            {"median_ratio": ratio.estimate, "seeds": seeds},
        )
        opposed[label] = Evidence(
            decide(cosine, below=0),
            f"{setting}: median cosine of the angle {cosine}",
            {"median_cosine": cosine.estimate, "seeds": seeds},
        )
    noise = lab.claim(
        "larger",
        "Once training has settled, the gradient of the last minibatch before its update is larger "
        "in the typical run than that over all examples after it: it measures noise, not how far "
        "training has come.",
        larger,
    )
    lab.claim(
        "opposed",
        "Once training has settled, the gradient of the last minibatch before its update and that "
        "over all examples after it make an obtuse angle in the typical run: the update went too "
        "far along the noise of its few examples.",
        opposed,
    )
    return noise


def vector(gradient: Float64) -> str:
    """Format a gradient as w1, w2, ..., b."""
    return ", ".join(f"{value:.2g}" for value in gradient)


def count(number: int, noun: str) -> str:
    """Write a number of things: 1 route, 8 routes."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _where_stored(
    lab: Lab, found: Mapping[str, _Finding], judge: Callable[[_Finding], Evidence]
) -> dict[str, Evidence]:
    """Evidence of those that store gradients; the others state why it does not apply to them."""
    reason = "a gradient is a value that a call returns; no tensor stores one"
    return {
        label: judge(found[label]) if label in found else Evidence.not_applicable(reason)
        for label in lab.participants
    }
