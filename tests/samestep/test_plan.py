"""Plans: which rows each step sees, and how runs are stacked and taken apart again."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samestep import Plan, Problem, UsageError, stack


def problem(n: int = 10, batch_size: int = 4, features: int = 2, seed: int = 0) -> Problem:
    """Rows that can be told apart: row i of problem ``seed`` has the label 1000 seed + i."""
    rng = np.random.default_rng(seed)
    return Problem(
        X=rng.standard_normal((n, features)),
        y=1000.0 * seed + np.arange(n, dtype=np.float64),
        w=rng.standard_normal(features),
        b=np.array(float(seed)),
        batch_size=batch_size,
        seed=seed,
    )


LAST_BATCH = st.sampled_from(["keep", "drop", "reweight"])
PLANS = st.builds(
    lambda n, size, seed, epochs, rate: Plan.of(
        problem(n, size, seed=seed), epochs=epochs, learning_rate=rate
    ),
    n=st.integers(1, 30),
    size=st.integers(1, 40),
    seed=st.integers(0, 5),
    epochs=st.integers(1, 3),
    rate=st.floats(0, 1),
)


def rows_of(plan: Plan, run: int = 0) -> list[list[float]]:
    """Labels of the real rows of each step of one run."""
    _, y = plan.data()
    real = plan.active[:, run]
    return [
        y[batch[:count]].tolist()
        for batch, count in zip(plan.batches[real, run], plan.rows[real, run], strict=True)
    ]


# --- batches ---------------------------------------------------------------------------------


@given(
    n=st.integers(1, 50), size=st.integers(1, 60), epochs=st.integers(1, 3), last_batch=LAST_BATCH
)
def test_the_batches_cut_each_epochs_order_into_pieces(
    n: int, size: int, epochs: int, last_batch: Any
) -> None:
    given_problem = problem(n, size)
    plan = Plan.of(given_problem, epochs=epochs, last_batch=last_batch)
    expected = []
    for epoch in range(epochs):
        order = given_problem.order(epoch).astype(float).tolist()
        pieces = [order[i : i + size] for i in range(0, n, size)]
        if last_batch == "drop" and len(pieces) > 1 and len(pieces[-1]) < size:
            pieces.pop()
        expected.extend(pieces)
    assert rows_of(plan) == expected
    assert plan.steps == len(expected)


@given(n=st.integers(1, 50), size=st.integers(1, 60), epochs=st.integers(1, 3))
def test_each_epoch_covers_every_row_once(n: int, size: int, epochs: int) -> None:
    plan = Plan.of(problem(n, size), epochs=epochs)
    ends = plan.epoch_ends()
    assert ends.tolist() == [epoch * math.ceil(n / size) for epoch in range(epochs + 1)]
    rows = rows_of(plan)
    for start, end in itertools.pairwise(ends):
        assert sorted(itertools.chain(*rows[start:end])) == list(range(n))


@given(n=st.integers(1, 50), size=st.integers(1, 60), last_batch=LAST_BATCH)
def test_padding_repeats_the_first_row_of_the_batch_and_has_no_weight(
    n: int, size: int, last_batch: Any
) -> None:
    plan = Plan.of(problem(n, size), last_batch=last_batch)
    mask = plan.masks()
    for batch, count, weight in zip(plan.batches[:, 0], plan.rows[:, 0], mask[:, 0], strict=True):
        assert (batch[count:] == batch[0]).all()
        assert (weight[count:] == 0).all()
        assert (weight[:count] > 0).all()


def test_the_last_batch_is_kept_dropped_or_reweighted() -> None:
    rows, weights = {}, {}
    for last_batch in ("keep", "drop", "reweight"):
        plan = Plan.of(problem(10, 4), epochs=1, last_batch=last_batch)
        rows[last_batch] = plan.rows[:, 0].tolist()
        weights[last_batch] = plan.masks()[:, 0].sum(-1).tolist()
    assert rows == {"keep": [4, 4, 2], "drop": [4, 4], "reweight": [4, 4, 2]}
    # Reweighted, the last batch weighs as much as a full one.
    assert weights == {"keep": [4, 4, 2], "drop": [4, 4], "reweight": [4, 4, 4]}


def test_a_batch_size_beyond_the_data_is_one_short_batch() -> None:
    plan = Plan.of(problem(10, 32), epochs=2)
    assert plan.batches.shape == (2, 1, 10)
    assert plan.rows.tolist() == [[10], [10]]


def test_masks_and_data_come_at_the_precision_asked_for() -> None:
    plan = Plan.of(problem(10, 3), last_batch="reweight")
    assert plan.masks("float32").dtype == np.float32
    assert plan.masks("float32")[3, 0, 0] == np.float32(3)
    X, y = plan.data("float32")
    assert {X.dtype, y.dtype} == {np.dtype(np.float32)}
    assert np.array_equal(X, plan.problems[0].X.astype(np.float32))
    assert {v.dtype for v in plan.initial("float32").values()} == {np.dtype(np.float32)}


# --- stacks ----------------------------------------------------------------------------------


def assert_same_run(whole: Plan, run: int, alone: Plan, of: int = 0) -> None:
    """A run of one plan is, number for number, a run of the other."""
    assert rows_of(whole, run) == rows_of(alone, of)
    X, y = whole.data()
    X_alone, y_alone = alone.data()
    width = alone.batches.shape[2]
    steps = int(alone.active[:, of].sum())
    for ours, theirs in ((X, X_alone), (y, y_alone)):
        used = ours[whole.batches[:steps, run, :width]]
        assert np.array_equal(used, theirs[alone.batches[:steps, of]])
    for name, values in whole.initial().items():
        assert np.array_equal(values[run], alone.initial()[name][of])
    assert whole.learning_rate[run] == alone.learning_rate[of]
    assert whole.epochs[run] == alone.epochs[of]
    assert whole.epoch_ends(run).tolist() == alone.epoch_ends(of).tolist()
    assert whole.rows[steps:, run].tolist() == [0] * (whole.steps - steps)
    assert np.array_equal(whole.masks()[:steps, run, :width], alone.masks()[:steps, of])
    assert not whole.masks()[:steps, run, width:].any()
    assert not whole.masks()[steps:, run].any()


@given(plans=st.lists(PLANS, min_size=1, max_size=5))
def test_a_stack_holds_the_same_runs_as_its_parts(plans: list[Plan]) -> None:
    whole = stack(plans)
    assert whole.runs == len(plans)
    for run, alone in enumerate(plans):
        assert_same_run(whole, run, alone)


@given(plans=st.lists(PLANS, min_size=1, max_size=4), again=st.lists(PLANS, max_size=2))
def test_a_stack_of_stacks_is_one_stack(plans: list[Plan], again: list[Plan]) -> None:
    whole = stack([stack(plans), *again, *plans])
    for run, alone in enumerate([*plans, *again, *plans]):
        assert_same_run(whole, run, alone)


@given(plans=st.lists(PLANS, min_size=1, max_size=5), data=st.data())
def test_select_takes_runs_out_of_a_stack(plans: list[Plan], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(plans) - 1), min_size=1, max_size=6))
    part = stack(plans).select(chosen)
    assert part.runs == len(chosen)
    for run, which in enumerate(chosen):
        assert_same_run(part, run, plans[which])
    # Only what these runs use is kept: neither other problems nor steps that nobody takes.
    assert set(part.problem_of_run) == set(range(len(part.problems)))
    assert part.active.any(axis=1).all()


@pytest.mark.parametrize("chosen", [slice(1, 3), np.array([False, True, True]), [-2, -1]])
def test_select_understands_what_numpy_understands(chosen: Any) -> None:
    plans = [Plan.of(problem(n, 4, seed=n)) for n in (5, 9, 12)]
    part = stack(plans).select(chosen)
    assert [p.num_train for p in part.problems] == [9, 12]


@given(plans=st.lists(PLANS, min_size=1, max_size=5))
def test_after_its_end_a_run_looks_at_a_row_of_its_own(plans: list[Plan]) -> None:
    whole = stack(plans)
    first = np.cumsum([0, *(p.num_train for p in whole.problems)])
    which = whole.problem_of_run
    assert (whole.batches >= first[which][:, None]).all()
    assert (whole.batches < first[which + 1][:, None]).all()


def test_a_problem_that_several_runs_share_is_kept_once() -> None:
    shared, other = problem(seed=1), problem(seed=2)
    whole = stack([Plan.of(shared), Plan.of(other), Plan.of(shared, learning_rate=0.5)])
    assert whole.problems == (shared, other)
    assert whole.problem_of_run.tolist() == [0, 1, 0]
    assert len(whole.data()[1]) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "huber"}, "differ in loss: 'squared_error' and 'huber'"),
        ({"reduction": "sum"}, "differ in reduction"),
        ({"delta": 2.0}, "differ in delta"),
        ({"momentum": 0.9}, "differ in options"),
        ({"weight_decay": 0.1}, "differ in options"),
        ({"last_batch": "drop"}, "differ in last_batch"),
        ({"problem": problem(features=3)}, "differ in features: 2 and 3"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_runs_that_share_no_loss_cannot_be_stacked(change: dict[str, Any], message: str) -> None:
    settings = dict(change)
    other = Plan.of(settings.pop("problem", problem()), **settings)
    with pytest.raises(UsageError, match=message):
        stack([Plan.of(problem()), other])


@pytest.mark.parametrize("last_batch", ["keep", "drop", "reweight"])
def test_runs_on_problems_of_one_size_are_the_stack_of_single_runs(last_batch: Any) -> None:
    problems = [problem(11, seed=seed) for seed in range(5)]
    settings: dict[str, Any] = {"epochs": 3, "last_batch": last_batch, "learning_rate": 0.1}
    together = Plan.of(*problems, **settings)
    alone = [Plan.of(each, **settings) for each in problems]
    assert together.hash == stack(alone).hash
    assert together.name == stack(alone).name
    assert together.select([3]).hash == alone[3].hash


@pytest.mark.parametrize(
    ("problems", "given"),
    [
        ([problem(10), problem(11)], r"\[\(10, 2, 4\), \(11, 2, 4\)\]"),
        ([problem(10, 4), problem(10, 5)], r"\[\(10, 2, 4\), \(10, 2, 5\)\]"),
        ([], r"\[\]"),
    ],
)
def test_runs_on_problems_of_several_sizes_are_an_error(problems: Any, given: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){given}.*Expected one size; stack plans"):
        Plan.of(*problems)


def test_an_empty_stack_is_an_error() -> None:
    with pytest.raises(UsageError, match="No plan was given"):
        stack([])


# --- variations ------------------------------------------------------------------------------


def test_vary_changes_what_it_names_and_keeps_the_batches() -> None:
    plan = stack([Plan.of(problem(seed=i), learning_rate=0.1 * i) for i in range(3)])
    varied = plan.vary(loss="huber", reduction="sum", delta=2, learning_rate=0.7, name="varied")
    assert (varied.loss, varied.reduction, varied.delta) == ("huber", "sum", 2.0)
    assert varied.learning_rate.tolist() == [0.7, 0.7, 0.7]
    assert varied.name == "varied"
    assert varied.batches is plan.batches
    assert varied.problems is plan.problems
    assert plan.vary().hash == plan.hash
    per_run: npt.NDArray[Any] = np.array([0.1, 0.2, 0.3])
    assert plan.vary(learning_rate=per_run).learning_rate.tolist() == per_run.tolist()
    with pytest.raises(UsageError, match="delta is 0"):
        plan.vary(delta=0)


def test_vary_keeps_the_batches_of_epochs_that_both_have() -> None:
    plans = [Plan.of(problem(n, 4, seed=n), epochs=2) for n in (5, 9)]
    longer = stack(plans).vary(epochs=3)
    for run, alone in enumerate(plans):
        assert longer.epochs[run] == 3
        assert rows_of(longer, run)[: alone.steps] == rows_of(alone)
        assert_same_run(longer, run, Plan.of(alone.problems[0], epochs=3))


# --- identity --------------------------------------------------------------------------------


def test_equal_plans_have_equal_hashes_whatever_their_names() -> None:
    first, second = (Plan.of(problem(), name=name) for name in ("first", "second"))
    assert first.hash == second.hash
    assert stack([first, second]).hash == stack([second, first]).hash  # the same runs


@pytest.mark.parametrize(
    "change",
    [
        {"problem": problem(seed=1)},
        {"loss": "half_squared_error"},
        {"reduction": "sum"},
        {"delta": 2.0},
        {"learning_rate": 0.04},
        {"epochs": 4},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.1},
        {"last_batch": "drop"},
        {"last_batch": "reweight"},
    ],
    ids=str,
)
def test_the_hash_changes_with_each_ingredient(change: dict[str, Any]) -> None:
    settings = dict(change)
    plan, other = Plan.of(problem()), Plan.of(settings.pop("problem", problem()), **settings)
    assert plan.hash != other.hash
    if change.get("nesterov"):
        assert other.hash != Plan.of(problem(), momentum=0.9).hash


@pytest.mark.parametrize("row", [-1, 10])
def test_batches_name_rows_that_are_there(row: int) -> None:
    plan = Plan.of(problem(10))
    batches = plan.batches.copy()
    batches[1, 0, 2] = row
    with pytest.raises(UsageError, match=r"(?s)batches name rows .* rows 0 to 9"):
        replace(plan, batches=batches)


@pytest.mark.parametrize("field", ["batches", "rows"])
def test_the_hash_changes_with_the_batches(field: str) -> None:
    plan = Plan.of(problem())
    before = plan.hash
    other = Plan.of(problem())
    getattr(other, field)[0, 0] -= 1
    assert other.hash != before


def test_a_plan_shows_its_size() -> None:
    plan = Plan.of(problem(), name="mine")
    assert repr(plan) == f"<Plan 'mine': 1 runs, 9 steps, {plan.hash[:12]}>"
    assert Plan.of(problem(), reduction="sum", learning_rate=0.5).name == (
        "sum squared_error, rate 0.5"
    )


# --- errors ----------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"learning_rate": NAN}, "learning_rate is nan"),
        ({"learning_rate": INF}, "learning_rate is inf"),
        ({"momentum": -0.1}, "momentum is -0.1"),
        ({"momentum": NAN}, "momentum is nan"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"weight_decay": INF}, "weight_decay is inf"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": -2}, "epochs is -2"),
        ({"delta": 0}, "delta is 0"),
        ({"delta": -1.0}, "delta is -1"),
        ({"delta": NAN}, "delta is nan"),
        ({"delta": INF}, "delta is inf"),
        ({"loss": "hubert"}, "Unknown loss 'hubert'.\nDid you mean 'huber'?"),
        ({"loss": "squared error"}, "Did you mean 'squared_error'?"),
        ({"loss": "zzz"}, "Known: absolute_error, half_squared_error, huber"),
        ({"reduction": "average"}, "Unknown reduction 'average'"),
        ({"reduction": "means"}, "Did you mean 'mean'?"),
        ({"last_batch": "dropp"}, "Did you mean 'drop'?"),
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_run_is_an_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Plan.of(problem(), **change)
    assert message in str(caught.value)


def test_zero_is_a_legal_rate() -> None:
    assert Plan.of(problem(), learning_rate=0).learning_rate.tolist() == [0.0]
