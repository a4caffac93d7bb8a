"""Workloads, and which of them are measured."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from samestep.benchmarking.catalogue import SERIES, sessions
from samestep.benchmarking.workload import Workload
from samestep.errors import UsageError


def test_the_plan_is_the_books_problem_without_validation() -> None:
    plan = Workload("single").plan()
    assert (plan.runs, plan.steps, plan.features) == (1, 96, 2)
    (problem,) = plan.problems
    assert problem.X_val is None
    assert problem.true_w is not None
    np.testing.assert_array_equal(problem.true_w, [2.0, -3.4])


def test_a_plan_is_drawn_once_whatever_it_is_called_and_recorded() -> None:
    workload = Workload("single", n=50)
    other = replace(workload, name="other", dtype="float64", record="final")
    assert workload.plan() is other.plan()


def test_runs_have_the_seeds_0_and_on_and_share_problems_with_smaller_stacks() -> None:
    stack, smaller = Workload("a", n=30, runs=5).plan(), Workload("b", n=30, runs=3).plan()
    assert [p.seed for p in stack.problems] == list(range(5))
    assert all(a is b for a, b in zip(stack.problems, smaller.problems, strict=False))


def test_it_is_plain_data() -> None:
    workload = Workload("stack", runs=3, dtype="float64")
    assert Workload(**json.loads(json.dumps(workload.to_dict()))) == workload


def test_bytes_are_those_of_all_rows_that_are_read() -> None:
    assert Workload("x", n=10, features=3, epochs=2, runs=5).bytes_read == 10 * 2 * 5 * 4 * 4


def test_a_full_benchmark_measures_everything_and_the_large_problem_apart() -> None:
    full = sessions(quick=False, dtype="float64")
    assert {s.series for s in full} == {"", *SERIES}
    assert [s.workload.name for s in full if s.apart] == ["large"]
    assert {s.workload.dtype for s in full} == {"float64"}
    assert len({s.workload.name for s in full}) == len(full)
    (stack,) = [s for s in full if s.workload.name == "stack"]
    assert stack.workload.runs == 1000


def test_a_quick_one_leaves_the_large_problem_out() -> None:
    quick = sessions(quick=True, dtype="float32")
    assert not [s for s in quick if s.workload.n * s.workload.features > 10**6]
    assert {s.series for s in quick} < {"", *SERIES}
    assert {"single", "stack", "one row a step"} <= {s.workload.name for s in quick}


def test_workloads_are_chosen_by_name() -> None:
    chosen = sessions(quick=True, dtype="float32", names=["stack", "growth"])
    assert {s.workload.name for s in chosen if not s.series} == {"stack"}
    assert [s for s in chosen if s.series]
    with pytest.raises(UsageError, match="Unknown workload 'singel'"):
        sessions(quick=True, dtype="float32", names=["singel"])
    with pytest.raises(UsageError, match="A quick benchmark has no workload 'large'"):
        sessions(quick=True, dtype="float32", names=["large"])
