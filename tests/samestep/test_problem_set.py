"""Problems that travel as columns are the same problems."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from samestep.plan import Plan, stack
from samestep.problem import Problem, SyntheticRegression
from samestep.problem_set import ProblemSet, first_rows

SPEC = SyntheticRegression(num_train=20, num_val=10, batch_size=8)


def several() -> list[Problem]:
    sizes = (20, 5, 33)
    return [replace(SPEC, num_train=n, num_val=n // 2).draw(seed) for seed, n in enumerate(sizes)]


def without_validation() -> list[Problem]:
    first, second, third = several()
    return [first, replace(second, X_val=None, y_val=None, true_w=None, true_b=None), third]


def of_two_precisions() -> list[Problem]:
    first, second, _ = several()
    return [first, replace(second, X=np.asarray(second.X, np.float32))]


@pytest.mark.parametrize(
    "problems",
    [several(), several()[:1], without_validation(), of_two_precisions()],
    ids=["several", "alone", "some without validation", "two precisions"],
)
def test_a_copy_has_the_same_bytes_orders_and_settings(problems):
    copies = pickle.loads(pickle.dumps(ProblemSet(problems), protocol=5))
    assert [copy.hash for copy in copies] == [problem.hash for problem in problems]
    for copy, problem in zip(copies, problems, strict=True):
        assert copy.X.dtype == problem.X.dtype
        assert (copy.b.shape, copy.batch_size, copy.seed) == ((), 8, problem.seed)
        assert np.array_equal(copy.order(2), problem.order(2))
        assert (copy.truth is None) == (problem.truth is None)


def test_rows_lie_end_to_end():
    problems = ProblemSet(several())
    X, y = problems.rows
    starts = first_rows(problems)
    assert starts.tolist() == [0, 20, 25]
    for start, problem in zip(starts, problems, strict=True):
        assert np.array_equal(X[start : start + problem.num_train], problem.X)
        assert np.array_equal(y[start : start + problem.num_train], problem.y)


def test_a_copy_holds_its_rows_once():
    copy = pickle.loads(pickle.dumps(ProblemSet(several())))
    assert all(np.shares_memory(copy.rows[0], problem.X) for problem in copy)
    assert np.array_equal(copy.rows[0], ProblemSet(several()).rows[0])


def test_a_lone_problem_is_not_copied():
    (problem,) = several()[:1]
    assert ProblemSet([problem]).rows[0] is problem.X
    buffers: list[pickle.PickleBuffer] = []
    pickle.dumps(ProblemSet([problem]), protocol=5, buffer_callback=buffers.append)
    assert np.shares_memory(np.frombuffer(buffers[0]), problem.X)


def test_the_largest_number_is_of_data_and_labels():
    problems = several()
    problems[1] = replace(problems[1], y=np.array([1.0, -7e3, 0, 0, 0]))
    assert ProblemSet(problems).largest_number == 7e3
    problems[2] = replace(problems[2], X=problems[2].X * 1e9)
    assert ProblemSet(problems).largest_number == abs(problems[2].X).max()


def test_a_plan_travels_as_few_arrays():
    plan = stack([Plan.of(SPEC.draw(seed)) for seed in range(100)])
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(plan, protocol=5, buffer_callback=buffers.append)
    assert len(buffers) < 20
    assert pickle.loads(data, buffers=buffers).hash == plan.hash


def test_plans_that_share_a_problem_share_it_after_a_trip():
    problem = SPEC.draw(0)
    plans = [Plan.of(problem, learning_rate=rate) for rate in (0.01, 0.02)]
    assert stack(pickle.loads(pickle.dumps(plans))).hash == stack(plans).hash


class InOrder(Problem):
    """Sees its examples in the order that they have."""

    def order(self, epoch: int) -> np.ndarray:
        return np.arange(self.num_train, dtype=np.int32)


def test_a_problem_of_another_class_stays_one():
    values = {name: getattr(SPEC.draw(0), name) for name in ("X", "y", "w", "b", "batch_size")}
    plan = Plan.of(InOrder(**values), InOrder(**values))
    longer = pickle.loads(pickle.dumps(plan)).vary(epochs=5)
    assert longer.hash == plan.vary(epochs=5).hash
    assert longer.batches[0, 0].tolist() == list(range(8))
