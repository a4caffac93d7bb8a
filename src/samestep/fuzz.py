"""Random sound problems: a cross-check that cries wolf on one of them is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samestep.interface import Backend
from samestep.judgement import judge
from samestep.loss import LOSSES
from samestep.plan import Plan
from samestep.problem import Problem
from samestep.referee import QUANTITIES
from samestep.training import train

__all__ = ["Trial", "random_plan", "try_seeds", "try_sound"]

# Shapes come from short lists, so that a framework that compiles can reuse what it compiled.
_EXAMPLES = (1, 2, 3, 5, 8, 33, 96, 500, 5000)
_FEATURES = (1, 2, 5, 16, 64, 512)
_BATCHES = (1, 2, 7, 32, 256)


@dataclass(frozen=True)
class Trial:
    """One sound problem on one participant.

    Parameters
    ----------
    seed : int
    participant : str
    plan : Plan
    alarm : str
        What the cross-check complained about; empty if it held.
    judged : int
        Numbers that were compared; 0 if the very first one overflowed.
    looseness : dict of str to float
        Median over steps of observed error over bound, by quantity.
    """

    seed: int
    participant: str
    plan: Plan
    alarm: str
    judged: int
    looseness: dict[str, float]

    @property
    def dtype(self) -> str:
        """The working precision."""
        return self.participant.rsplit("/", maxsplit=1)[-1]


def random_plan(seed: int) -> Plan:
    """Draw a sound but unpleasant problem and a plan for it.

    Sizes from 1 to 5,000 examples and 1 to 512 features, condition numbers from 1 to 1e6, scales of
    data and parameters from 1e-12 to 1e12 (some from 1e-30 to 1e30), rates from 0 to beyond
    divergence, all losses, reductions and options of SGD.
    """
    rng = np.random.default_rng([seed, 1])
    n, d = int(rng.choice(_EXAMPLES)), int(rng.choice(_FEATURES))
    width = 30 if rng.random() < 0.1 else 12 if rng.random() < 0.3 else 2

    def scale() -> float:
        return float(10 ** rng.uniform(-width, width))

    spectrum = np.logspace(0, -rng.uniform(0, 6), d)
    X = rng.standard_normal((n, d)) * spectrum
    if d > 1 and rng.random() < 0.5:
        X = X @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    X *= scale() if rng.random() < 0.5 else 1.0
    w, size = rng.standard_normal(d), scale() if rng.random() < 0.5 else 1.0
    # What float32 cannot hold is refused before it is trained, and would try nothing.
    size = min(size, 1e30 / max(1.0, float(np.abs(X).sum(1).max())))
    y = X @ w * size + size * rng.choice([0.0, 0.01, 1.0]) * rng.standard_normal(n)
    problem = Problem(
        X=X,
        y=y,
        w=size * rng.standard_normal(d) * rng.choice([0.0, 1e-3, 1.0]),
        b=np.asarray(size * rng.standard_normal() * rng.choice([0.0, 1.0])),
        batch_size=int(rng.choice(_BATCHES)),
        seed=seed,
    )
    with np.errstate(all="ignore"):
        curvature = 2 * float((X * X).sum(1).mean() + 1)
    rate = float(rng.choice([0.0, 1e-3, 0.1, 0.9, 3.0])) / curvature
    momentum = float(rng.choice([0.0, 0.0, 0.9, 0.99]))
    return Plan.of(
        problem,
        loss=str(rng.choice(sorted(LOSSES))),
        reduction="mean" if rng.random() < 0.5 else "sum",
        delta=float(rng.choice([1.0, 0.3, 1e-3, 1e3])),
        learning_rate=rate if np.isfinite(rate) else 0.0,
        epochs=max(1, min(6, 24 // problem.steps_per_epoch)),
        momentum=momentum,
        nesterov=bool(momentum and rng.random() < 0.5),
        weight_decay=float(rng.choice([0.0, 0.0, 1e-3, 0.1])),
        name=f"sound problem {seed}",
    )


def try_seeds(backend: Backend, seeds: Sequence[int]) -> list[Trial]:
    """Run the random plans of some seeds, and judge every step of each."""
    return [try_sound(backend, random_plan(seed), seed) for seed in seeds]


def try_sound(backend: Backend, plan: Plan, seed: int = 0) -> Trial:
    """Run one sound plan and judge every step."""
    judgement = judge(train(backend, plan))
    found = judgement.first
    alarm = ""
    if found:
        quantity, finding = found
        alarm = (
            f"{quantity} at step {finding.step}, {finding.element}: error {finding.error:.3g}, "
            f"bound {finding.bound:.3g}"
        )
    elif not judgement.holds:
        alarm = "numbers stop being finite without overflow"
    looseness = {q: judgement.verdicts[q].median_ratio for q in QUANTITIES}
    judged = sum(verdict.judged for verdict in judgement.verdicts.values())
    return Trial(seed, backend.label, plan, alarm, judged, looseness)
