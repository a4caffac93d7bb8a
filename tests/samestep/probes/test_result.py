"""Pages, tables, files, and what changed from one run to another."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samestep import Backend, UsageError
from samestep.probes import Derivative, Natives, Probe
from samestep.probes.catalogue import Entry, Side
from samestep.probes.conduct import conduct
from samestep.probes.result import Atlas
from samestep.registry import oracle

PROBE = Probe(
    id="abs-at-0",
    title="abs at 0",
    question="What is it?",
    truth=Derivative(lambda m, x: abs(x), at=0.0, left=-1.0, right=1.0),
    why="Why.",
    portable="Portable.",
    references=("https://example.org/",),
)


def other(backend: Backend) -> object:
    return backend.asarray([1.0, np.nan])


OTHER = replace(PROBE, id="other", shared=other)


def run(value: object, *probes: Probe) -> Atlas:
    native = Natives()

    @native
    def abs_at_0() -> object:
        return value

    return conduct([Entry("kinks", probe) for probe in probes], [Side(oracle(), native)])


def test_a_page_shows_the_code_as_it_is_run_and_what_it_did() -> None:
    page = run(0.0, PROBE)["abs-at-0"]
    assert page.code == {"numpy": "def abs_at_0() -> object:\n    return value"}
    assert page.observed["numpy"].outcome.text == "0"
    assert page.right == {"numpy": True}
    assert page.quotients == "-1 | 1"
    text = page.to_markdown()
    for part in (page.code["numpy"], "-1 from the left", "numpy: `0` (right)", "Why.", "Portable."):
        assert part in text


def test_a_probe_without_code_says_so() -> None:
    found = conduct([Entry("kinks", PROBE)], [Side(oracle(), Natives())])
    assert found["abs-at-0"].verdict == "missing"
    stated = Natives()
    stated.absent("abs-at-0", "It has no abs.")
    found = conduct([Entry("kinks", PROBE)], [Side(oracle(), stated)])
    assert found["abs-at-0"].observation("numpy") == "It has no abs."


def test_a_stored_run_is_read_as_it_was(tmp_path: Path) -> None:
    found = run(float("nan"), PROBE, OTHER)
    found.save(tmp_path / "atlas.json")
    assert Atlas.load(tmp_path / "atlas.json").to_json() == found.to_json()
    json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f"no JSON: {name}"))
    probes = json.loads(found.to_json())["probes"]
    assert {"id", "category", "title", "truth", "observed", "verdict"} <= set(probes[0])
    assert list(probes[0]["observed"]) == ["numpy"]


def test_changes_are_those_beyond_rounding(tmp_path: Path) -> None:
    before = run(1.0, PROBE)
    assert not run(1.0 + 2**-52, PROBE).against(before).changes
    changes = run(float("nan"), PROBE, OTHER).against(before)
    assert [(c.probe, c.what, c.before, c.after) for c in changes.changes] == [
        ("abs-at-0", "numpy", "1", "nan"),
        ("other", "probe", "", "missing"),
    ]
    assert changes.compared == 1
    assert len(changes.table().rows) == 2


def test_what_is_no_stored_run_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "atlas.json"
    with pytest.raises(UsageError, match="Cannot read"):
        Atlas.load(path)
    path.write_text("{}")
    with pytest.raises(UsageError, match="no stored run"):
        Atlas.load(path)
    path.write_text(run(0.0, PROBE).model_copy(update={"format": 9}).to_json())
    with pytest.raises(UsageError, match="format 9"):
        Atlas.load(path)


def test_two_answers_to_one_probe_are_refused() -> None:
    native = Natives()
    native.absent("abs-at-0", "reason")
    with pytest.raises(ValueError, match="Two answers"):
        Natives(native, native)
