"""The training loop beside the loops that users of the frameworks write, for every loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import optax
import pytest
from samestep_jax.native import exercises as in_jax
from samestep_torch.native import exercises as in_torch

from samestep import Plan, SyntheticRegression, Trace, compare, train
from samestep.interface import Backend
from samestep.native import DeviceProblem, Record, as_trace

EPOCHS, BATCH_SIZE, RATE, DELTA = 3, 8, 0.01, 1.5
PROBLEM = SyntheticRegression(num_train=20, num_val=0, batch_size=BATCH_SIZE).draw(0)
"""Three steps an epoch, the last of four rows."""

OPTIONS: dict[str, Any] = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}


def shipped_or_by_hand(backend: Backend, loss: str) -> Callable[..., Any]:
    by_hand = f"loss-by-hand/{loss}"
    return backend.native[by_hand if by_hand in backend.native else f"loss/{loss}"]


def torch_loop(problem: DeviceProblem, loss: Callable[..., Any], reduction: str) -> Record:
    loss_function = functools.partial(loss, delta=DELTA, reduction=reduction)
    return in_torch.fit(problem, loss_function, EPOCHS, BATCH_SIZE, lr=RATE, **OPTIONS)


def jax_loop(problem: DeviceProblem, loss: Callable[..., Any], reduction: str) -> Record:
    def sgd(rate: float) -> optax.GradientTransformation:
        decay = optax.add_decayed_weights(OPTIONS["weight_decay"])
        return optax.chain(
            decay, optax.sgd(rate, momentum=OPTIONS["momentum"], nesterov=OPTIONS["nesterov"])
        )

    reduce = {"mean": in_jax.mean, "sum": in_jax.total}[reduction]
    elementwise = functools.partial(loss, delta=DELTA, reduction="none")
    return in_jax.fit(problem, reduce(elementwise), RATE, EPOCHS, BATCH_SIZE, sgd)


LOOPS = {"torch": torch_loop, "jax": jax_loop}


def by_hand(backend: Backend, plan: Plan) -> Trace:
    problem = DeviceProblem.on(backend, PROBLEM, EPOCHS)
    loss = shipped_or_by_hand(backend, plan.loss)
    with backend.scope():
        record = LOOPS[backend.name](problem, loss, plan.reduction)
    return as_trace(backend, plan, record)


@pytest.mark.parametrize(
    ("loss", "reduction"),
    [
        ("squared_error", "mean"),
        ("half_squared_error", "sum"),
        ("absolute_error", "mean"),
        ("huber", "sum"),
        ("smooth_l1", "mean"),
    ],
)
def test_a_fit_is_the_native_loop_step_by_step(
    framework: Backend, loss: str, reduction: Any
) -> None:
    settings: dict[str, Any] = {"reduction": reduction, "delta": DELTA, "learning_rate": RATE}
    plan = Plan.of(PROBLEM, loss=loss, **settings, **OPTIONS)
    ours, theirs = train(framework, plan), by_hand(framework, plan)
    assert sorted(theirs.state) == ["b", "w"]
    comparison = compare(ours, theirs)
    assert comparison.holds, comparison.agreements
    assert ours.seconds > 0
    # Few steps do not amplify rounding: the whole paths agree to some units.
    eps = np.finfo(framework.dtype).eps
    gaps = {agreement.quantity: agreement.relative_gap for agreement in comparison.agreements}
    assert max(gaps.values()) <= 256 * eps, gaps


def test_another_momentum_is_noticed(framework: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan.of(PROBLEM, delta=DELTA, learning_rate=RATE, **OPTIONS)
    ours = train(framework, plan)
    monkeypatch.setitem(OPTIONS, "momentum", 0.91)
    assert not compare(ours, by_hand(framework, plan)).holds
