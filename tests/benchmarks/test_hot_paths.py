"""The hot paths beside the loops that users of the libraries write; not part of a test run.

    pytest tests/benchmarks

A table holds the same work done twice. Behind each number stands, in brackets, its ratio to that of
the quicker one: read the medians', because what else the machine does falls on both.
``samestep bench`` is more thorough: fresh processes, turn by turn, with intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from samestep_experiments.peers import catalogue

import samestep
from samestep import Trace
from samestep.benchmarking.peer import Peer
from samestep.benchmarking.workload import Workload

SINGLE = Workload("one fit")
STACK = Workload("300 stacked fits", runs=300)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The loops beside ours use as many threads as ours do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ours(name: str, workload: Workload) -> Callable[[], Trace]:
    item, plan = samestep.backend(name), workload.plan()
    return lambda: samestep.train(item, plan)


def measure(benchmark: BenchmarkFixture, group: str, work: Callable[[], object]) -> None:
    benchmark.group = group
    work()  # compiles
    benchmark.pedantic(work, rounds=30, warmup_rounds=3)


FITS = pytest.mark.parametrize(
    ("name", "workload", "peer"),
    [
        ("torch", SINGLE, catalogue.TORCH_LOOP),
        ("jax", SINGLE, catalogue.JAX_SCAN),
        ("torch", STACK, catalogue.TORCH_HAND_BATCHED),
        ("jax", STACK, catalogue.JAX_SCAN),
    ],
    ids=["torch-one", "jax-one", "torch-stack", "jax-stack"],
)


@FITS
def test_ours(benchmark: BenchmarkFixture, name: str, workload: Workload, peer: Peer) -> None:
    measure(benchmark, f"{workload.name} on {name}", ours(name, workload))


@FITS
def test_native(benchmark: BenchmarkFixture, name: str, workload: Workload, peer: Peer) -> None:
    measure(benchmark, f"{workload.name} on {name}", peer.prepare(workload))


JUDGING = f"judging {STACK.name}, beside computing them once more in float64"


def test_judging(benchmark: BenchmarkFixture) -> None:
    trace = ours("torch", STACK)()
    measure(benchmark, JUDGING, lambda: samestep.judge(trace))


def test_computing(benchmark: BenchmarkFixture) -> None:
    fit = catalogue.NUMPY_LOOP.prepare(replace(STACK, dtype="float64"))
    measure(benchmark, JUDGING, fit)
