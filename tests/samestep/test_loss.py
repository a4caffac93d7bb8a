"""Losses: the closed forms are derivatives of the values, and shared code keeps to `TensorOps`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import samestep
from samestep.interface import Backend, TensorOps
from samestep.loss import (
    LOSSES,
    Loss,
    Objective,
    closed_form,
    find_closed_form,
    get_loss,
    predict,
    register_loss,
)

# Exercises register losses of their own in the same table; here it is about the built-in ones.
BUILT_IN = ("squared_error", "half_squared_error", "absolute_error", "huber", "smooth_l1")
LOSS = st.sampled_from([LOSSES[name] for name in BUILT_IN])
RESIDUAL = st.floats(-100, 100)
DELTA = st.floats(0.1, 10)

STANDARD_OPS = {
    name for name, member in vars(TensorOps).items() if inspect.isfunction(member)
} - set(dir(object))


class OnlyTensorOps:
    """Strict arrays, with only the functions that shared code may call."""

    def __getattr__(self, name: str) -> Any:
        if name not in STANDARD_OPS:
            raise AttributeError(f"{name} is not in TensorOps")
        return getattr(array_api_strict, name)


@pytest.fixture
def scratch_losses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loss]:
    """Register losses that are gone after the test."""
    monkeypatch.setattr(samestep.loss, "LOSSES", dict(LOSSES))

    def register(name: str, value: Callable[..., Any]) -> Loss:
        return register_loss(dataclasses.replace(LOSSES["squared_error"], name=name, value=value))

    return register


def value_of(loss: Loss, residual: Any, delta: float) -> Any:
    xp: Any = np
    return loss.value(xp, np.asarray(residual, np.float64), delta)


# --- closed forms ----------------------------------------------------------------------------


@given(loss=LOSS, residual=RESIDUAL, delta=DELTA)
def test_the_derivative_is_the_slope_of_the_value(
    loss: Loss, residual: float, delta: float
) -> None:
    h = 1e-4
    assume(all(abs(residual - kink) > 2 * h for kink in loss.kinks(delta)))
    slope = (value_of(loss, residual + h, delta) - value_of(loss, residual - h, delta)) / (2 * h)
    # No loss has a third derivative away from its kinks, so what is left is rounding: of the two
    # values, and of the points, divided by 2 h.
    size = loss.magnitude(np.asarray(abs(residual) + h), delta) + abs(slope) * abs(residual)
    assert abs(slope - loss.derivative(np.asarray(residual), delta)) <= 8 * 2.0**-53 * size / h


@given(loss=LOSS, delta=DELTA)
def test_at_a_kink_the_derivative_lies_between_its_limits(loss: Loss, delta: float) -> None:
    for kink in loss.kinks(delta):
        at = np.array([np.nextafter(kink, -np.inf), kink, np.nextafter(kink, np.inf)])
        left, middle, right = loss.derivative(at, delta)
        assert min(left, right) <= middle <= max(left, right)
        # The limits are the slopes of the value on the two sides.
        h = 1e-4
        below, here, above = value_of(loss, [kink - h, kink, kink + h], delta)
        curvature = 1 / min(delta, 1.0)
        assert abs((here - below) / h - left) <= curvature * h
        assert abs((above - here) / h - right) <= curvature * h


@given(loss=LOSS, delta=DELTA)
def test_only_at_its_kinks_does_a_slope_jump(loss: Loss, delta: float) -> None:
    r = np.linspace(-20, 20, 4001)
    jumps = np.abs(np.diff(loss.derivative(r, delta)))
    steepest = 2 * (r[1] - r[0]) / min(delta, 1.0)
    for i in np.flatnonzero(jumps > 1.01 * steepest):
        assert any(r[i] <= kink <= r[i + 1] for kink in loss.kinks(delta))


def test_the_absolute_error_does_jump() -> None:
    loss = get_loss("absolute_error")
    assert loss.kinks(1.0) == (0.0,)
    assert loss.derivative(np.array([-1e-300, 0.0, 1e-300]), 1.0).tolist() == [-1, 0, 1]


@given(loss=LOSS, residual=RESIDUAL, delta=DELTA)
def test_the_magnitude_of_the_terms_is_no_less_than_the_value(
    loss: Loss, residual: float, delta: float
) -> None:
    r = np.asarray(residual)
    assert loss.magnitude(r, delta) >= abs(value_of(loss, r, delta)) * (1 - 1e-15)


def test_scales_are_as_documented() -> None:
    values = {
        name: float(value_of(loss, 3.0, 2.0)) for name, loss in LOSSES.items() if name in BUILT_IN
    }
    assert values == {
        "squared_error": 9.0,
        "half_squared_error": 4.5,
        "absolute_error": 3.0,
        "huber": 4.0,  # 2 (3 - 1)
        "smooth_l1": 2.0,  # huber / delta
    }


# --- the objective ---------------------------------------------------------------------------


def batch(rows: int = 6, features: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "w": rng.standard_normal(features),
        "b": np.asarray(0.5),
        "X": rng.standard_normal((rows, features)),
        "y": 2 * rng.standard_normal(rows),
        "mask": np.array([1.0, 1.0, 1.0, 2.5, 1.0, 0.0]),
    }


@pytest.mark.parametrize("xp", [array_api_strict, OnlyTensorOps()], ids=["strict", "protocol"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", [LOSSES[name] for name in BUILT_IN], ids=lambda loss: loss.name)
def test_every_loss_runs_on_the_operations_of_the_protocol_alone(
    xp: Any, reduction: Any, loss: Loss
) -> None:
    data = batch()
    arrays = {name: array_api_strict.asarray(value) for name, value in data.items()}
    params = {"w": arrays["w"], "b": arrays["b"]}
    value, prediction = Objective(xp, loss, reduction, 0.7)(
        params, arrays["X"], arrays["y"], arrays["mask"]
    )
    expected = data["X"] @ data["w"] + data["b"]
    terms = data["mask"] * value_of(loss, expected - data["y"], 0.7)
    total = terms.sum() / (data["mask"].sum() if reduction == "mean" else 1)
    assert np.allclose(np.asarray(prediction), expected, rtol=1e-14)
    assert np.allclose(float(value), total, rtol=1e-14)
    assert np.array_equal(np.asarray(predict(xp, params, arrays["X"])), np.asarray(prediction))


def test_the_protocol_is_small_and_standard() -> None:
    assert len(STANDARD_OPS) <= 25
    assert array_api_strict.get_array_api_strict_flags()["api_version"] >= "2024.12"
    assert [name for name in sorted(STANDARD_OPS) if not hasattr(array_api_strict, name)] == []


@pytest.mark.parametrize("name", ["sign", "clip", "asarray", "linalg"])
def test_a_loss_that_calls_anything_else_fails(
    scratch_losses: Callable[..., Loss], name: str
) -> None:
    xp: Any = OnlyTensorOps()
    loss = scratch_losses("too-clever", lambda xp, r, delta: getattr(xp, name)(r))
    with pytest.raises(AttributeError, match=f"{name} is not in TensorOps"):
        loss.value(xp, array_api_strict.asarray(1.0), 1.0)


# --- registration ----------------------------------------------------------------------------


def test_a_registered_loss_can_be_planned(scratch_losses: Callable[..., Loss]) -> None:
    mine = scratch_losses("mine", lambda xp, r, delta: xp.square(r))
    assert get_loss("mine") is mine
    with pytest.raises(samestep.UsageError, match="There is a loss named 'mine' already"):
        scratch_losses("mine", lambda xp, r, delta: xp.square(r))


def test_an_unknown_loss_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(samestep.UsageError, match="Did you mean 'smooth_l1'"):
        get_loss("smooth-l1")


def test_the_oracle_says_how_to_register_a_closed_form(oracle: Backend) -> None:
    def cubic(params: dict[str, Any], x: Any) -> Any:
        return params["a"] * x**3

    with pytest.raises(samestep.UsageError) as caught:
        oracle.value_and_grad(cubic)
    assert "cubic has no closed form" in caught.value.message
    assert "@samestep.closed_form(loss)" in caught.value.hint

    @closed_form(cubic)
    def form(params: dict[str, Any], x: Any) -> tuple[Any, dict[str, Any]]:
        return params["a"] * x**3, {"a": x**3}

    assert find_closed_form(cubic) is form
    value, grads = oracle.value_and_grad(cubic)({"a": np.array(2.0)}, np.array(3.0))
    assert (float(value), float(grads["a"])) == (54.0, 27.0)


@given(loss=LOSS, delta=DELTA, seed=st.integers(0, 100), reduction=st.sampled_from(["mean", "sum"]))
def test_the_closed_form_is_the_gradient_of_the_objective(
    loss: Loss, delta: float, seed: int, reduction: Any
) -> None:
    xp: Any = np
    rng = np.random.default_rng(seed)
    X, y, mask = rng.standard_normal((5, 2)), 3 * rng.standard_normal(5), rng.random(5) + 0.1
    point = rng.standard_normal(3)
    objective = Objective(xp, loss, reduction, delta)

    def at(p: Any) -> float:
        return float(objective({"w": p[:2], "b": p[2]}, X, y, mask)[0])

    h = 1e-5
    residual = X @ point[:2] + point[2] - y
    nearest = [np.abs(residual - kink).min() for kink in loss.kinks(delta)]
    assume(all(distance > 10 * h * (1 + np.abs(X).max()) for distance in nearest))
    (value, prediction), grads = find_closed_form(objective)(
        {"w": point[:2], "b": np.asarray(point[2])}, X, y, mask
    )
    assert value == pytest.approx(at(point), rel=1e-14)
    assert np.allclose(prediction, residual + y)
    for i, found in enumerate([*grads["w"], grads["b"]]):
        shift = h * np.eye(3)[i]
        slope = (at(point + shift) - at(point - shift)) / (2 * h)
        assert found == pytest.approx(slope, rel=1e-7, abs=1e-8)


def test_the_closed_form_broadcasts_over_runs() -> None:
    xp: Any = np
    rng = np.random.default_rng(0)
    X, y, mask = rng.standard_normal((4, 5, 2)), rng.standard_normal((4, 5)), np.ones((4, 5))
    params = {"w": rng.standard_normal((4, 2)), "b": rng.standard_normal(4)}
    form = find_closed_form(Objective(xp, LOSSES["huber"], "mean", 0.5))
    (values, predictions), grads = form(params, X, y, mask)
    for run in range(4):
        one = {name: p[run] for name, p in params.items()}
        (value, prediction), grad = form(one, X[run], y[run], mask[run])
        assert values[run] == pytest.approx(value)
        assert np.allclose(predictions[run], prediction)
        assert all(np.allclose(grads[name][run], grad[name]) for name in grads)
