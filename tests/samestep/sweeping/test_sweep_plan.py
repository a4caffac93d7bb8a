"""What a sweep is, and how it is cut into groups and chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.plan import Plan, stack
from samestep.problem import SyntheticRegression
from samestep.store.files import StoreError
from samestep.sweeping.layout import (
    CHECKED,
    Chunk,
    as_data,
    chunk_plan,
    chunks,
    from_data,
    groups,
    runs_plan,
)
from samestep.sweeping.specification import SweepPlan, convert, read_sweep, recording_interval

# --- the file --------------------------------------------------------------------------------


def test_a_file_may_leave_out_all_but_what_it_varies(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text("learning_rate = [0.1, 1]\nseeds = 3\non = 'numpy'\n")
    assert read_sweep(path) == {"learning_rate": (0.1, 1.0), "seeds": 3, "on": ("numpy",)}
    plan = SweepPlan(learning_rate=(0.1, 1.0), seeds=3)
    assert plan.runs == 6
    assert (plan.n, plan.batch_size) == ((1000,), (32,))
    path.write_text("")
    assert SweepPlan(**read_sweep(path)).runs == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rates = [1]", "Unknown key of a sweep 'learning_rates'"),
        ("learning_rate = ['a']", "learning_rate is 'a'"),
        ("epochs = [1.5]", "epochs is 1.5"),
        ("epochs = true", "epochs is True"),
        ("seeds = [1]", r"seeds is \[1\]"),
        ("loss = [3]", "loss is 3"),
        ("seeds =", "is no TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_sweep(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*none\.toml"):
        read_sweep(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": ("hubert",)}, "Unknown loss 'hubert'"),
        ({"learning_rate": (-1.0,)}, "learning_rate is -1.0"),
        ({"epochs": ()}, "one value or more"),
        ({"n": (5, 5)}, "each once"),
        ({"n": (0,)}, "n is 0"),
        ({"seeds": 0}, "seeds is 0"),
        ({"chunk": 0}, "chunk is 0"),
        ({"record": "sometimes"}, "record is 'sometimes'"),
        ({"record": "every 0"}, "record is 'every 0'"),
    ],
)
def test_a_value_out_of_range_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SweepPlan(**settings)


def test_numbers_of_numpy_are_numbers() -> None:
    found = convert({"learning_rate": np.linspace(0.1, 0.2, 2), "n": np.int64(5)})
    assert found == {"learning_rate": (0.1, 0.2), "n": (5,)}
    assert type(found["n"][0]) is int


def test_records_are_kept_at_an_interval() -> None:
    assert [recording_interval(r) for r in ("final", "every step", "every 12")] == [0, 1, 12]


# --- groups and chunks -----------------------------------------------------------------------


def sweep_plan(ragged: dict[str, Any], **changes: Any) -> SweepPlan:
    return SweepPlan(**convert(ragged | changes))


def test_a_group_holds_every_combination_once(ragged: dict[str, Any]) -> None:
    plan = sweep_plan(ragged, loss=["squared_error", "huber"])
    assert plan.runs == 72
    first, second = groups(plan)
    assert (first.name, second.name) == ("squared_error-8", "huber-8")
    settings = [first.setting(run) for run in range(first.runs)]
    assert len(set(settings)) == first.runs == 36
    assert settings[0] == (0, 0.01, 7, 1)
    assert settings[-1] == (2, 0.3, 33, 2)
    for name, values in first.coordinates().items():
        assert list(values) == [getattr(setting, name) for setting in settings]


def test_chunks_share_one_shape_and_cover_each_run_once(ragged: dict[str, Any]) -> None:
    plan = sweep_plan(ragged)
    found = list(chunks(plan))
    assert [chunk.runs.stop - chunk.runs.start for chunk in found] == [8, 8, 8, 8, 4]
    drawn = [chunk_plan(chunk) for chunk in found]
    # 33 examples in 2 epochs are 10 steps, and one more so that every chunk freezes some run.
    assert {p.batches.shape for p in drawn} == {(11, 8, 8)}
    assert not any(p.active.all() for p in drawn)
    group = groups(plan)[0]
    for chunk, p in zip(found, drawn, strict=True):
        for place, run in enumerate(range(chunk.runs.start, chunk.runs.stop)):
            setting = group.setting(run)
            assert p.learning_rate[place] == setting.learning_rate
            spec = SyntheticRegression(num_train=setting.n, num_val=0, batch_size=8)
            alone = Plan.of(spec.draw(setting.seed), epochs=setting.epochs)
            steps = alone.steps
            assert p.active[:, place].sum() == steps
            problem = p.problems[p.problem_of_run[place]]
            assert problem.hash == alone.problems[0].hash
            X, _ = p.data()
            rows = alone.rows[:, 0]
            for step in range(steps):
                used = p.batches[step, place, : rows[step]]
                own = alone.batches[step, 0, : rows[step]]
                assert np.array_equal(X[used], alone.data()[0][own])


def test_runs_of_one_length_are_not_padded() -> None:
    group = groups(SweepPlan(learning_rate=(0.1, 0.2), seeds=4, chunk=3))[0]
    assert group.steps == group.longest == 96
    assert chunk_plan(Chunk(group, 2)).active.all()


def test_the_default_chunk_bounds_the_memory() -> None:
    assert groups(SweepPlan(seeds=10_000))[0].chunk == 256
    long = groups(SweepPlan(seeds=10_000, n=(10_000,)))[0]
    row = 2 * 8 + 8 + 4 + 8 + 8  # X, y, index, mask, prediction
    assert 2**26 < 3 * long.chunk * long.steps * long.width * row < 2**27
    assert groups(SweepPlan(seeds=10_000, n=(10_000_000,)))[0].chunk == 1
    assert groups(SweepPlan(seeds=5))[0].chunk == 5


@pytest.mark.parametrize(("seeds", "chunk"), [(1, 1), (5, 2), (30, 7), (700, 3), (1000, 256)])
def test_checked_runs_are_spread_and_lie_in_their_chunks(seeds: int, chunk: int) -> None:
    group = groups(SweepPlan(learning_rate=(0.1, 0.2, 0.3, 0.4), seeds=seeds, chunk=chunk))[0]
    checked = group.checked
    assert min(group.runs, CHECKED) <= len(np.unique(checked)) <= 2 * CHECKED
    covered: list[int] = []
    for index in range(group.chunks):
        part = Chunk(group, index)
        runs = checked[part.checked]
        assert ((runs >= part.runs.start) & (runs < part.runs.stop)).all()
        covered += range(part.checked.start, part.checked.stop)
    assert covered == list(range(len(checked)))
    # No setting is left out, though settings recur in the order of the runs.
    assert len(np.unique(checked % 4)) == min(4, group.runs)


def test_a_plan_of_some_runs_pads_as_the_group_does(ragged: dict[str, Any]) -> None:
    group = groups(sweep_plan(ragged))[0]
    plan = runs_plan(group, np.array([0, 5]))
    assert plan.batches.shape == (11, 2, 8)
    assert list(plan.learning_rate) == [0.01, 0.01]


def test_a_stack_may_be_padded_further() -> None:
    plan = Plan.of(SyntheticRegression(num_train=4, num_val=0, batch_size=2).draw(0), epochs=1)
    wide = stack([plan], steps=5, width=3)
    assert wide.batches.shape == (5, 1, 3)
    assert list(wide.rows[:, 0]) == [2, 2, 0, 0, 0]
    assert stack([plan], steps=1, width=1).batches.shape == (2, 1, 2)


def test_a_sweep_comes_back_from_its_data(ragged: dict[str, Any]) -> None:
    plan = sweep_plan(ragged, record="every 2")
    assert from_data(as_data(plan)) == plan
    other = as_data(plan)
    other["chunk_sizes"] = {"squared_error-8": 9}
    with pytest.raises(StoreError, match="other rules"):
        from_data(other)
