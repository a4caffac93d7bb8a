"""Versions of code: what their source is, and how they are aligned by their stages."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import samestep
from samestep import Experiment, Lab, Plan, SyntheticRegression
from samestep.registry import experiment, experiment_names
from samestep.side_by_side import SHARED, STAGES, Row, align, shown_with, source, versions

# --- aligning ---------------------------------------------------------------------------------

FIRST = """\
def fit(X):
    # data
    X = X[rows]

    # model
    net = Linear()

    for row in X:
        # gradient
        backward()
"""
SECOND = """\
# model
def predict(X):
    return X


def fit(X):
    # gradient
    grad()

    # update: plain
    p = p - g
"""


def test_stages_lie_side_by_side_in_order() -> None:
    assert align([FIRST, SECOND]) == [
        Row("data", (["def fit(X):", "    X = X[rows]"], [])),
        Row("model", (["    net = Linear()", "", "    for row in X:"], SECOND.splitlines()[1:3])),
        Row("gradient", (["        backward()"], ["def fit(X):", "    grad()"])),
        Row("update: plain", ([], ["    p = p - g"])),
    ]


def test_no_line_of_code_is_lost_or_invented() -> None:
    for text in (FIRST, SECOND):
        code = sorted(line for line in text.splitlines() if line and "# " not in line)
        shown = [line for row in align([text]) for line in row.cells[0] if line]
        assert sorted(shown) == code


def test_one_stage_in_several_places_is_put_together() -> None:
    text = "# loss\na\n\n\n# model\nb\n\n\n# loss\nc\n"
    assert align([text]) == [Row("model", (["b"],)), Row("loss", (["a", "", "c"],))]


def test_particular_stages_keep_the_order_of_their_versions() -> None:
    first = "# gradient: one\n1\n# gradient: three\n3\n"
    second = "# gradient: one\n1\n# gradient: two\n2\n# update\n4\n"
    third = "# gradient: three\n3\n# gradient: four\n4\n# fits\n0\n"
    stages = [row.stage for row in align([first, second, third])]
    assert stages == [
        "fits",
        "gradient: one",
        "gradient: two",
        "gradient: three",
        "gradient: four",
        "update",
    ]


def test_other_comments_are_code() -> None:
    text = "# data\n# models are linear\n# the model\nx  # model\n# model:\ny\n"
    (row,) = align([text])
    assert row == Row("data", (text.splitlines()[1:],))


def test_code_without_stages_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match=r"No stage is named in: f\(x\)"):
        align(["f(x)\n"])
    with pytest.raises(ValueError, match="No stage is named in: def g"):
        align([FIRST + "\n\ndef g():\n    pass\n"])


def test_nothing_is_aligned_to_nothing() -> None:
    assert align([]) == []


# --- sources ----------------------------------------------------------------------------------


def helper(x: float) -> float:
    """Explain at length.

    In several lines.
    """

    # Why this is done.
    return x  # type: ignore[misc, unused-ignore]


@shown_with(helper)
def decorated(x: float) -> float:
    """Explain."""
    # model
    y = helper(x)

    # loss
    return y * y


def backwards(x: float) -> float:
    # gradient
    y = x

    # data
    return y * y


class Whose:
    def method(self) -> None:
        # update
        pass


def test_a_source_is_the_code_that_runs_without_its_documentation() -> None:
    assert source(("data: particular", helper), decorated) == (
        "# data: particular\n"
        "def helper(x: float) -> float:\n"
        "    # Why this is done.\n"
        "    return x\n"
        "\n\n"
        "def decorated(x: float) -> float:\n"
        "    # model\n"
        "    y = helper(x)\n"
        "\n"
        "    # loss\n"
        "    return y * y\n"
    )


def test_a_method_says_whose_it_is() -> None:
    assert source(Whose.method).startswith("# Whose.method\ndef method(self) -> None:\n    # up")


def test_stages_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match=f"backwards leaves the order {', '.join(STAGES)}"):
        source(backwards)


# --- the versions of an exercise --------------------------------------------------------------


class Plain(Experiment):
    """Says no more than an exercise must."""

    id: ClassVar = "plain"
    title: ClassVar = "Plain?"
    question: ClassVar = "Is it?"

    def typical_fit(self) -> Plan:
        """Return a fit of a loss that is not the usual one."""
        return Plan.of(SyntheticRegression(num_train=4).draw(0), loss="absolute_error")

    def run(self, lab: Lab) -> str:
        """Do nothing."""
        return ""


class WithFits(Plain):
    """Says which fits it makes."""

    def fits(self) -> dict[str, Plan]:
        """Return one fit."""
        return {"one": self.typical_fit()}


class Framework:
    """As much of a backend as is looked at."""

    def __init__(self, name: str, native: dict[str, Callable[..., Any]]) -> None:
        self.name, self.native = name, native


def test_native_versions_are_shown_with_their_parts_and_once() -> None:
    one, other = Framework("one", {"exercise/plain": decorated}), Framework("other", {})
    found = versions(Plain(), [one, other, one])  # type: ignore[list-item]
    assert list(found) == ["one", SHARED]
    assert found["one"] == source(("fits", decorated), helper)


def test_the_shared_version_is_what_a_run_executes() -> None:
    for exercise, fits in ((Plain(), "def typical_fit"), (WithFits(), "def fits")):
        found = versions(exercise, [])
        rows = {row.stage: "\n".join(row.cells[0]) for row in align([found[SHARED]])}
        assert list(rows) == list(STAGES)
        assert fits in rows["fits"]
        assert "def absolute_error" in rows["loss"]
        assert "def huber" not in rows["loss"]
        assert "sgd.step(params, grads, state)" in rows["update"]


@pytest.mark.parametrize("name", experiment_names())
def test_each_version_of_each_exercise_goes_through_the_stages(name: str) -> None:
    exercise = experiment(name)
    found = versions(exercise, [samestep.backend("torch"), samestep.backend("jax")])
    assert list(found) == ["torch", "jax", SHARED]
    rows = align(list(found.values()))
    for text in found.values():
        ast.parse(text)
    filled = {row.stage for row in rows if all(row.cells)}
    # Where every route leads to a gradient, the update is written out.
    assert filled >= set(STAGES) - ({"optimizer"} if name == "gradient-access" else set())
