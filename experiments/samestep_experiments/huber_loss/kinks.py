"""Claims about single residuals: is each form what its formula says, also at its kinks?"""

from __future__ import annotations

import numpy as np

from samestep.claims import Evidence
from samestep.interface import Backend
from samestep.lab import Lab
from samestep.rounding import Tolerance
from samestep_experiments.huber_loss.forms import (
    AT_DELTA,
    FORMS,
    PUBLISHED,
    SHIPPED,
    Case,
    Response,
    ratio_to_bound,
    respond,
)

DELTAS = (1.0, 1.7)
"""Where losses are looked at: at 1 Huber's loss and smooth L1 coincide; 1.7 has to be rounded."""


def compare_forms(lab: Lab) -> dict[str, dict[Case, Response]]:
    """State that values and slopes are the closed form's, in shared code and as shipped.

    Returns
    -------
    dict of str to dict of Case to Response
        By participant.
    """
    responses: dict[str, dict[Case, Response]] = lab.each(
        lambda backend: respond(backend, cases_of(backend))
    )
    dtypes = {label: lab.participants[label].dtype for label in responses}
    tried = f"delta = {DELTAS[0]:g} and {DELTAS[1]:g}"
    for name in FORMS:
        lab.claim(
            f"closed-form-{name.replace('_', '-')}",
            f"Value and slope of the shared {name} are those of its formula at |r| = delta, just "
            f"inside and just outside, and elsewhere ({tried}), within rounding.",
            {
                label: _within(found, name, dtypes[label], shipped=False)
                for label, found in responses.items()
            },
        )
    for name in SHIPPED:
        lab.claim(
            f"shipped-{name.replace('_', '-')}",
            f"The framework's own {name} has the value and slope of the formula at the same "
            "residuals, one by one and as their mean and their sum, within rounding.",
            {
                label: _within(found, name, dtypes[label], shipped=True)
                for label, found in responses.items()
            },
        )
    _coincide_at_one(lab, responses)
    _kink_of_huber(lab, responses)
    return responses


def shipped_by(backend: Backend) -> list[str]:
    """Names of the losses that a backend ships."""
    return [name for name in SHIPPED if f"loss/{name}" in backend.native]


def cases_of(backend: Backend) -> list[Case]:
    """What a participant is asked: the three forms, and what it ships, with each reduction."""
    cases = []
    for delta in DELTAS:
        cases += [Case(name, delta) for name in FORMS]
        for name in shipped_by(backend):
            cases += [
                Case(name, delta, "none"),
                Case(name, delta, "mean"),
                Case(name, delta, "sum"),
            ]
    return cases


def _within(responses: dict[Case, Response], name: str, dtype: str, *, shipped: bool) -> Evidence:
    ratios = {
        case: ratio_to_bound(case, response, dtype)
        for case, response in responses.items()
        if case.loss == name and (case.shipped is not None) == shipped
    }
    if not ratios:
        return Evidence.not_applicable("this backend ships none")
    worst = float(np.max(list(ratios.values())))
    residuals = len(next(iter(responses.values())).residual)
    around = "" if shipped else _around_the_kink(responses[Case(name, DELTAS[-1])])
    return Evidence(
        worst <= 1,
        f"{residuals} residuals per delta, largest error over its bound: {worst:.3g}{around}",
        {"largest_error_over_bound": worst},
    )


def _around_the_kink(response: Response) -> str:
    """Name value and slope just inside, at and just outside the last delta, on either side."""
    sides = []
    for sign, start in (("", AT_DELTA.start), ("-", AT_DELTA.stop)):
        at = slice(start, start + 3)
        numbers = (", ".join(f"{x:.6g}" for x in values[at]) for values in response[1:])
        sides.append("at r = {}delta value {} and slope {}".format(sign, *numbers))
    return f"; inside, at and outside, delta = {DELTAS[-1]:g}: " + "; ".join(sides)


def _coincide_at_one(lab: Lab, responses: dict[str, dict[Case, Response]]) -> None:
    one, other = DELTAS

    def gap(by_case: dict[Case, Response], delta: float) -> float:
        first, second = by_case[Case("huber", delta)], by_case[Case("smooth_l1", delta)]
        return float(
            max(
                np.abs(first.value - second.value).max(),
                np.abs(first.slope - second.slope).max(),
            )
        )

    lab.claim(
        "coincide-at-one",
        f"Huber's loss and smooth L1 are equal for delta = {one:g}, to the bit, which hides that "
        f"they are two losses: for {other:g} they differ.",
        {
            label: Evidence(
                gap(found, one) == 0.0 and gap(found, other) > 0.0,
                f"largest difference: {gap(found, one):.3g} for {one:g}, "
                f"{gap(found, other):.3g} for {other:g}",
            )
            for label, found in responses.items()
        },
    )


def _kink_of_huber(lab: Lab, responses: dict[str, dict[Case, Response]]) -> None:
    evidence = {}
    for label, by_case in responses.items():
        tolerance = Tolerance(lab.participants[label].dtype)
        jumps = {
            case: float(np.ptp(answer.slope[AT_DELTA]))
            for case, answer in by_case.items()
            if case.shipped in (None, "none")
        }
        # Delta's neighbours are within 2 units of roundoff; each slope meets up to 6 roundings.
        rounding = tolerance.c(2) + 2 * tolerance.c(6)
        huber = max(jump / case.delta for case, jump in jumps.items() if case.loss == "huber")
        trap = min(jump / case.delta for case, jump in jumps.items() if case.loss == PUBLISHED)
        evidence[label] = Evidence(
            huber <= rounding < trap,
            f"slopes from inside to outside differ by {huber:.3g} delta (rounding explains "
            f"{rounding:.3g}); those of the published formula by {trap:.3g} delta",
            {"jump_huber": huber, "jump_published": trap},
        )
    lab.claim(
        "one-slope-at-the-kink",
        "At |r| = delta the slopes of Huber's loss from inside and from outside coincide, so that "
        "it does not matter which of them a framework takes; those of the published formula do "
        "not.",
        evidence,
    )
