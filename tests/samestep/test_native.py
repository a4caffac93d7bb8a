"""Native versions: what they are given, and how what they record becomes a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

import samestep
from samestep import Experiment, Lab, Plan, SyntheticRegression, UsageError
from samestep.interface import Backend
from samestep.native import DeviceProblem, Fits, as_trace, native_traces

SPEC = SyntheticRegression(num_train=20, num_val=0, batch_size=8)
FIRST, SECOND = SPEC.draw(1), SPEC.draw(2)


class TwoProblems(Experiment):
    """Four fits on two problems."""

    id: ClassVar = "two-problems"
    title: ClassVar = "Two?"
    question: ClassVar = "Are there two?"

    def fits(self) -> dict[str, Plan]:
        """Return fits of one problem, and between them one of another."""
        return {
            "short": Plan.of(FIRST, epochs=1),
            "other": Plan.of(SECOND, epochs=2),
            "long": Plan.of(FIRST, epochs=4),
            "middle": Plan.of(FIRST, epochs=3),
        }

    def run(self, lab: Lab) -> str:
        """Do nothing."""
        return ""


def offer(
    monkeypatch: pytest.MonkeyPatch, backend: Backend, version: Callable[..., Fits]
) -> list[tuple[str, samestep.Trace]]:
    monkeypatch.setitem(backend.native, "exercise/two-problems", version)
    return native_traces(backend, TwoProblems())


def recorded(trace: samestep.Trace) -> dict[str, Any]:
    """Return a trace of one run as a native version's record, with rubbish for padding."""
    plan = trace.plan
    padding = np.arange(plan.batches.shape[2]) >= plan.rows[:, 0, None]
    assert trace.prediction is not None
    assert trace.loss is not None
    return {
        "prediction": np.where(padding, np.nan, trace.prediction[:, 0]),
        "loss": trace.loss[:, 0],
        "gradient": {name: values[:, 0] for name, values in trace.gradient.items()},
        "params": {name: values[1:, 0] for name, values in trace.params.items()},
        "state": {name: values[1:, 0] for name, values in trace.state.items()},
    }


def test_each_problem_is_given_once_for_its_longest_fit(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[DeviceProblem] = []

    def version(*problems: DeviceProblem) -> Fits:
        given.extend(problems)
        return iter(())

    assert offer(monkeypatch, backend, version) == []
    assert [problem.orders.shape for problem in given] == [(4, 20), (2, 20)]
    for problem, arrays in zip((FIRST, SECOND), given, strict=True):
        for name in ("X", "y", "w", "b"):
            found, expected = backend.to_numpy(getattr(arrays, name)), getattr(problem, name)
            assert found.dtype == backend.numpy_dtype
            assert np.array_equal(found, expected.astype(backend.dtype))
        for epoch, order in enumerate(backend.to_numpy(arrays.orders)):
            assert np.array_equal(order, problem.order(epoch))


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}], ids=["plain", "momentum"])
def test_a_record_becomes_the_trace_that_it_was_made_of(
    oracle: Backend, options: dict[str, float]
) -> None:
    plan = Plan.of(FIRST, **options)  # type: ignore[arg-type]
    trace = samestep.train(oracle, plan)
    again = as_trace(oracle, plan, recorded(trace))
    assert again.participant == "numpy+native/cpu/float64"
    assert sorted(again.state) == (["b", "w"] if options else [])
    assert samestep.judge(again).holds
    for agreement in samestep.compare(trace, again).agreements:
        assert agreement.gap == 0, agreement


def test_a_start_elsewhere_is_judged_by_the_plan(oracle: Backend) -> None:
    moved = samestep.train(oracle, Plan.of(replace(FIRST, b=FIRST.b + 1)))
    plan = Plan.of(FIRST)
    first = samestep.judge(as_trace(oracle, plan, recorded(moved))).first
    assert first is not None
    assert (first[0], first[1].step) == ("prediction", 0)


def test_a_fit_of_another_length_is_refused(oracle: Backend) -> None:
    record = recorded(samestep.train(oracle, Plan.of(FIRST, epochs=2)))
    with pytest.raises(UsageError, match=r"shape \(6, 8\)\.\nthree epochs has \(9, 8\)"):
        as_trace(oracle, Plan.of(FIRST, name="three epochs"), record)


def test_several_records_may_have_one_title(
    oracle: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recorded(samestep.train(oracle, Plan.of(FIRST, epochs=1)))

    def version(*problems: DeviceProblem) -> Fits:
        yield "short", record
        yield "short", record

    found = offer(monkeypatch, oracle, version)
    assert [title for title, _ in found] == ["short", "short"]
    assert all(samestep.judge(trace).holds for _, trace in found)


def test_an_unknown_title_is_refused(oracle: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(*problems: DeviceProblem) -> Fits:
        yield "shirt", {}

    with pytest.raises(UsageError, match=r"Unknown fit of two-problems 'shirt'\.\n.*'short'"):
        offer(monkeypatch, oracle, version)


def test_a_missing_version_is_an_error_that_lists_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"'exercise/two-problems'\.\n.*exercise/data-size"):
        native_traces(samestep.backend("torch"), TwoProblems())
