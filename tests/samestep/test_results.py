"""Results: models that come back from JSON as they were, and files that are what they say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pydantic
import pytest

import samestep
from samestep import Evidence, Experiment, Lab, Plan, SamestepError, SyntheticRegression, train
from samestep.figures import new_figure
from samestep.results import Result
from samestep.storage import load_trace
from samestep.summary import ExerciseModel, Summary

NAN, INF = float("nan"), float("inf")


class Named(Experiment):
    id: ClassVar = "named"
    title: ClassVar = "A title"
    question: ClassVar = "A question?"

    def run(self, lab: Lab) -> str:
        return ""


def draw_line(height: float) -> Any:
    figure, grid = new_figure(1, 1, (3, 2))
    grid[0, 0].plot([0, height])
    return figure


def draw_nothing(height: float) -> Any:
    raise ValueError(f"height is {height}")


def lab_with(**found: Any) -> Lab:
    """A laboratory in which something of everything was found."""
    backends = [samestep.backend(name, dtype="float64") for name in ("torch", "numpy")]
    lab = Lab(experiment=Named(), backends=backends, seeds=50)
    spec = SyntheticRegression(num_train=12, num_val=4, batch_size=4)
    lab.picture_of_fits({"one fit": Plan.of(lab.draw(spec, 1)[0], name="one fit")})
    values = {"gap": 0.25, "ratio": INF, "slope": -INF, "nothing": NAN}
    lab.claim(
        "mixed",
        "A statement.",
        {
            "torch/cpu/float64": Evidence(True, "measured", values),
            "numpy/cpu/float64": Evidence.not_applicable("it has none"),
        },
    )
    samples = np.random.default_rng(0).standard_normal((60, 1))
    lab.check_published({"w1": 0.5}, {"torch/cpu/float64": samples}, {"far": samples + 50})
    for name, value in found.items():
        setattr(lab, name, value)
    return lab


def result_of(*labs: Lab) -> Result:
    result = Result(Summary(ok=True, environment={"python": "3"}, exercises=[]))
    for lab in labs:
        result.add(lab, "An answer.", 1.5)
    return result


# --- models ----------------------------------------------------------------------------------


def test_everything_that_was_found_is_in_the_model() -> None:
    model = result_of(lab_with()).summary.exercises[0]
    assert (model.id, model.title, model.question) == ("named", "A title", "A question?")
    assert (model.answer, model.seconds) == ("An answer.", 1.5)
    evidence = model.claims[0].evidence
    assert evidence["torch/cpu/float64"].values["gap"] == 0.25
    assert evidence["numpy/cpu/float64"].applies is False
    assert evidence["numpy/cpu/float64"].text == "not applicable: it has none"
    assert {a.quantity for a in model.agreements} == {"prediction", "loss", "gradient", "update"}
    assert model.agreements[0].participants == ["torch/cpu/float64", "numpy/cpu/float64"]
    assert [(p.id, p.holds, p.seeds) for p in model.published] == [("w1", None, 60)]
    assert [(p.wrong_setting, p.rejected) for p in model.power] == [("far", 1.0)]
    assert [fit.truth for fit in model.fits] == [[2.0, -3.4, 4.2]] * 2
    assert [f.name for f in model.figures] == ["named-loss-curves", "named-paths"]


def test_a_summary_comes_back_from_json_as_it_was() -> None:
    result = result_of(lab_with(), lab_with(failures={"jax/cpu/float32": "RuntimeError: no"}))
    text = result.to_json()
    back = Summary.model_validate_json(text)
    assert back.model_dump_json(indent=2) == text
    values = back.exercises[0].claims[0].evidence["torch/cpu/float64"].values
    assert (values["ratio"], values["slope"]) == (INF, -INF)
    assert math.isnan(values["nothing"])
    assert back.exercises[1].failures == {"jax/cpu/float32": "RuntimeError: no"}
    assert back.ok is False


def test_the_json_is_legal_json_though_numbers_may_not_be_finite() -> None:
    def illegal(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    data = json.loads(result_of(lab_with()).to_json(), parse_constant=illegal)
    values = data["exercises"][0]["claims"][0]["evidence"]["torch/cpu/float64"]["values"]
    assert values == {"gap": 0.25, "ratio": "Infinity", "slope": "-Infinity", "nothing": "NaN"}


def test_the_schema_allows_what_the_json_holds() -> None:
    schema = Summary.model_json_schema(mode="serialization")
    evidence = schema["$defs"]["EvidenceModel"]["properties"]["values"]["additionalProperties"]
    assert {"type": "number"} in evidence["anyOf"]
    assert {"enum": ["Infinity", "-Infinity", "NaN"]} in evidence["anyOf"]
    # No field that may be infinite is declared as a number alone, but for wall time.
    plain = [
        f"{name}.{key}"
        for name, model in schema["$defs"].items()
        for key, value in model["properties"].items()
        if value.get("type") == "number"
    ]
    assert plain == ["ExerciseModel.seconds"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(extra=1),
        lambda data: data.pop("environment"),
        lambda data: data["exercises"][0].update(seconds="long"),
        lambda data: data["exercises"][0]["claims"][0].pop("statement"),
        lambda data: data["exercises"][0]["agreements"][0].update(holds="perhaps"),
        lambda data: data["exercises"][0]["fits"][0].update(parameters=["w1"]),
    ],
)
def test_what_is_no_summary_is_refused(change: Any) -> None:
    data = json.loads(result_of(lab_with()).to_json())
    Summary.model_validate(data)
    change(data)
    with pytest.raises(pydantic.ValidationError):
        Summary.model_validate(data)


# --- verdicts --------------------------------------------------------------------------------


def exercise_with(**changes: Any) -> ExerciseModel:
    return result_of(lab_with()).summary.exercises[0].model_copy(update=changes)


def test_what_is_undecided_does_not_fail() -> None:
    model = exercise_with()
    assert model.claims[0].holds is True
    assert model.published[0].holds is None
    assert model.ok


@pytest.mark.parametrize("part", ["claims", "agreements", "published"])
def test_one_failed_part_fails_the_exercise(part: str) -> None:
    model = exercise_with()
    failed = getattr(model, part)[0].model_copy(update={"holds": False})
    model = exercise_with(**{part: [*getattr(model, part), failed]})
    assert model.contradicted
    assert model.complete
    assert not model.ok


@pytest.mark.parametrize("change", [{"failures": {"torch/cpu/float32": "no"}}, {"error": "no"}])
def test_what_was_not_finished_is_not_ok(change: dict[str, Any]) -> None:
    model = exercise_with(**change)
    assert not model.contradicted
    assert not model.complete
    assert not model.ok


def test_one_failed_exercise_fails_the_result() -> None:
    good, bad = lab_with(), lab_with(failures={"torch/cpu/float32": "RuntimeError: no"})
    assert result_of(good).ok
    assert not result_of(bad, good).ok
    assert result_of(bad, good).failures == {"torch/cpu/float32": "RuntimeError: no"}


# --- files -----------------------------------------------------------------------------------


def test_saving_writes_what_it_says(tmp_path: Path) -> None:
    lab = lab_with()
    lab.figure("line", "A line.", draw_line, height=3.0)
    result = result_of(lab)
    folder = tmp_path / "a" / "new folder"
    result.save(folder)
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {
        f"figures/named-{name}.{kind}"
        for name in ("loss-curves", "paths", "line")
        for kind in ("svg", "png")
    }
    traces = {f"traces/one-fit--{name}-cpu-float64.npz" for name in ("torch", "numpy")}
    assert written == {"summary.json", "summary.schema.json"} | figures | traces
    # The summary names its figures, and is what the result holds.
    summary = Summary.model_validate_json((folder / "summary.json").read_text())
    assert {file for f in summary.exercises[0].figures for file in f.files} == figures
    assert (folder / "summary.json").read_text() == result.to_json() + "\n"
    schema = json.loads((folder / "summary.schema.json").read_text())
    assert set(schema["properties"]) == set(json.loads(result.to_json()))
    assert (folder / "figures" / "named-line.png").read_bytes().startswith(b"\x89PNG")


def test_saved_traces_can_be_judged_again(tmp_path: Path) -> None:
    result = result_of(lab_with())
    result.save(tmp_path)
    back = load_trace(tmp_path / "traces" / "one-fit--torch-cpu-float64.npz")
    trace = result.traces["one fit"]["torch/cpu/float64"]
    assert back.plan.hash == trace.plan.hash
    assert np.array_equal(back.parameters(), trace.parameters())
    assert samestep.judge(back).holds
    assert samestep.compare(back, train(samestep.oracle(), back.plan)).holds


def test_saving_twice_is_saving_once(tmp_path: Path) -> None:
    result = result_of(lab_with())
    result.save(tmp_path)
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.svg")}
    first |= {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert len(first) == 4
    result.save(tmp_path)
    assert {path: path.read_bytes() for path in first} == first


def test_figures_that_were_drawn_already_are_not_drawn_again(tmp_path: Path) -> None:
    lab = lab_with(figures=[])
    lab.figure("line", "A line.", draw_nothing, height=3.0)
    result = result_of(lab)
    result.save(tmp_path, drawn=["named-line"])
    assert list((tmp_path / "figures").iterdir()) == []
    assert result.summary.exercises[0].figures[0].files == [
        "figures/named-line.svg",
        "figures/named-line.png",
    ]


def test_a_figure_that_cannot_be_drawn_loses_nothing_else(tmp_path: Path) -> None:
    lab = lab_with(figures=[])
    lab.figure("bad", "It fails.", draw_nothing, height=3.0)
    lab.figure("line", "A line.", draw_line, height=3.0)
    with pytest.raises(
        SamestepError, match=r"Figure 'named-bad' cannot be drawn: ValueError: height is 3"
    ):
        result_of(lab).save(tmp_path)
    assert (tmp_path / "figures" / "named-line.svg").exists()
    assert len(list((tmp_path / "traces").iterdir())) == 2
    summary = Summary.model_validate_json((tmp_path / "summary.json").read_text())
    assert [f.files == [] for f in summary.exercises[0].figures] == [True, False]
