"""A benchmark on tiny workloads: real processes, honest and dishonest peers."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import bench_peers
import pytest

from samestep.benchmarking import conduct, contender
from samestep.benchmarking.catalogue import Session
from samestep.benchmarking.crew import Crew
from samestep.benchmarking.one_core import THREAD_VARIABLES, last_core
from samestep.benchmarking.result import BenchResult
from samestep.benchmarking.timer_check import TimerCheck
from samestep.benchmarking.workload import Workload
from samestep.errors import MissingParticipantError, SamestepError, UsageError
from samestep.report.sections import table_sections
from samestep.table import load_tables
from samestep.workers.process import LostWorkerError
from samestep.workers.surroundings import USER_CACHE

SINGLE = Workload("single", n=20, batch_size=8, epochs=1)
STACK = replace(SINGLE, name="stack", runs=3)
LARGE = replace(SINGLE, name="large", n=50, features=3, record="final")
SESSIONS = [
    Session(SINGLE, (2, 2), 0.0),
    Session(STACK, (2, 2), 0.0),
    *(
        Session(replace(SINGLE, name=f"growth n={n}", n=n), (2, 2), 0.0, who="modes", series="n")
        for n in (10, 20, 40)
    ),
    Session(LARGE, (1, 1), 0.0, apart=True),
]
PEERS = (
    "HONEST",
    "ONE_BY_ONE",
    "CHEAT",
    "UNFINISHED",
    "MORE",
    "COMPILED",
    "RAISES",
    "DIES",
    "ABSENT",
    "FOREIGN",
    "SLOW",
    "NAMESAKE",
)


def stage(
    patch: pytest.MonkeyPatch, sessions: list[Session], peers: tuple[str, ...], folder: Path
) -> None:
    """Set tiny workloads and these peers in place of what is registered."""
    patch.setattr(conduct, "sessions", lambda **_: sessions)
    found = [bench_peers.entry(name) for name in peers]
    patch.setattr(contender, "entry_points", lambda group: found)
    # Not the lock of the machine: a test measures nothing, and must not wait.
    patch.setattr("tempfile.tempdir", str(folder))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BenchResult:
    with pytest.MonkeyPatch.context() as patch:
        stage(patch, SESSIONS, PEERS, tmp_path_factory.mktemp("lock"))
        return conduct.bench(on=["numpy"], quick=True)


def row(result: BenchResult, name: str, workload: str = "single") -> dict[str, Any]:
    (found,) = [
        r
        for r in result.to_dict()["rows"]
        if (r["contender"], r["workload"]["name"]) == (name, workload)
    ]
    return found  # type: ignore[no-any-return]  # rows are plain data


def test_a_ratio_is_given_where_both_did_the_same_work(result: BenchResult) -> None:
    assert result.ratios["numpy / honest (single)"] > 0
    assert result.ratios["numpy / honest (stack)"] > 0
    assert result.ratios["numpy / honest (large)"] > 0
    assert result.ratios["one by one / numpy stacked, per fit"] > 0
    assert result.holds


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("numpy / cheat (single)", "cheat: update of step 0"),
        ("numpy / cheat (large)", "cheat: it ends"),
        ("numpy / unfinished (single)", "unfinished: w is function, which is no NumPy array"),
        ("numpy / compiled (single)", "compile effort differs: eager against compiled"),
    ],
)
def test_a_pair_that_cannot_be_compared_gets_a_reason_and_no_ratio(
    result: BenchResult, pair: str, reason: str
) -> None:
    (found,) = [c for c in result.comparisons if c.name == pair]
    assert found.ratio is None
    assert pair not in result.ratios
    assert reason in "; ".join(found.ruling.refusals)


def test_stacking_is_named_where_it_is_what_is_compared(result: BenchResult) -> None:
    (found,) = [c for c in result.comparisons if c.name == "one by one / numpy stacked, per fit"]
    assert found.ruling.named == ("one by one against stacked",)


def test_everything_is_measured_of_everybody(result: BenchResult) -> None:
    for name in ("numpy", "honest"):
        found = row(result, name)
        assert found["seconds_per_fit"]["samples"] == 2
        for number in ("import_seconds", "first_seconds", "second_seconds", "peak_memory_bytes"):
            assert found[number] > 0, number
        assert found["threads"]["used"] > 0
        assert found["parity"]["holds"]
    assert row(result, "honest", "large")["copy_bytes_per_second"] > 0
    assert row(result, "honest", "large")["seconds_per_fit"]["samples"] > 1  # in one process


def test_whoever_cannot_do_it_says_why(result: BenchResult) -> None:
    assert row(result, "one by one", "stack")["obstacle"] == "one fit at a time"
    assert row(result, "raises")["obstacle"] == "failed: ValueError: no such thing"
    assert "ended with exit status 3" in row(result, "dies")["obstacle"]
    assert row(result, "absent")["obstacle"] == "not run: pip install 'samestep[bench]'"


def test_peers_of_absent_backends_stay_out_and_namesakes_are_told_apart(
    result: BenchResult,
) -> None:
    names = {m.name for m in result.measurements}
    assert "foreign" not in names
    assert "numpy peer" in names
    assert "numpy / numpy peer (single)" in result.ratios


def test_a_quick_one_says_what_it_leaves_out(result: BenchResult) -> None:
    assert result.left_out == ("more", "slow")
    assert "slow" not in {m.name for m in result.measurements}
    assert any("Left out by --quick" in note and "more, slow" in note for note in result.notes)


def test_growth_is_fitted_for_modes_and_not_for_peers(result: BenchResult) -> None:
    (found,) = result.growth
    assert (found.name, found.parameter, found.sizes) == ("numpy", "n", (10, 20, 40))
    assert found.fitted == (20, 40)


def test_the_timer_was_tested(result: BenchResult) -> None:
    timer = result.to_dict()["environment"]["backends"]["numpy"]["timer"]
    assert timer["waits"]
    assert any("Timer on numpy" in note for note in result.notes)


def test_it_is_json_without_what_json_does_not_have(result: BenchResult) -> None:
    told = json.loads(result.to_json(), parse_constant=pytest.fail)
    assert set(told) >= {"ratios", "rows", "environment"}
    assert told["ratios"] == result.ratios
    odd = replace(result, environment={"x": [float("nan")]})
    assert json.loads(odd.to_json())["environment"] == {"x": [None]}


def test_it_is_saved_where_the_report_finds_it(result: BenchResult, tmp_path: Path) -> None:
    result.save(tmp_path)
    tables = load_tables(tmp_path)
    assert set(tables) == {
        "bench-ratios",
        "bench-stacking",
        "bench-refused",
        "bench-on-single",
        "bench-on-stack",
        "bench-on-large",
        "bench-throughput",
        "bench-growth",
    }
    for name in ("bench-ratios", "bench-growth"):
        (figure,) = tables[name].figures
        assert figure.caption
        assert all((tmp_path / file).stat().st_size for file in figure.files)
    section = next(s for s in table_sections(tables, tmp_path) if s.id == "benchmark")
    assert len(section.tables) == len(tables)


def test_only_whoever_proved_parity_is_in_the_figure(result: BenchResult) -> None:
    panels = result.figures()["bench-ratios"].data["panels"]
    names = [r["name"] for r in panels["One fit, every step kept"]]
    assert "honest" in names
    assert not {"cheat", "unfinished", "raises"} & set(names)


# --- processes ---------------------------------------------------------------------------------


def test_a_process_has_one_core_and_one_thread_whatever_the_user_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    with Crew() as crew:
        values = crew.ask("one", "", lambda: [os.environ[v] for v in THREAD_VARIABLES])
        assert values == ["1"] * len(THREAD_VARIABLES)
        if last_core() is not None:
            assert crew.ask("one", "", lambda: os.sched_getaffinity(0)) == {last_core()}


def test_what_was_compiled_before_is_not_found() -> None:
    def cache() -> str:
        return os.environ["JAX_COMPILATION_CACHE_DIR"]

    with Crew() as crew:
        one, two = (crew.ask(name, "jax", cache) for name in ("one", "two"))
        assert len({Path(folder).parent for folder in (one, two)}) == 2
        assert not Path(one).is_relative_to(USER_CACHE)
    assert not Path(one).parent.exists()


def test_each_has_a_process_of_its_own_and_a_lost_one_is_settled_anew() -> None:
    with Crew() as crew:
        first, second = (crew.ask(name, "", os.getpid) for name in ("one", "two"))
        assert len({first, second, os.getpid()}) == 3
        assert crew.ask("one", "", os.getpid) == first
        with pytest.raises(LostWorkerError):
            crew.ask("one", "", os._exit, 1)
        assert crew.ask("one", "", lambda: os.environ["NUMBA_NUM_THREADS"]) == "1"


# --- endings -----------------------------------------------------------------------------------


def test_an_interruption_keeps_what_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(monkeypatch, SESSIONS, ("HONEST",), tmp_path)

    def progress(what: str, done: float, total: float) -> None:
        if what.startswith("stack: round 2"):
            raise KeyboardInterrupt

    result = conduct.bench(on=["numpy"], progress=progress)
    assert result.interrupted
    assert row(result, "honest")["seconds_per_fit"]["samples"] == 2
    assert result.ratios["numpy / honest (single)"] > 0
    assert row(result, "honest", "stack")["seconds_per_fit"]["samples"] == 1
    assert any("Interrupted" in note for note in result.notes)
    assert len(result.tables()) == 3


def test_an_interruption_before_anything_was_measured_has_no_tables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(monkeypatch, SESSIONS, (), tmp_path)

    def progress(what: str, done: float, total: float) -> None:
        raise KeyboardInterrupt

    result = conduct.bench(on=["numpy"], progress=progress)
    assert result.tables() == []
    assert not result.holds


def test_progress_never_goes_back_and_ends_at_the_total(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(monkeypatch, SESSIONS[:2], ("HONEST",), tmp_path)
    seen: list[tuple[float, float]] = []
    conduct.bench(on=["numpy"], progress=lambda what, done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert len({total for _, total in seen if total}) == 1
    assert done[-1] < seen[-1][1]


def test_a_timer_that_does_not_wait_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(monkeypatch, SESSIONS[:1], (), tmp_path)
    introduce = conduct.introduce

    def hasty(participant: str, dtype: str) -> Any:
        told = introduce(participant, dtype)
        return replace(told, timer=TimerCheck(0.001, 0.1, 0.001, right=True))

    monkeypatch.setattr(conduct, "introduce", hasty)
    with pytest.raises(SamestepError, match="The timer does not wait for numpy"):
        conduct.bench(on=["numpy"])


def test_a_mode_that_is_wrong_fails_the_benchmark(result: BenchResult) -> None:
    assert result.holds  # although peers are wrong
    ours = next(m for m in result.measurements if m.contender.kind == "mode")
    assert ours.parity is not None
    wrong = replace(ours, parity=replace(ours.parity, problem="gradient of step 3"))
    assert not replace(result, measurements=[*result.measurements, wrong]).holds
    broken = replace(ours, parity=None, opening=None, samples=[])
    broken.fail(ValueError("no such thing"))
    assert not replace(result, measurements=[*result.measurements, broken]).holds


def test_what_would_take_too_long_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conduct, "_LONGEST_QUICK", 0.0)
    stage(monkeypatch, [SESSIONS[0], *SESSIONS[2:4]], (), tmp_path)
    result = conduct.bench(on=["numpy"])
    assert row(result, "numpy", "growth n=10")["obstacle"].startswith("left out: a call would take")
    assert row(result, "numpy")["seconds_per_fit"]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"on": ["nump"]}, UsageError, "Unknown backend 'nump'"),
        ({"dtype": "float16"}, UsageError, "Unknown dtype"),
        ({"workloads": ["singel"]}, UsageError, "Unknown workload 'singel'"),
        ({"on": ["numpy@gpu"]}, MissingParticipantError, "gpu"),
    ],
)
def test_wrong_usage_is_an_error_with_a_message(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        conduct.bench(**options)


def test_an_entry_point_that_is_no_peer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contender, "entry_points", lambda group: [bench_peers.entry("can_do_all")])
    with pytest.raises(UsageError, match="is no peer"):
        contender.peer_contenders([], [])
    monkeypatch.setattr(contender, "entry_points", lambda group: [bench_peers.entry("gone")])
    with pytest.raises(UsageError, match="cannot be imported"):
        contender.peer_contenders([], [])
