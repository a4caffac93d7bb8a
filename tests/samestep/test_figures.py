"""Figures that every exercise has: what they say, and that no data make them crash."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from samestep.figures import FigureSpec, LossCurve, draw_loss_curves
from samestep.judgement import Judgement, judge
from samestep.landscape import Landscape, Walk, draw_paths, landscape
from samestep.plan import Plan
from samestep.problem import SyntheticRegression
from samestep.referee import QUANTITIES
from samestep.registry import oracle
from samestep.sensitivity_figure import draw_sensitivity
from samestep.theory import least_squares
from samestep.training import train

SPEC = SyntheticRegression(num_train=100, num_val=0)


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # matplotlib 3.9 calls functions of pyparsing 3.3 by their old names.
        warnings.filterwarnings("ignore", r"'\w+' (argument is )?deprecated", DeprecationWarning)
        yield


def judged(spec: SyntheticRegression = SPEC, dtype: str = "float64", **settings: Any) -> Judgement:
    return judge(train(oracle(dtype), Plan.of(spec.draw(0), **settings)))


def both(**settings: Any) -> Landscape:
    """Two precisions of the oracle as two participants."""
    return landscape({dtype: judged(dtype=dtype, **settings) for dtype in ("float32", "float64")})


def drawn(panels: Mapping[str, Landscape], folder: Path) -> Figure:
    """Save a figure, because some things go wrong only then."""
    FigureSpec("paths", "", draw_paths, {"panels": panels}).save(folder)
    return draw_paths(panels)


def title(figure: Figure) -> str:
    return figure.get_suptitle()


# --- the landscape ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_the_landscape_is_the_mean_loss(loss: str) -> None:
    plan = judged(loss=loss, delta=1.5, reduction="sum").trace.plan
    problem, found = plan.problems[0], both(loss=loss, delta=1.5, reduction="sum")
    assert found.names == ("w1", "w2")
    i, j = 7, 50
    r = problem.X @ [found.first[i], found.second[j]] + least_squares(problem)[2] - problem.y
    inside = np.abs(r) < 1.5
    values = r**2 if loss == "squared_error" else np.where(inside, r**2 / 2, 1.5 * (abs(r) - 0.75))
    assert found.loss[j, i] == pytest.approx(values.mean())
    lowest = np.unravel_index(found.loss.argmin(), found.loss.shape)
    assert found.first[lowest[1]] == pytest.approx(found.minimum[0], abs=0.2)
    assert found.second[lowest[0]] == pytest.approx(found.minimum[1], abs=0.2)


def test_one_feature_is_drawn_over_weight_and_intercept(tmp_path: Path) -> None:
    found = landscape({"one": judged(replace(SPEC, w=(2.0,)))})
    assert found.names == ("w1", "b")
    assert found.walks[0].path.shape == (13, 2)
    assert title(drawn({"a": found}, tmp_path)).startswith("One participant: no step is off by")


def test_three_features_are_drawn_over_the_first_two() -> None:
    found = landscape({"one": judged(replace(SPEC, w=(2.0, -3.4, 1.0)))})
    assert found.names == ("w1", "w2")
    assert found.loss.min() == pytest.approx(SPEC.noise**2, rel=0.5)


def test_the_start_and_every_judged_step_are_there() -> None:
    (walk, _) = both().walks
    assert walk.label == "float32"
    assert {quantity: len(by_step) for quantity, by_step in walk.ratios.items()} == dict.fromkeys(
        QUANTITIES, 12
    )


def test_paths_that_coincide_are_one_path(tmp_path: Path) -> None:
    figure = drawn({name: both() for name in "abcd"}, tmp_path)
    assert title(figure).startswith("2 participants walk one path: no step is off by more than")
    assert (tmp_path / "paths.svg").stat().st_size < 300_000


def test_paths_that_part_are_not_called_one_path(tmp_path: Path) -> None:
    found = landscape({"one": judged(), "other": judged(learning_rate=0.02)})
    assert title(drawn({"a": found}, tmp_path)).startswith("2 participants' paths part, but")


def test_an_error_beyond_its_bound_is_what_the_title_says(tmp_path: Path) -> None:
    trace = judged().trace
    assert trace.loss is not None
    trace.loss[3] *= 1.1
    trace.gradient["w"][5] = np.inf
    found = landscape({"one": judge(trace)})
    assert title(drawn({"a": found}, tmp_path)).startswith("2 errors are beyond")


def test_a_divergent_path_ends_outside(tmp_path: Path) -> None:
    found = both(learning_rate=3.0, epochs=300)
    assert not np.isfinite(found.walks[0].path[-1]).all()
    figure = drawn({"a": both(), "b": found}, tmp_path)
    drawing = re.sub(r'"data:[^"]*"', "", (tmp_path / "paths.svg").read_text())
    assert not re.search(r"\b(nan|inf|\d{7,})\b", drawing)
    texts = [[t.get_text() for t in axes.texts] for axes in figure.axes[:2]]
    assert ["ends outside" in text for text in texts] == [False, True]
    assert title(figure).startswith("2 participants walk one path")


def test_a_start_at_the_minimum_has_a_landscape_too(tmp_path: Path) -> None:
    problem = SPEC.draw(0)
    solution = least_squares(problem)
    there = replace(problem, w=solution[:2], b=np.array(solution[2]))
    trace = train(oracle(), Plan.of(there, learning_rate=0.0))
    found = landscape({"one": judge(trace)})
    assert np.ptp(found.first) == pytest.approx(2.0)
    drawn({"a": found}, tmp_path)


def test_many_steps_share_a_dot() -> None:
    found = both(epochs=100)
    walk = found.walks[0]
    ratios = {**walk.ratios, "loss": {**walk.ratios["loss"], 398: 0.875}}
    changed = replace(found, walks=[Walk(walk.label, walk.path, ratios)])
    panel = next(axes for axes in draw_paths({"a": changed}).axes if axes.get_title() == "loss")
    x, y = panel.lines[0].get_data()
    assert len(x) == 100
    assert panel.get_xlabel() == "step (worst of 4)"
    assert (x[-1], y[-1]) == (396, 0.875)


# --- loss curves ------------------------------------------------------------------------------


def curves(*factors: float, training: tuple[float, ...] = (3.0, 2.0)) -> list[LossCurve]:
    return [
        LossCurve(f"p{i}", factor * np.array(training), np.array([4.0, 3.0, 2.0]))
        for i, factor in enumerate(factors)
    ]


def test_curves_are_called_one_only_if_they_are() -> None:
    same = draw_loss_curves({"a": curves(1, 1.005)})
    assert title(same).startswith("2 participants, one curve")
    for panels in ({"a": curves(1)}, {"a": curves(1, 1), "b": curves(1, 1.1)}):
        assert title(draw_loss_curves(panels)) == ""


@pytest.mark.parametrize("last", [math.inf, math.nan])
def test_a_loss_that_is_not_finite_is_said(last: float) -> None:
    figure = draw_loss_curves({"a": curves(1, 1, training=(3.0, last))})
    assert "p1 in epoch 2" in figure.axes[0].texts[0].get_text()


def test_nothing_finite_at_all_is_no_agreement() -> None:
    gone = LossCurve("p", np.full(2, np.nan), np.full(3, np.inf))
    assert title(draw_loss_curves({"a": [gone, gone]})) == ""


def test_curves_without_validation_data() -> None:
    (curve,) = curves(1)
    draw_loss_curves({"a": [replace(curve, validation=np.zeros(0))]})


# --- the self-test ----------------------------------------------------------------------------


def record(features: float, smallest: float, **changes: Any) -> dict[str, float | str]:
    looseness = dict.fromkeys(QUANTITIES, 0.1 / features)
    return {
        "participant": "numpy/cpu/float32",
        "dtype": "float32",
        "batch_size": 8.0,
        "features": features,
        "smallest": smallest,
        **looseness,
        **changes,
    }


def test_sensitivity_is_counted_in_unit_roundoffs() -> None:
    figure = draw_sensitivity([record(1, 2.0**-20), record(16, 2.0**-18)])
    assert title(figure) == "A gradient error of 16 to 64 unit roundoffs is caught"
    float32, float64 = figure.axes[:2]
    assert float32.lines[0].get_xydata().tolist() == [[1, 2.0**-20], [16, 2.0**-18]]
    assert float64.lines[0].get_ydata() == [2.0**-53, 2.0**-53]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record(1, 1e-6)],
        [record(1, 1e-6, loss=math.nan, gradient=math.inf, update=0.0)],
        [record(1, 1e-14, dtype="float64"), record(1, 1e-6)],
    ],
)
def test_sensitivity_of_any_records_can_be_drawn(records: list[Any], tmp_path: Path) -> None:
    FigureSpec("sensitivity", "", draw_sensitivity, {"records": records}).save(tmp_path)
