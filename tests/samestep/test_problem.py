"""Problems: the same bytes for the same seed, whatever else is asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samestep import Problem, SyntheticRegression, UsageError

RANDOM_PARTS = ("X", "y", "w", "b", "X_val", "y_val")


def problem(n: int = 5, features: int = 2, **changes: Any) -> Problem:
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {
        "X": rng.standard_normal((n, features)),
        "y": rng.standard_normal(n),
        "w": np.zeros(features),
        "b": np.zeros(()),
    }
    return Problem(**(values | changes))


def bytes_of(drawn: Problem, *names: str) -> list[bytes]:
    return [getattr(drawn, name).tobytes() for name in names]


@pytest.mark.parametrize("start", ["normal", "uniform"])
def test_equal_seeds_give_equal_bytes(start: Any) -> None:
    spec = SyntheticRegression(start=start)
    first = spec.draw(7)
    spec.draw(8)  # what was drawn in between does not matter
    second = spec.draw(7)
    assert bytes_of(first, *RANDOM_PARTS) == bytes_of(second, *RANDOM_PARTS)
    assert first.order(1).tobytes() == second.order(1).tobytes()
    assert first.hash == second.hash


def test_another_seed_changes_every_random_part() -> None:
    spec = SyntheticRegression(start="uniform")
    first, second = spec.draw(0), spec.draw(1)
    for name in RANDOM_PARTS:
        assert not np.any(getattr(first, name) == getattr(second, name)), name
    assert not np.array_equal(first.order(0), second.order(0))
    assert first.hash != second.hash


def test_the_random_parts_of_one_seed_are_independent() -> None:
    drawn = SyntheticRegression().draw(3)
    assert drawn.X_val is not None
    correlation = np.corrcoef(drawn.X.ravel(), drawn.X_val.ravel())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(drawn.X.size)


def test_validation_data_changes_nothing_else() -> None:
    without, with_ = (SyntheticRegression(num_val=count).draw(3) for count in (0, 1000))
    assert without.X_val is None
    assert without.y_val is None
    assert with_.X_val is not None
    assert with_.X_val.shape == (1000, 2)
    assert bytes_of(without, "X", "y", "w", "b") == bytes_of(with_, "X", "y", "w", "b")
    assert np.array_equal(without.order(2), with_.order(2))


def test_the_start_changes_only_the_initial_values() -> None:
    normal, uniform = (SyntheticRegression(start=start).draw(3) for start in ("normal", "uniform"))
    same = ("X", "y", "X_val", "y_val")
    assert bytes_of(normal, *same) == bytes_of(uniform, *same)
    assert np.array_equal(normal.order(0), uniform.order(0))
    assert normal.b == 0
    assert np.abs(normal.w).max() < 0.06
    assert 0.06 < np.abs(uniform.w).max() <= 1 / np.sqrt(2)


def test_the_data_obey_the_model() -> None:
    spec = SyntheticRegression(w=(1.0, -2.0, 3.0), b=0.5, noise=0.1, num_train=4000)
    drawn = spec.draw(0)
    noise = drawn.y - drawn.X @ np.array(spec.w) - spec.b
    assert abs(noise.std() - 0.1) < 0.1 * 5 / np.sqrt(2 * 4000)
    assert abs(noise.mean()) < 0.1 * 5 / np.sqrt(4000)
    assert drawn.truth is not None
    assert drawn.truth.tolist() == [1.0, -2.0, 3.0, 0.5]
    assert problem().truth is None


@given(n=st.integers(1, 60), seed=st.integers(0, 2**31), epochs=st.integers(1, 4))
def test_the_order_of_each_epoch_is_a_permutation(n: int, seed: int, epochs: int) -> None:
    shuffled = problem(n, seed=seed)
    for epoch in range(epochs):
        assert sorted(shuffled.order(epoch)) == list(range(n))


def test_epochs_differ_and_are_stable_however_many_are_asked_for() -> None:
    few, many = problem(50), problem(50)
    late = many.order(9)  # asked for first
    assert np.array_equal(few.order(0), many.order(0))
    assert np.array_equal(few.order(1), many.order(1))
    assert not np.array_equal(few.order(0), few.order(1))
    assert np.array_equal(few.order(9), late)


def test_a_changed_copy_has_the_batch_order_of_its_own_seed() -> None:
    original = problem(50)
    original.order(2)
    copy = dataclasses.replace(original, seed=1)
    assert np.array_equal(copy.order(0), problem(50, seed=1).order(0))
    assert np.array_equal(copy.order(3), problem(50, seed=1).order(3))
    assert np.array_equal(original.order(3), problem(50).order(3))


@pytest.mark.parametrize(
    "change",
    [
        {"X": np.ones((5, 2))},
        {"y": np.ones(5)},
        {"w": np.ones(2)},
        {"b": np.ones(())},
        {"batch_size": 31},
        {"seed": 1},
        {"X_val": np.ones((1, 2)), "y_val": np.ones(1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_changes_with_each_ingredient(change: dict[str, Any]) -> None:
    assert problem().hash == problem().hash
    assert problem(**change).hash != problem().hash


def test_the_hash_tells_shapes_apart_that_hold_the_same_bytes() -> None:
    def ones(n: int, features: int) -> Problem:
        return Problem(np.ones((n, features)), np.ones(n), np.ones(features), np.ones(()))

    assert ones(2, 3).hash != ones(3, 2).hash


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.ones(5)}, r"X has shape \(5,\)"),
        ({"y": np.ones(4)}, r"y has shape \(4,\)"),
        ({"w": np.ones(3)}, r"w \(3,\)"),
        ({"b": np.ones(1)}, r"b \(1,\)"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"X": np.ones((0, 2)), "y": np.ones(0)}, "num_train is 0"),
        ({"X": np.full((5, 2), np.nan)}, "X holds numbers that are not finite"),
        ({"y": np.full(5, np.inf)}, "y holds numbers that are not finite"),
        ({"w": np.array([0.0, -np.inf])}, "w holds numbers that are not finite"),
        ({"b": np.array(np.nan)}, "b holds numbers that are not finite"),
    ],
)
def test_a_problem_that_cannot_be_used_is_an_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        problem(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_train": 0}, "num_train is 0"),
        ({"num_train": -3}, "num_train is -3"),
        ({"num_val": -1}, "num_val is -1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"noise": float("inf")}, "noise is inf"),
        ({"start": "zeros"}, "Expected 'normal' or 'uniform'"),
    ],
)
def test_a_regression_that_cannot_be_drawn_is_an_error(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        SyntheticRegression(**changes)


def test_noise_and_validation_data_may_be_none() -> None:
    drawn = SyntheticRegression(noise=0.0, num_val=0, num_train=3).draw(0)
    assert drawn.truth is not None
    assert np.allclose(drawn.y, drawn.X @ drawn.truth[:2] + drawn.truth[2], rtol=1e-15)
