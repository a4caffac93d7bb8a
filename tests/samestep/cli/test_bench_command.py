"""``samestep bench``: what it prints, how it ends, what it keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samestep.benchmarking.catalogue import Session
from samestep.benchmarking.clock import Sample
from samestep.benchmarking.contender import Contender, mode_contender
from samestep.benchmarking.measurement import Measurement
from samestep.benchmarking.parity import Parity
from samestep.benchmarking.peer import Fit, Peer
from samestep.benchmarking.result import BenchResult
from samestep.benchmarking.task import Introduction, Opening
from samestep.benchmarking.timer_check import TimerCheck
from samestep.benchmarking.workload import Workload
from samestep.cli import bench
from samestep.interface import Environment

SINGLE = Workload("single")
STACK = replace(SINGLE, name="stack", runs=1000)
LARGE = Workload("large", n=10**6, features=100, record="final")
SIZES = (250, 1000, 4000)
GROWN = [replace(SINGLE, name=f"growth n={n}", n=n) for n in SIZES]


def never(workload: Workload) -> Fit:
    raise AssertionError("nothing is run here")


def peer(name: str, **options: Any) -> Contender:
    how = Peer(name, "a loop", "frame", (), "none", lambda workload: "", never)
    return Contender("peer", replace(how, **options))


EAGER = mode_contender("frame", "eager", "as it comes", "none", default=True, slow=False)
COMPILED = mode_contender("frame", "compiled", "as a whole", "XLA", default=False, slow=True)
LOOP, BOOK = peer("frame loop"), peer("book", does_more="validates after each epoch")


def measured(
    contender: Contender, workload: Workload, seconds: float, problem: str = ""
) -> Measurement:
    recording = workload.record
    return Measurement(
        contender,
        workload,
        import_seconds=1.25,
        opening=Opening(0.1, 20 * seconds, 1.1 * seconds, 250_000_000, "float32", recording),
        parity=Parity("every step", 0.7, problem),
        samples=[Sample(seconds * factor, 0.99) for factor in (0.98, 1.0, 1.01, 1.0, 1.02)],
        copy_rates=[4e9],
    )


@pytest.fixture
def result() -> BenchResult:
    return BenchResult(
        measurements=[
            measured(EAGER, SINGLE, 0.011),
            measured(COMPILED, SINGLE, 0.001),
            measured(LOOP, SINGLE, 0.010),
            measured(BOOK, SINGLE, 0.033),
            Measurement(peer("absent"), SINGLE, "not run: pip install 'samestep[bench]'"),
            measured(EAGER, STACK, 0.08),
            Measurement(LOOP, STACK, "one fit at a time"),
            measured(EAGER, LARGE, 0.5),
            *(measured(EAGER, w, w.n * 1e-5) for w in GROWN),
        ],
        planned=[Session(w, (1, 1), 0.0, series="n") for w in GROWN],
        introductions={
            "frame": Introduction(
                1.25,
                {},
                {},
                Environment({"frame": "1.0"}, ("cpu",), 1, {}),
                TimerCheck(0.001, 0.02, 0.021, right=True),
            )
        },
        environment={"backends": {}},
        left_out=("frame compiled",),
        quick=True,
        interrupted=False,
    )


@pytest.fixture
def command(result: BenchResult, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Let the command find this result; what it asked for is returned."""
    asked: dict[str, Any] = {}
    monkeypatch.setenv("COLUMNS", "100")

    def prepare(**changes: Any) -> dict[str, Any]:
        def fake(**options: Any) -> BenchResult:
            asked.update(options)
            options["progress"]("single: round 1", 1.0, 2.0)
            return replace(result, **changes)

        monkeypatch.setattr(bench, "bench", fake)
        return asked

    return prepare


def test_it_prints_ratios_contenders_growth_and_what_was_left_out(
    command: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command()
    assert bench.run_bench() == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert max(map(len, lines)) <= 100

    def line(start: str) -> str:
        return next(line for line in lines if line.strip().startswith(start))

    assert "1.10 [" in line("frame eager / frame loop")
    assert "0.0909 [" in line("frame compiled / frame eager")
    assert "compiled against eager" in line("frame compiled / frame eager")
    assert "125 [" in line("frame loop / frame eager stacked")
    refusals = told[told.index("Pairs without a ratio") : told.index("Single: one fit")]
    assert "frame eager / book (single)" in refusals
    assert "work differs: book validates" in refusals
    # The quickest first.
    single = told[told.index("Single: one fit") : told.index("Stack: 1000 fits")]
    order = [single.index(f"\n {name} ") for name in ("frame compiled", "frame loop", "book")]
    assert order == sorted(order)
    words = " ".join(told.split())
    assert "Not measured: absent: not run: pip install 'samestep[bench]'." in words
    assert "80.0 µs [78.4, 81.6]" in told
    assert "2.42" in line("frame eager   2.42")  # GB/s: 1.212 GB in half a second
    assert "1.00 [1.00, 1.00]" in line("examples")
    assert "counts as 21 ms" in told
    assert "Left out by --quick: the large problem" in words
    assert "frame compiled." in words


def test_json_is_printed_alone(
    command: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command()
    assert bench.run_bench(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ratios"]["frame eager / frame loop (single)"] == pytest.approx(1.1)
    assert "frame eager / book (single)" not in told["ratios"]
    assert told["rows"][0]["contender"] == "frame eager"
    assert told["rows"][0]["seconds_per_fit"]["median"] == pytest.approx(0.011)


def test_markdown_is_printed_alone(
    command: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command()
    assert bench.run_bench(markdown=True) == 0
    told = capsys.readouterr().out
    assert told.startswith("## Ours against the same work by others")
    assert "| frame eager / frame loop | 1.10 [" in told
    assert "- Left out by --quick" in told


def test_what_is_asked_for_is_handed_on(command: Callable[..., Any]) -> None:
    asked = command()
    bench.run_bench(quick=True, on=["frame"], dtype="float64", workloads=["single"], as_json=True)
    given = {name: asked[name] for name in ("quick", "on", "dtype", "workloads")}
    assert given == {
        "quick": True,
        "on": ["frame"],
        "dtype": "float64",
        "workloads": ["single"],
    }


def test_it_is_kept_for_the_report(command: Callable[..., Any], tmp_path: Path) -> None:
    command()
    bench.run_bench(folder=tmp_path / "run")
    assert (tmp_path / "run" / "tables" / "bench-ratios.json").is_file()
    assert (tmp_path / "run" / "figures" / "bench-times.png").is_file()


@pytest.mark.parametrize("changed", ["wrong", "interrupted", "nothing"])
def test_the_exit_status_says_how_it_ended(
    changed: str,
    result: BenchResult,
    command: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    if changed == "wrong":
        wrong = measured(COMPILED, STACK, 0.01, "gradient of step 3, w[0]: 1 for 2")
        command(measurements=[*result.measurements, wrong])
        assert bench.run_bench() == 1
        told = " ".join(capsys.readouterr().out.split())
        assert "frame compiled has no parity: gradient of step 3, w[0]: 1 for 2." in told
        assert "frame compiled: gradient of step 3" in told
    elif changed == "interrupted":
        command(interrupted=True)
        assert bench.run_bench() == 130
        assert "Interrupted" in capsys.readouterr().out
    else:
        command(measurements=[], introductions={}, interrupted=True)
        assert bench.run_bench() == 130
