"""The peers do the very work: every step of theirs is judged, and a spoiled one is found."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from peer_cases import PEERS, SMALL, STACK, WORKLOADS, cases, installed

from samestep import Trace, judge
from samestep.benchmarking.parity import prove
from samestep.benchmarking.peer import Outcome
from samestep.benchmarking.workload import Workload

HERE = [name for name in PEERS if not name.startswith("keras")]
"""Those that share a process with others."""

ENDS = [replace(workload, record="final") for workload in WORKLOADS]


def outcome_of(name: str, workload: Workload) -> Outcome:
    return installed(name).prepare(workload)()


@pytest.mark.parametrize(("name", "workload"), cases(HERE, WORKLOADS))
def test_every_step_is_the_plans(name: str, workload: Workload) -> None:
    outcome = outcome_of(name, workload)
    assert outcome.record is not None
    trace = Trace.of_record(workload.plan(), name, workload.dtype, outcome.record)
    judgement = judge(trace)
    assert judgement.holds, judgement.first
    assert {quantity: verdict.judged > 0 for quantity, verdict in judgement.verdicts.items()} == {
        "prediction": True,
        "loss": True,
        "gradient": True,
        "update": True,
    }
    assert prove(workload, outcome, name).holds  # it also ends where its record does


@pytest.mark.parametrize(("name", "workload"), cases(HERE, ENDS))
def test_the_end_alone_is_that_of_the_plan(name: str, workload: Workload) -> None:
    outcome = outcome_of(name, workload)
    assert outcome.record is None
    parity = prove(workload, outcome, name)
    assert parity.holds, parity
    assert {values.dtype.name for values in outcome.final.values()} == {workload.dtype}


@pytest.mark.parametrize(("name", "workload"), cases(HERE, [SMALL, STACK, *ENDS], ["float32"]))
def test_another_rate_is_found(name: str, workload: Workload) -> None:
    spoiled = outcome_of(name, replace(workload, learning_rate=0.0301))
    assert not prove(workload, spoiled, name).holds


@pytest.mark.parametrize(("name", "workload"), cases(HERE, [SMALL, STACK, ENDS[-1]], ["float32"]))
def test_a_second_fit_begins_anew_and_leaves_the_first_alone(name: str, workload: Workload) -> None:
    fit = installed(name).prepare(workload)
    first = fit()
    kept = pickle.loads(pickle.dumps(first))
    second = fit()
    for other in (kept, second):
        for one, two in ((first.final, other.final), (first.record or {}, other.record or {})):
            assert one.keys() == two.keys()
            assert all(np.array_equal(one[key], two[key]) for key in one)


def test_the_book_validates_after_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    installed("book")
    from samestep_experiments.peers import book

    batches: list[int] = []

    def count(model: book.LinearRegression, batch: list[object]) -> None:
        batches.append(len(batch[-1]))  # type: ignore[arg-type]

    monkeypatch.setattr(book.LinearRegression, "validation_step", count)
    plain = outcome_of("book", SMALL)
    assert batches == []
    validated = outcome_of("book with validation", SMALL)
    assert batches == [32, 32, 6] * 2
    assert np.array_equal(plain.final["w"], validated.final["w"])


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("torch loop", {"runs": 2}, "one fit at a time"),
        ("torch hand-batched", {}, "is for stacked fits"),
        ("scikit-learn", {"record": "final"}, "batch size 1 only"),
        ("scikit-learn", {"batch_size": 1}, "neither predictions nor gradients"),
        ("keras jax", {}, "neither predictions nor gradients"),
        (
            "keras torch",
            {"record": "final", "dtype": "float64"},
            "in float32, also where it is told",
        ),
        ("numba", {"loss": "huber"}, "squared_error only, not huber"),
    ],
)
def test_what_a_peer_cannot_do_it_says(name: str, changes: dict[str, object], said: str) -> None:
    assert said in PEERS[name].obstacle(replace(SMALL, **changes))  # type: ignore[arg-type]


def test_the_peers_are_described_without_any_framework() -> None:
    script = (
        "import sys, samestep_experiments.peers.catalogue as c\n"
        "peers = [getattr(c, name) for name in c.__all__]\n"
        "assert len({p.name for p in peers}) == len(peers) == 11\n"
        "loaded = {'torch', 'jax', 'optax', 'keras', 'numba', 'sklearn'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_can_be_sent_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(PEERS[name])) == PEERS[name]
