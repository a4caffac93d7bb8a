"""Parity: sound outcomes pass, and whatever else was computed does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench_peers import fitting

from samestep.benchmarking.parity import prove
from samestep.benchmarking.peer import Outcome
from samestep.benchmarking.workload import Workload

SINGLE = Workload("single", n=40, batch_size=16, epochs=2)
STACK = Workload("stack", n=40, batch_size=16, epochs=1, runs=30)
END = Workload("end", n=40, batch_size=16, epochs=2, record="final")
ROWS = Workload("rows", n=200, batch_size=1, epochs=1, record="final")
WIDE = Workload("wide", n=2000, features=20, batch_size=256, epochs=3, record="final")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("workload", [SINGLE, STACK, END, ROWS, WIDE], ids=lambda w: w.name)
def test_a_sound_outcome_proves_parity(workload: Workload, dtype: str) -> None:
    workload = Workload(**workload.to_dict() | {"dtype": dtype})
    parity = prove(workload, fitting(workload)(), "honest")
    assert parity.holds, parity
    assert 0 <= parity.ratio <= 1
    assert ("estimated" in parity.how) == (workload.record == "final")


def test_a_stack_is_judged_by_a_sample_of_its_runs_and_says_so() -> None:
    assert prove(STACK, fitting(STACK)(), "honest").how == "every step of 25 of 30 runs"


@pytest.mark.parametrize("workload", [SINGLE, STACK, END, ROWS, WIDE], ids=lambda w: w.name)
def test_another_learning_rate_is_found(workload: Workload) -> None:
    parity = prove(workload, fitting(workload, 1.001)(), "cheat")
    assert not parity.holds
    assert parity.ratio > 1


def test_the_first_wrong_number_is_named() -> None:
    outcome = fitting(SINGLE)()
    assert outcome.record is not None
    outcome.record["gradient/w"][3] *= 1.001
    assert "gradient of step 3, w[" in prove(SINGLE, outcome, "cheat").problem


def test_an_end_that_is_not_that_of_the_record_is_found() -> None:
    outcome = fitting(SINGLE)()
    final = {name: values + np.float32(1e-6) for name, values in outcome.final.items()}
    parity = prove(SINGLE, Outcome(final, outcome.record), "cheat")
    assert parity.problem == "it does not end where its record ends"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"w": None}, "w is NoneType, which is no NumPy array"),
        ({"w": np.zeros(2, np.float32)}, "expected shape (1, 2)"),
        ({"b": np.zeros((1, 1), np.float32)}, "expected shape (1,)"),
        ({"b": np.zeros(1, np.int64)}, "b is int64"),
        ({"b": np.full(1, np.nan, np.float32)}, "it ends nan from the oracle's end"),
    ],
)
def test_what_is_not_even_of_the_right_kind_is_refused(change: dict[str, Any], said: str) -> None:
    final: dict[str, Any] = {**fitting(END)().final, **change}
    parity = prove(END, Outcome({k: v for k, v in final.items() if v is not None}), "odd")
    assert not parity.holds
    assert said in parity.problem


@pytest.mark.parametrize("name", ["prediction", "loss", "gradient/b", "params/w"])
def test_a_record_that_lacks_something_is_refused(name: str) -> None:
    outcome = fitting(SINGLE)()
    assert outcome.record is not None
    del outcome.record[name]
    assert not prove(SINGLE, outcome, "odd").holds


def test_the_same_work_in_another_precision_is_right_but_no_longer_the_same() -> None:
    double = Workload(**SINGLE.to_dict() | {"dtype": "float64"})
    assert prove(SINGLE, fitting(double)(), "double").holds  # the gate compares the precisions
