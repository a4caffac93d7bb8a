"""Equivalent learning rates: each is proven by two runs that take the same step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

import samestep
from samestep.conventions import Convention, equivalent_learning_rate
from samestep.errors import UsageError
from samestep.interface import Backend
from samestep.loss import LOSSES
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression

B = 30  # no power of two: dividing by it rounds
PROBLEM = SyntheticRegression(num_train=4 * B, num_val=0, batch_size=B, noise=1.0).draw(0)

MSE, HALF = Convention(), Convention("half_squared_error")
HUBER, SMOOTH = Convention("huber", delta=1.7), Convention("smooth_l1", delta=1.7)


def summed(convention: Convention) -> Convention:
    return Convention(convention.loss, "sum", convention.delta)


PAIRS = {
    "MSE to half MSE": (MSE, HALF),
    "mean to sum": (MSE, summed(MSE)),
    "mean of L1 to sum": (Convention("absolute_error"), summed(Convention("absolute_error"))),
    "Huber to smooth L1": (HUBER, SMOOTH),
    "mean of Huber to sum of smooth L1": (HUBER, summed(SMOOTH)),
    "MSE to sum of half MSE": (MSE, summed(HALF)),
    "itself": (HUBER, HUBER),
}
ALL = {**PAIRS, **{f"{name}, backwards": (b, a) for name, (a, b) in PAIRS.items()}}


def plan(
    convention: Convention,
    learning_rate: float,
    problem: Problem = PROBLEM,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Plan:
    return Plan.of(
        problem,
        loss=convention.loss,
        reduction=convention.reduction,
        delta=convention.delta,
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=momentum > 0,
        weight_decay=weight_decay,
    )


def rate_of(convention: Convention) -> float:
    return 0.1 if convention.reduction == "mean" else 0.1 / B


@pytest.mark.parametrize(("given", "wanted"), ALL.values(), ids=ALL.keys())
def test_the_equivalent_rate_takes_the_same_step(
    framework: Backend, given: Convention, wanted: Convention
) -> None:
    reference = plan(given, rate_of(given))
    rate = equivalent_learning_rate(rate_of(given), given, wanted, rows=reference.rows)
    follower = samestep.train(framework, plan(wanted, rate))
    assert samestep.judge(follower, plan=reference).holds


@pytest.mark.parametrize(("given", "wanted"), ALL.values(), ids=ALL.keys())
def test_momentum_changes_nothing_but_the_unit_of_the_velocity(
    given: Convention, wanted: Convention
) -> None:
    reference = plan(given, rate_of(given), momentum=0.5)
    rate = equivalent_learning_rate(rate_of(given), given, wanted, rows=B)
    follower = samestep.train(samestep.oracle(), plan(wanted, rate, momentum=0.5))
    factor = rate / rate_of(given)
    velocities = {name: factor * v for name, v in follower.state.items()}
    assert samestep.judge(replace(follower, state=velocities), plan=reference).holds
    if factor != 1:
        assert not samestep.judge(follower, plan=reference).holds


@pytest.mark.parametrize(("given", "wanted"), ALL.values(), ids=ALL.keys())
def test_another_rate_does_not(given: Convention, wanted: Convention) -> None:
    rate = equivalent_learning_rate(rate_of(given), given, wanted, rows=B)
    follower = samestep.train(samestep.oracle(), plan(wanted, rate * (1 + 1e-9)))
    assert not samestep.judge(follower, plan=plan(given, rate_of(given))).holds


def test_known_factors_are_exact() -> None:
    assert equivalent_learning_rate(0.03, MSE, HALF) == 0.06
    assert equivalent_learning_rate(0.3, HUBER, SMOOTH) == 0.3 * 1.7
    assert equivalent_learning_rate(0.5, MSE, summed(MSE), rows=32) == 0.5 / 32
    assert equivalent_learning_rate(0.5, summed(MSE), MSE, rows=32) == 16.0
    assert equivalent_learning_rate(0.0, MSE, HALF) == 0.0


@settings(max_examples=50, deadline=None)
@for_all(
    st.sampled_from(sorted(LOSSES)),
    st.floats(1e-3, 1e3),
    st.integers(1, 10_000),
    st.floats(1e-6, 10),
)
def test_back_and_forth_is_where_it_began(loss: str, delta: float, rows: int, rate: float) -> None:
    mean = Convention(loss, "mean", delta)
    there = equivalent_learning_rate(rate, mean, summed(mean), rows=rows)
    assert equivalent_learning_rate(there, summed(mean), mean, rows=rows) == pytest.approx(
        rate, rel=1e-15
    )


def test_coupled_decay_is_divided_by_the_factor() -> None:
    reference = plan(MSE, 0.1, weight_decay=0.5)
    halved = samestep.train(samestep.oracle(), plan(HALF, 0.2, weight_decay=0.25))
    kept = samestep.train(samestep.oracle(), plan(HALF, 0.2, weight_decay=0.5))
    assert samestep.judge(halved, plan=reference).holds
    assert not samestep.judge(kept, plan=reference).holds


@pytest.mark.parametrize(
    ("given", "wanted", "quoted"),
    [
        (MSE, Convention("huber"), "at 1024 they are 1 and 2048"),
        (Convention("huber"), Convention("huber", delta=2.0), "mean of huber with delta 2"),
        (Convention("absolute_error"), SMOOTH, "smooth_l1 with delta 1.7"),
        (MSE, Convention("absolute_error"), "mean of absolute_error take"),
        (Convention("smooth_l1", delta=1e-9), Convention("absolute_error"), "at a residual of"),
    ],
)
def test_losses_that_are_no_factor_apart_are_told_where_they_part(
    given: Convention, wanted: Convention, quoted: str
) -> None:
    for pair in ((given, wanted), (wanted, given)):
        with pytest.raises(UsageError, match="No learning rate makes"):
            equivalent_learning_rate(0.1, *pair)
    with pytest.raises(UsageError, match=quoted):
        equivalent_learning_rate(0.1, given, wanted)


def test_batches_of_different_sizes_are_no_factor_apart() -> None:
    ragged = SyntheticRegression(num_train=100, num_val=0, batch_size=32).draw(0)
    baseline = plan(MSE, 0.1, ragged)
    with pytest.raises(UsageError, match="4 to 32"):
        equivalent_learning_rate(0.1, MSE, summed(MSE), rows=baseline.rows)
    # As the hint says: reweighted, the last batch of the sum counts as much as the others.
    rate = equivalent_learning_rate(0.1, MSE, summed(MSE), rows=32)
    for last_batch, holds in (("reweight", True), ("keep", False)):
        follower = Plan.of(
            ragged,
            reduction="sum",
            learning_rate=rate,
            last_batch="reweight" if last_batch == "reweight" else "keep",
        )
        trace = samestep.train(samestep.oracle(), follower)
        assert samestep.judge(trace, plan=baseline).holds is holds
    # A factor that does not depend on the rows is the same for all batches.
    assert equivalent_learning_rate(0.1, MSE, HALF, rows=baseline.rows) == 0.2


def test_padding_of_a_stack_is_no_batch_size() -> None:
    runs = samestep.stack([plan(MSE, 0.1), plan(MSE, 0.1).vary(epochs=5)])
    assert (runs.rows == 0).any()
    assert equivalent_learning_rate(0.3, MSE, summed(MSE), rows=runs.rows) == 0.3 / B


@pytest.mark.parametrize("rows", [None, 0, -1, 2.5, "32", np.array([], int), np.array([32, -1])])
def test_rows_must_be_given_and_positive(rows: object) -> None:
    with pytest.raises(UsageError, match="rows"):
        equivalent_learning_rate(0.1, MSE, summed(MSE), rows=rows)  # type: ignore[arg-type]


def test_conventions_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'huber'"):
        Convention("hubert")
    with pytest.raises(UsageError, match="reduction"):
        Convention(reduction="median")  # type: ignore[arg-type]
    for delta in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="delta"):
            Convention("huber", delta=delta)
    for rate in (-0.1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="learning_rate"):
            equivalent_learning_rate(rate, MSE, HALF)
