"""Stored summaries: read as they were written, and refused with one clear message otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from samestep.errors import UsageError
from samestep.replay import AxisModel, CurveModel, FrameModel, PanelModel, ReplayModel
from samestep.summary import Summary, load_summary

AXIS = AxisModel(title="step", low=0, high=1)


def write(folder: Path, data: Any) -> Path:
    (folder / "summary.json").write_text(json.dumps(data))
    return folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    summary = Summary(ok=True, environment={"python": "3.13", "new": 1}, exercises=[])
    (tmp_path / "summary.json").write_text(summary.model_dump_json())
    assert load_summary(tmp_path) == summary
    assert load_summary(tmp_path).described_environment.python == "3.13"
    assert load_summary(tmp_path).described_environment.backends == {}


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"Cannot read '.*nowhere/summary\.json': No such file"
    ) as e:
        load_summary(tmp_path / "nowhere")
    assert e.value.hint == "Expected the output folder of a run: samestep run --out DIR makes one."


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "Input should be an object"),
        ({"ok": True}, "environment: Field required"),
        ({"ok": True, "environment": {}, "exercises": [{"id": 1}]}, r"exercises\.0\.id: .* string"),
        ({"ok": True, "environment": {}, "exercises": [], "x": 1}, "x: Extra inputs"),
        ({"ok": True, "environment": {"backends": 3}, "exercises": []}, "backends: .* dictionary"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, data: Any, complaint: str) -> None:
    with pytest.raises(UsageError, match=f"another version wrote it: {complaint}") as e:
        load_summary(write(tmp_path, data))
    assert "\n" not in e.value.message


@pytest.mark.parametrize("content", [b'{"ok": tr', b"\xff\xfe", b""])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(UsageError, match="is damaged, or another version wrote it"):
        load_summary(tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (1, 1, False),
        (2, 1, False),
        (0, 1, True),
        (float("nan"), 1, False),
        (0, float("inf"), False),
    ],
)
def test_an_axis_has_two_ends(low: float, high: float, log: bool) -> None:
    with pytest.raises(pydantic.ValidationError, match="cannot go from"):
        AxisModel(title="x", low=low, high=high, log=log)


def test_a_curve_has_two_numbers_for_each_point() -> None:
    with pytest.raises(pydantic.ValidationError, match="curve one: 2 and 1 numbers"):
        CurveModel(label="one", x=[1, 2], y=[1])


def test_a_frame_has_curves_for_each_panel() -> None:
    frame = FrameModel(label="0.1", outcome="falls", curves=[])
    with pytest.raises(pydantic.ValidationError, match=r"frame 0\.1: curves for 0 panels"):
        ReplayModel(
            name="n",
            caption="c",
            control="rate",
            panels=[PanelModel(x=AXIS, y=AXIS)],
            frames=[frame],
        )
