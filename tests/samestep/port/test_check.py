"""The check on NumPy sides: what it lets pass, what it calls wrong, what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy_side import NumpySide, batches

from samestep.errors import UsageError
from samestep.port import Rule, assert_same_step, port_check


def first_of(port: NumpySide, **options: Any) -> tuple[int, str, str, list[str]]:
    """Step, kind and name of the first divergence, and the causes."""
    result = port_check(NumpySide("original"), port, batches(), **options)
    assert not result.holds
    first = result.first
    assert first is not None
    return first.step, first.quantity.kind, first.quantity.name, [c.id for c in result.causes]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_two_sound_sides_take_the_same_step(dtype: str) -> None:
    result = port_check(NumpySide("original"), NumpySide("port"), batches(3), dtype=dtype)
    assert result.holds, str(result)
    assert result.steps == 3
    assert len(result.gaps) == 3
    assert "Same step" in str(result)
    assert result.seconds > 0
    assert result.peak_memory > 2**20
    assert_same_step(NumpySide("original"), NumpySide("port"), batches(), dtype=dtype)


@pytest.mark.parametrize("size", [1e-3, 1e-9, 1e-13])
def test_the_first_layer_that_differs_is_named(size: float) -> None:
    step, kind, name, _ = first_of(NumpySide("port", hidden=lambda h: h * (1 + size)))
    assert (step, kind, name) == (0, "activation", "hidden")


def test_an_error_below_rounding_is_no_divergence() -> None:
    port = NumpySide("port", hidden=lambda h: h * (1 + 2**-52))
    assert port_check(NumpySide("original"), port, batches()).holds


def test_a_wrong_gradient_does_not_blame_the_optimizer() -> None:
    port = NumpySide("port", gradient=lambda name, g: 2 * g if name == "hidden.bias" else g)
    result = port_check(NumpySide("original"), port, batches())
    assert [str(row.quantity) for row in result.rows if not row.holds] == ["gradient hidden.bias"]


def test_a_layer_that_was_paired_wrongly_is_no_divergence_if_all_else_agrees() -> None:
    class OtherTap(NumpySide):
        def run(self, state: Any, batch: Any, dtype: str) -> Any:
            done = super().run(state, batch, dtype)
            return replace(done, activations={"hidden": done.activations["hidden"] ** 2})

    result = port_check(NumpySide("original"), OtherTap("port"), batches())
    assert result.holds
    assert "Not compared: hidden" in str(result)
    said = port_check(
        NumpySide("original"), OtherTap("port"), batches(), activations={"hidden": "hidden"}
    )
    assert not said.holds


def test_a_missing_bias_is_found_by_leaving_it_out() -> None:
    class Biasless(NumpySide):
        def run(self, state: Any, batch: Any, dtype: str) -> Any:
            bare = {**state.params, "hidden.bias": 0 * state.params["hidden.bias"]}
            return super().run(replace(state, params=bare), batch, dtype)

    assert first_of(Biasless("port")) == (0, "activation", "hidden", ["missing-bias"])


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        (Rule("sgd", 0.1, momentum=0.8), "momentum"),
        (Rule("sgd", 0.1, momentum=0.9, nesterov=True), "nesterov"),
        (Rule("sgd", 0.1), "momentum"),
        (Rule("sgd", 0.01, momentum=0.9), "learning-rate"),
        (Rule("sgd", 0.1, momentum=0.9, maximize=True), "maximize"),
    ],
)
def test_a_wrong_rule_of_the_optimizer_is_named(rule: Rule, cause: str) -> None:
    _, kind, _, causes = first_of(NumpySide("port", rule=rule))
    assert kind in ("update", "momentum")
    assert causes[0] == cause


def test_both_faults_are_told_when_there_are_two() -> None:
    port = NumpySide("port", hidden=lambda h: 2 * h, rule=Rule("sgd", 0.1))
    result = port_check(NumpySide("original"), port, batches())
    assert [d.finding.quantity.kind for d in result.divergences] == ["activation", "momentum"]
    assert "Also: " in str(result)


def test_a_nan_is_never_taken_for_agreement() -> None:
    def poisoned(h: Any) -> Any:
        h = h.copy()
        h[0, 0] = np.nan
        return h

    step, kind, name, _ = first_of(NumpySide("port", hidden=poisoned))
    assert (step, kind, name) == (0, "activation", "hidden")


def test_an_error_in_the_last_step_alone_counts() -> None:
    *others, (x, y) = batches(3)
    given = [*others, (100 * x, y)]
    port = NumpySide("port", hidden=lambda h: h * (1.1 if h.max() > 50 else 1.0))
    result = port_check(NumpySide("original"), port, given)
    assert result.first is not None
    assert result.first.step == 2


def test_a_side_that_does_not_repeat_itself_is_refused() -> None:
    rng = np.random.default_rng(0)
    port = NumpySide("port", hidden=lambda h: h * rng.integers(1, 9))
    with pytest.raises(UsageError, match="right side does not repeat itself: activation hidden"):
        port_check(NumpySide("original"), port, batches())


def test_a_side_less_precise_than_it_says_is_named() -> None:
    def rough(h: Any) -> Any:
        return h.astype(np.float16) if h.dtype == np.float32 else h

    result = port_check(NumpySide("original"), NumpySide("port", hidden=rough), batches())
    assert result.causes[0].id == "low-precision"
    assert "right side computes activation hidden less precisely than float32" in str(result)


def test_a_constant_of_single_precision_is_told_from_a_bug() -> None:
    def constant(h: Any) -> Any:
        return h * h.dtype.type(np.float32(0.1)) / h.dtype.type(0.1)

    port = NumpySide("port", hidden=constant)
    assert first_of(port)[3] == ["narrow-constant"]
    assert port_check(NumpySide("original"), port, batches(), referee="working").holds


def test_a_side_without_float64_is_its_own_referee() -> None:
    result = port_check(NumpySide("original"), NumpySide("port", narrow=True), batches())
    assert result.holds
    assert "right side computes in float32 where float64 was asked for" in str(result)
    broken = NumpySide("port", narrow=True, hidden=lambda h: h * 1.001)
    assert not port_check(NumpySide("original"), broken, batches()).holds


def test_numbers_that_overflow_on_both_sides_end_the_judgement() -> None:
    def large(h: Any) -> Any:
        return h * 1e30 * 1e30 if h.dtype == np.float64 else h * np.float32(1e30) * np.float32(1e30)

    original, port = (NumpySide(role, hidden=large) for role in ("original", "port"))
    with np.errstate(over="ignore", invalid="ignore"):
        result = port_check(original, port, batches(3))
    assert result.steps == 1
    assert "numbers are not finite in float32: not judged" in str(result)


def test_numbers_that_overflow_on_one_side_alone_are_a_divergence() -> None:
    def large(h: Any) -> Any:
        return np.where(h > 0, np.inf, h).astype(h.dtype) if h.dtype == np.float32 else h

    with np.errstate(invalid="ignore"):
        result = port_check(NumpySide("original"), NumpySide("port", hidden=large), batches())
    assert not result.holds
    assert result.causes[0].id == "overflow"


def test_a_state_that_starts_elsewhere_is_named() -> None:
    fresh = NumpySide("port").state()
    moving = {"momentum": {n: x + 0.5 for n, x in fresh.slots["momentum"].items()}}
    port = NumpySide("port", start=replace(fresh, slots=moving))
    step, kind, _, causes = first_of(port)
    assert (step, kind, causes) == (0, "initial momentum", ["initial-optimizer-state"])


def test_an_own_conversion_is_checked_where_it_is_asked_for() -> None:
    fresh = NumpySide("port").state()
    other = {**fresh.params, "out.weight": fresh.params["out.weight"] + 1}
    port = NumpySide("port", start=replace(fresh, params=other))
    assert port_check(NumpySide("original"), port, batches()).holds
    assert first_of(port, parameters="own")[1:] == (
        "initial parameter",
        "out.weight",
        ["conversion"],
    )


def test_the_result_is_json() -> None:
    port = NumpySide("port", hidden=lambda h: 2 * h)
    result = port_check(NumpySide("original"), port, batches())
    content = json.loads(result.to_json())
    assert content["holds"] is False
    assert content["first"]["name"] == "hidden"
    assert content["tables"]["port"]["rows"]
    assert "<table" in result._repr_html_()


def test_the_assertion_is_the_answer() -> None:
    with pytest.raises(AssertionError, match="First divergence: step 0, activation hidden"):
        assert_same_step(
            NumpySide("original"), NumpySide("port", hidden=lambda h: 2 * h), batches()
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "There are no batches"),
        ("abc", "batches is a str"),
        (7, "batches is a int"),
        ([np.ones(3)], "A batch is a ndarray"),
        ([("text", np.ones(3))], "an input is a str, not an array"),
        ([(np.ones((2, 3)), object())], "a target is a object, not an array"),
        ([{"x": np.ones(3)}], "A batch is a dict"),
    ],
)
def test_batches_that_are_no_arrays_are_refused(given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        port_check(NumpySide("original"), NumpySide("port"), given)


def test_sides_that_cannot_be_compared_are_refused() -> None:
    original, port = NumpySide("original"), NumpySide("port")
    with pytest.raises(UsageError, match="right side stands where the original is expected"):
        port_check(port, original, batches())
    with pytest.raises(UsageError, match="The original is a str, not a side"):
        port_check("model", port, batches())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Unknown dtype 'float31'"):
        port_check(original, port, batches(), dtype="float31")
    port.dtype = "float64"
    with pytest.raises(
        UsageError, match="left side has float32 parameters, the right side float64"
    ):
        port_check(original, port, batches())
    port.device = "gpu"
    with pytest.raises(UsageError, match="left side is on cpu, the right side on gpu"):
        port_check(original, port, batches())
