"""Does the cross-check catch what it should, and nothing else? What ``samestep selftest`` does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.divergence import Divergence, explain
from samestep.interface import Backend
from samestep.judgement import judge
from samestep.plan import Plan
from samestep.planted import BUGS, BrokenBackend, Bug, sound_plan
from samestep.problem import SyntheticRegression
from samestep.training import train

__all__ = ["BugResult", "Sensitivity", "sensitivity", "sound_plans", "try_bug"]


@dataclass(frozen=True)
class BugResult:
    """What the cross-check said about a planted bug.

    Parameters
    ----------
    bug : Bug
    participant : str
        The sound backend that it was planted in.
    divergence : Divergence or None
        None if the bug was not caught.
    """

    bug: Bug
    participant: str
    divergence: Divergence | None

    @property
    def caught(self) -> bool:
        """Whether anything was found."""
        return self.divergence is not None

    @property
    def step_right(self) -> bool:
        """Whether the first divergence is at the step where the bug first shows."""
        return self.divergence is not None and self.divergence.finding.step == self.bug.step

    @property
    def quantity_right(self) -> bool:
        """Whether the quantity that is wrong first was named."""
        return self.divergence is not None and self.divergence.quantity == self.bug.quantity

    @property
    def cause_right(self) -> bool:
        """Whether the right cause stands first among those that fit."""
        causes = self.divergence.causes if self.divergence else ()
        return bool(causes) and causes[0].id in self.bug.causes


def try_bug(sound: Backend, bug: Bug) -> BugResult:
    """Plant a bug in a backend of the bug's precision and compare it with the sound one."""
    plan = sound_plan(**bug.plan)
    broken = BrokenBackend(sound, bug)
    found = explain(train(sound, plan), train(broken, plan))
    ours = [d for d in found.divergences if d.participant == broken.label]
    return BugResult(bug, sound.label, ours[0] if ours else None)


def sound_plans() -> list[Plan]:
    """Plans of the planted bugs, each once: sound backends must pass them."""
    return list({repr(sorted(b.plan.items())): sound_plan(**b.plan) for b in BUGS}.values())


@dataclass(frozen=True)
class Sensitivity:
    """The smallest relative error of the gradient that is still caught, and how loose the bound is.

    Parameters
    ----------
    participant : str
    batch_size, features : int
    smallest : float
        Smallest factor e, on a grid of two per octave, such that a gradient times 1 + e is caught.
    looseness : dict of str to float
        Median over steps of error over bound of the sound run, by quantity.
    """

    participant: str
    batch_size: int
    features: int
    smallest: float
    looseness: dict[str, float]

    @property
    def dtype(self) -> str:
        """The working precision."""
        return self.participant.rsplit("/", maxsplit=1)[-1]


def sensitivity(item: Backend, *, batch_size: int, features: int, seed: int = 0) -> Sensitivity:
    """Find the smallest relative gradient error that is caught in 24 steps of a fit."""
    rng = np.random.default_rng([seed, features])
    spec = SyntheticRegression(
        w=tuple(rng.standard_normal(features)),
        num_train=12 * batch_size,
        num_val=0,
        batch_size=batch_size,
    )
    plan = Plan.of(spec.draw(seed), epochs=2, learning_rate=0.5 / (features + 1))
    sound = judge(train(item, plan))

    def caught(error: float) -> bool:
        bug = Bug(
            "scaled",
            "",
            "gradient",
            0,
            (),
            outputs=lambda b, v, p, g, m: (
                v,
                p,
                {name: value * (1 + error) for name, value in g.items()},
            ),
        )
        return not judge(train(BrokenBackend(item, bug), plan)).holds

    exponents = np.arange(-104, 0)
    low, high = 0, len(exponents) - 1
    while low < high:
        middle = (low + high) // 2
        if caught(float(2.0 ** (exponents[middle] / 2))):
            high = middle
        else:
            low = middle + 1
    return Sensitivity(
        item.label,
        batch_size,
        features,
        float(2.0 ** (exponents[low] / 2)),
        {q: v.median_ratio for q, v in sound.verdicts.items()},
    )
