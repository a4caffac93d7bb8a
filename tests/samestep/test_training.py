"""The training loop: stacked, ragged, recorded, and compiled once."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import samestep
from samestep import Plan, Problem, SyntheticRegression, Trace, judge, stack, train
from samestep.interface import Backend
from samestep.loss import LOSSES, Loss, register_loss
from samestep.training import validation_loss

# Two settings, and plans of few shapes: JAX compiles each combination anew.
HUBER: dict[str, Any] = {"loss": "huber"}
ALL_OPTIONS: dict[str, Any] = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
SETTINGS = pytest.mark.parametrize("setting", [HUBER, ALL_OPTIONS], ids=["huber", "all options"])


def small_plan(seed: int = 0, n: int = 20, **changes: Any) -> Plan:
    """Three steps an epoch, the last of four rows."""
    spec = SyntheticRegression(num_train=n, num_val=7, batch_size=8)
    return Plan.of(spec.draw(seed), **changes)


def small_stack(**changes: Any) -> Plan:
    rates = (0.0, 0.03, 0.1)
    return stack(
        [small_plan(seed, learning_rate=rate, **changes) for seed, rate in enumerate(rates)]
    )


def ragged_stack(**changes: Any) -> Plan:
    """One run of nine steps, and one that ends after three."""
    return stack([small_plan(0, epochs=3, **changes), small_plan(1, epochs=1, **changes)])


def test_a_fit_finds_the_parameters(backend: Backend) -> None:
    trace = train(backend, Plan.of(SyntheticRegression().draw(0)))
    assert np.abs(trace.error(0)).max() > 3
    assert np.abs(trace.error()).max() < 0.02


# --- one run and many ------------------------------------------------------------------------


@SETTINGS
def test_stacked_runs_take_the_steps_they_take_alone(
    framework: Backend, setting: dict[str, Any]
) -> None:
    plan = small_stack(**setting)
    whole = train(framework, plan)
    assert judge(whole).holds
    eps = np.finfo(framework.dtype).eps
    for run in range(plan.runs):
        alone = train(framework, plan.select([run]))
        assert judge(alone).holds
        part = whole.select([run])
        keys = ["prediction", "loss", "gradient/w", "gradient/b", "update/w", "update/b"]
        for key in keys + [f"update/velocity {name}" for name in part.state]:
            ours, theirs = (t.observed(key, slice(0, plan.steps)) for t in (part, alone))
            # Velocities reach some tens, and rounding is relative to that.
            assert np.allclose(ours, theirs, rtol=0, atol=2000 * eps), key
    assert (whole.params["w"][:, 0] == whole.params["w"][0, 0]).all()  # its rate is 0


@SETTINGS
def test_a_run_that_has_ended_stays_where_it_is(backend: Backend, setting: dict[str, Any]) -> None:
    whole = train(backend, ragged_stack(**setting))
    assert whole.plan.active.sum(0).tolist() == [9, 3]
    assert judge(whole).holds
    for record in (whole.params, whole.state) if setting is ALL_OPTIONS else (whole.params,):
        assert sorted(record) == ["b", "w"]
        for values in record.values():
            assert (values[3:, 1] == values[3, 1]).all()
            assert (values[4:, 0] != values[3, 0]).any()
    # It ends where a longer run on the same data passes after as many steps.
    eps = np.finfo(backend.dtype).eps
    for run, step in ((0, 9), (1, 3)):
        alone = train(backend, small_plan(run, epochs=3, **setting)).parameters(step)
        assert np.allclose(whole.parameters()[run], alone[0], rtol=0, atol=200 * eps)
    assert np.array_equal(whole.select([1]).parameters(), whole.parameters()[1:])


@pytest.mark.parametrize("stacked", [False, True])
def test_the_end_alone_is_the_end_of_the_whole_record(backend: Backend, stacked: bool) -> None:
    plan = ragged_stack(**ALL_OPTIONS) if stacked else small_plan(**ALL_OPTIONS)
    whole, ends = train(backend, plan), train(backend, plan, every_step=False)
    assert whole.every_step
    assert not ends.every_step
    eps = np.finfo(backend.dtype).eps
    for name, values in ends.params.items():
        assert values.shape == (2, *whole.params[name].shape[1:])
        assert values.dtype == backend.numpy_dtype
        assert np.array_equal(values[0], whole.params[name][0])
        # A compiler may contract operations otherwise where less is recorded.
        assert np.allclose(values[1], whole.params[name][-1], rtol=0, atol=64 * eps)
    assert ends.state == {}
    assert (ends.loss, ends.prediction, ends.gradient) == (None, None, {})


def test_a_trace_is_numpy_at_the_working_precision(backend: Backend) -> None:
    trace = train(backend, small_stack(**ALL_OPTIONS))
    shapes = {
        f"{kind} {name}": array.shape
        for kind in ("params", "state", "gradient")
        for name, array in getattr(trace, kind).items()
    }
    assert shapes == {
        "params w": (10, 3, 2),
        "params b": (10, 3),
        "state w": (10, 3, 2),
        "state b": (10, 3),
        "gradient w": (9, 3, 2),
        "gradient b": (9, 3),
    }
    assert trace.prediction is not None
    assert trace.loss is not None
    assert (trace.prediction.shape, trace.loss.shape) == ((9, 3, 8), (9, 3))
    for array in (*trace.params.values(), *trace.state.values(), *trace.gradient.values()):
        assert type(array) is np.ndarray
        assert array.dtype == backend.numpy_dtype
    assert trace.prediction.dtype == trace.loss.dtype == backend.numpy_dtype
    assert (trace.participant, trace.dtype) == (backend.label, backend.dtype)


# --- validation ------------------------------------------------------------------------------


@SETTINGS
def test_the_validation_loss_is_the_mean_after_each_epoch(
    backend: Backend, setting: dict[str, Any]
) -> None:
    trace = train(backend, small_stack(**setting))
    found = validation_loss(backend, trace, run=1)
    expected = [mean_validation_loss(trace, run=1, step=step) for step in (0, 3, 6, 9)]
    assert found.dtype == np.float64
    assert np.allclose(found, expected, rtol=50 * np.finfo(backend.dtype).eps)
    assert found[-1] < found[0]


def test_the_validation_loss_is_a_mean_also_where_training_sums(oracle: Backend) -> None:
    trace = train(oracle, small_plan(reduction="sum", learning_rate=0.01))
    expected = [mean_validation_loss(trace, run=0, step=step) for step in (0, 3, 6, 9)]
    assert np.allclose(validation_loss(oracle, trace), expected, rtol=1e-14)


def mean_validation_loss(trace: Trace, run: int, step: int) -> float:
    problem = trace.plan.problems[trace.plan.problem_of_run[run]]
    *w, b = trace.parameters(step)[run]
    assert problem.X_val is not None
    assert problem.y_val is not None
    r = problem.X_val @ np.array(w) + b - problem.y_val
    size = np.abs(r)
    huber = np.where(size < 1, r**2 / 2, size - 0.5)
    return float((huber if trace.plan.loss == "huber" else r**2).mean())


def test_without_validation_data_there_is_no_validation_loss(oracle: Backend) -> None:
    plan = Plan.of(SyntheticRegression(num_train=5, num_val=0).draw(0))
    assert len(validation_loss(oracle, train(oracle, plan))) == 0


def test_a_validation_loss_needs_the_steps(oracle: Backend) -> None:
    ends = train(oracle, small_plan(), every_step=False)
    with pytest.raises(samestep.UsageError, match="every_step=True"):
        validation_loss(oracle, ends)


# --- compilation -----------------------------------------------------------------------------


@pytest.fixture
def calls() -> Iterator[list[Any]]:
    """Register the loss "counted", which notes each time that Python runs it."""
    seen: list[Any] = []
    huber = LOSSES["huber"]

    def value(xp: Any, r: Any, delta: Any) -> Any:
        seen.append(r)
        return huber.value(xp, r, delta)

    register_loss(dataclasses.replace(huber, name="counted", value=value))
    yield seen
    del LOSSES["counted"]


@pytest.fixture
def tracings(calls: list[Any]) -> Callable[[Callable[[], Any]], int]:
    """Count how often a piece of work runs the loss in Python."""

    def count(work: Callable[[], Any]) -> int:
        calls.clear()
        work()
        return len(calls)

    return count


def test_a_plan_of_the_same_shape_is_compiled_once(
    tracings: Callable[[Callable[[], Any]], int],
) -> None:
    backend, plan = samestep.backend("jax"), small_plan(loss="counted")
    assert tracings(lambda: train(backend, plan)) == 1
    traces: list[Trace] = []
    for same_shape in (
        plan,
        plan.vary(learning_rate=0.1),
        plan.vary(delta=0.3),
        small_plan(5, loss="counted"),
    ):
        assert tracings(lambda plan=same_shape: traces.append(train(backend, plan))) == 0  # type: ignore[misc]
    # What was compiled for one plan uses the rate, the delta and the data of each.
    assert all(judge(trace).holds for trace in traces)
    assert tracings(lambda: train(backend, small_plan(n=9, loss="counted"))) == 1


def test_a_stack_of_the_same_shape_is_compiled_once(
    tracings: Callable[[Callable[[], Any]], int],
) -> None:
    backend, plan = samestep.backend("jax"), ragged_stack(loss="counted")
    assert tracings(lambda: train(backend, plan)) == 1
    varied = plan.vary(learning_rate=[0.1, 0.2], delta=0.5)
    traces: list[Trace] = []
    for same_shape in (plan, ragged_stack(loss="counted"), varied):
        assert tracings(lambda plan=same_shape: traces.append(train(backend, plan))) == 0  # type: ignore[misc]
    assert all(judge(trace).holds for trace in traces)


def test_a_validation_loss_is_compiled_once(
    tracings: Callable[[Callable[[], Any]], int],
) -> None:
    backend = samestep.backend("jax")
    trace = train(backend, small_plan(loss="counted"))
    assert tracings(lambda: validation_loss(backend, trace)) == 1
    assert tracings(lambda: validation_loss(backend, trace)) == 0


def test_an_eager_framework_runs_the_loss_at_every_step(
    tracings: Callable[[Callable[[], Any]], int],
) -> None:
    backend = samestep.backend("torch")
    assert tracings(lambda: train(backend, small_plan(loss="counted"))) == 9


# --- precisions ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_precisions_may_alternate(name: str) -> None:
    plan = small_plan(**ALL_OPTIONS)
    single, double = (samestep.backend(name, dtype=dtype) for dtype in samestep.interface.DTYPES)
    alone = train(single, plan)
    train(double, plan)
    again = train(single, plan)
    assert np.array_equal(alone.parameters(), again.parameters())
    assert again.params["w"].dtype == np.float32
    assert train(double, plan).params["w"].dtype == np.float64


@pytest.mark.filterwarnings("error")
def test_a_run_that_overflows_is_recorded_without_a_warning(backend: Backend) -> None:
    trace = train(backend, small_plan(learning_rate=1e36, **ALL_OPTIONS))
    assert np.isfinite(trace.parameters(1)).all()
    assert not np.isfinite(trace.parameters()).any()


def test_a_problem_of_ones_own_needs_no_truth(oracle: Backend) -> None:
    rng = np.random.default_rng(0)
    own = Problem(rng.standard_normal((6, 1)), rng.standard_normal(6), np.zeros(1), np.zeros(()))
    trace = train(oracle, Plan.of(own, epochs=2))
    assert judge(trace).holds
    with pytest.raises(samestep.UsageError, match="Give true_w and true_b"):
        trace.error()


def test_a_loss_of_ones_own_is_trained_on_every_framework(framework: Backend) -> None:
    mine = register_loss(
        Loss(
            name="log-cosh",
            formula="log((e^r + e^-r) / 2)",
            value=lambda xp, r, delta: xp.log(0.5 * (xp.exp(r) + xp.exp(-r))),
            derivative=lambda r, delta: np.tanh(r),
            magnitude=lambda r, delta: np.abs(r) + 1,
            largest=lambda r, delta: np.abs(r) + 1,
            kinks=lambda delta: (),
        )
    )
    try:
        assert judge(train(framework, small_plan(loss="log-cosh"))).holds
    finally:
        del LOSSES[mine.name]


def test_data_are_put_on_the_device_once_for_all_variants_of_a_plan(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = []
    monkeypatch.setattr(
        type(backend),
        "asarray",
        lambda self, x, asarray=type(backend).asarray: (
            copied.append(np.size(x)) or asarray(self, x)
        ),
    )
    for plan in (small_plan(11), small_stack()):
        first = train(backend, plan)
        copied.clear()
        second = train(backend, plan.vary(loss="huber", learning_rate=0.1))
        assert sum(copied) <= plan.runs, "more than the rates was copied"
        again = train(backend, plan)
        for name, values in first.params.items():
            np.testing.assert_array_equal(values, again.params[name])
            assert not np.array_equal(values, second.params[name])


def test_runs_of_one_size_share_their_weights(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One mask for all runs: of a thousand of them a step would read more weights than labels."""
    given: list[npt.NDArray[Any]] = []
    monkeypatch.setattr(
        type(backend),
        "asarray",
        lambda self, x, asarray=type(backend).asarray: given.append(x) or asarray(self, x),
    )
    equal = stack([small_plan(seed) for seed in range(3)])
    train(backend, equal)
    assert (equal.steps, 1, equal.batches.shape[2]) in [np.shape(x) for x in given]
    given.clear()
    ragged = ragged_stack()
    train(backend, ragged)
    assert (ragged.steps, 1, ragged.batches.shape[2]) not in [np.shape(x) for x in given]


def test_a_large_record_holds_every_step(framework: Backend) -> None:
    """An eager framework may write it step by step, and stack what is small."""
    spec = SyntheticRegression(num_train=64, num_val=0, batch_size=32)
    assert judge(train(framework, stack([Plan.of(spec.draw(seed)) for seed in range(20)]))).holds


def test_a_backend_that_goes_takes_along_what_was_kept_for_it(backend: Backend) -> None:
    item = type(backend)("cpu", backend.dtype)
    train(item, small_plan())
    gone = weakref.ref(item)
    del item
    gc.collect()
    assert gone() is None


def test_another_problem_is_not_mistaken_for_the_last_one(backend: Backend) -> None:
    one, other = small_plan(1), small_plan(2)
    alone = train(backend, other)
    train(backend, one)
    np.testing.assert_array_equal(train(backend, other).params["w"], alone.params["w"])
    resized = dataclasses.replace(other, rows=other.rows.copy())
    resized.rows[-1] -= 1
    assert not np.array_equal(train(backend, resized).params["w"], alone.params["w"])
