"""A loss that is registered as a formula alone: judged by an estimate, which is said to be one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import samestep
from samestep import estimate
from samestep.errors import UsageError
from samestep.estimate import FACTOR, estimated_bound
from samestep.fuzz import random_plan, try_sound
from samestep.interface import Backend
from samestep.loss import LOSSES, Loss, register_loss
from samestep.plan import Plan
from samestep.planted import BrokenBackend, Bug
from samestep.problem import SyntheticRegression

FORMULAS = (
    # The naive log-cosh cancels near zero and overflows far from it.
    Loss.from_formula(
        "log_cosh", "log cosh r", lambda xp, r, d: xp.log(0.5 * (xp.exp(r) + xp.exp(-r)))
    ),
    Loss.from_formula(
        "pseudo_huber", "sqrt(d^2 + r^2) - d", lambda xp, r, d: xp.sqrt(d * d + r * r) - d
    ),
    Loss.from_formula(
        "pinball", "r (0.9 - [r < 0])", lambda xp, r, d: xp.where(r >= 0, 0.9 * r, -0.1 * r)
    ),
    Loss.from_formula("cauchy", "log(1 + r^2)", lambda xp, r, d: xp.log(1.0 + xp.square(r / d))),
    Loss.from_formula("unanalysed_huber", "as huber", LOSSES["huber"].value),
)
NAMES = [loss.name for loss in FORMULAS]


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """The formulas, registered while this module runs."""
    for loss in FORMULAS:
        register_loss(loss)
    yield
    for loss in FORMULAS:
        del LOSSES[loss.name]


def plan_for(name: str) -> Plan:
    return Plan.of(SyntheticRegression(num_train=72).draw(3), loss=name, learning_rate=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_both_frameworks_and_the_oracle_take_the_same_step(name: str, dtype: str) -> None:
    plan = plan_for(name)
    backends = [samestep.backend(b, dtype=dtype) for b in ("torch", "jax", "numpy")]
    comparison = samestep.compare(*(samestep.train(b, plan) for b in backends))
    assert comparison.holds
    estimated = {a.quantity: a.estimated for a in comparison.agreements}
    assert estimated == {"prediction": False, "loss": True, "gradient": True, "update": True}


def test_an_explanation_says_that_it_rests_on_an_estimate() -> None:
    plan = plan_for("pseudo_huber")
    traces = [samestep.train(samestep.backend(b), plan) for b in ("torch", "jax")]
    assert "pseudo_huber has no analysis: its rounding was estimated" in str(
        samestep.explain(*traces)
    )
    plan = plan_for("huber")
    traces = [samestep.train(samestep.backend(b), plan) for b in ("torch", "jax")]
    assert "analysis" not in str(samestep.explain(*traces))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-4), ("float64", 1e-12)])
def test_a_wrong_gradient_is_caught(name: str, dtype: str, error: float) -> None:
    bug = Bug(
        "scaled",
        "",
        "gradient",
        0,
        (),
        outputs=lambda b, v, p, g, m: (v, p, {k: x * (1 + error) for k, x in g.items()}),
    )
    sound = samestep.backend("jax", dtype=dtype)
    judgement = samestep.judge(samestep.train(BrokenBackend(sound, bug), plan_for(name)))
    assert judgement.first is not None
    assert judgement.first[0] == "gradient"


def test_sound_problems_raise_no_alarm(framework: Backend) -> None:
    alarms, judged = [], 0
    for seed in range(20):
        plan = random_plan(seed).vary(loss=NAMES[seed % len(NAMES)])
        trial = try_sound(framework, plan)
        judged += trial.judged > 0
        if trial.alarm:
            alarms.append(f"{plan.loss}, seed {seed}: {trial.alarm}")
    assert not alarms
    assert judged >= 12


def test_the_estimate_is_a_multiple_of_the_largest_deviation() -> None:
    exact = np.array([1.0, 2.0, np.inf])
    samples = np.array([[1.0, 2.5, np.inf], [0.75, 2.0, np.inf]], np.float32)
    bound = estimated_bound(exact, samples, floor=0.5)
    assert bound[:2].tolist() == [FACTOR * 0.25 + 0.5, FACTOR * 0.5 + 0.5]


def test_a_sample_that_overflows_leaves_no_bound() -> None:
    assert estimated_bound(np.array([1.0]), np.array([[np.inf], [1.0]])) == np.inf


def test_float64_needs_a_wider_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate.np, "longdouble", np.float64)
    trace = samestep.train(samestep.backend("numpy", dtype="float64"), plan_for("cauchy"))
    with pytest.raises(UsageError, match="cannot be judged in float64 on this machine"):
        samestep.judge(trace)
