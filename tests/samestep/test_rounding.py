"""The referee: it computes what the oracle computes, and its bounds are wide and tight enough."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samestep
from samestep import Plan, Problem, SyntheticRegression, Trace, judge, stack, train
from samestep.interface import Backend
from samestep.loss import LOSSES
from samestep.referee import QUANTITIES, Referee, Reference
from samestep.rounding import Tolerance

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "decay": {"weight_decay": 0.01},
    "all": {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
}

# Every loss, reduction, option and way with the last batch, on shapes from one row to 200 rows with
# 16 features. The list is short because JAX compiles each case anew.
CASES: list[tuple[tuple[int, int, int], dict[str, Any]]] = [
    ((1, 1, 1), {"loss": "squared_error", "reduction": "mean", **OPTIONS["all"]}),
    ((7, 3, 2), {"loss": "huber", "reduction": "sum", **OPTIONS["nesterov"]}),
    ((7, 3, 2), {"loss": "absolute_error", "reduction": "mean", "last_batch": "drop"}),
    ((33, 32, 16), {"loss": "smooth_l1", "reduction": "mean", **OPTIONS["momentum"]}),
    ((33, 32, 16), {"loss": "squared_error", "reduction": "sum", **OPTIONS["decay"]}),
    ((200, 64, 5), {"loss": "half_squared_error", "reduction": "sum", "last_batch": "reweight"}),
    ((200, 200, 3), {"loss": "huber", "reduction": "mean", **OPTIONS["all"]}),
    ((20, 7, 2), {"loss": "squared_error", "reduction": "mean", "last_batch": "reweight"}),
]


def drawn(
    n: int, batch_size: int, features: int, seed: int = 0, scale_X: float = 1, scale_y: float = 1
) -> Problem:
    rng = np.random.default_rng(seed)
    X = scale_X * rng.standard_normal((n, features))
    w = rng.standard_normal(features)
    return Problem(
        X=X,
        y=scale_y * (X @ w + 0.1 * rng.standard_normal(n)),
        w=scale_y / scale_X * rng.standard_normal(features),
        b=np.array(scale_y * rng.standard_normal()),
        batch_size=batch_size,
        seed=seed,
    )


def references(trace: Trace, dtype: str) -> dict[str, Reference]:
    """What the referee expects of all steps of a trace."""
    before = slice(0, trace.plan.steps)
    return Referee(trace.plan, dtype).references(
        before,
        {name: values[before] for name, values in trace.params.items()},
        {name: values[before] for name, values in trace.state.items()},
    )


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]['loss']}")
def test_the_referee_computes_what_the_oracle_computes(
    oracle: Backend, case: tuple[tuple[int, int, int], dict[str, Any]]
) -> None:
    shape, setting = case
    plan = stack(
        [
            Plan.of(drawn(*shape, seed=seed), learning_rate=0.02, epochs=1 + seed, **setting)
            for seed in range(2)
        ]
    )
    trace = train(oracle, plan)
    found = references(trace, "float64")
    active = plan.active
    keys = {"prediction", "loss", "gradient/w", "gradient/b", "update/w", "update/b"}
    if "momentum" in setting:
        keys |= {"update/velocity w", "update/velocity b"}
    assert set(found) == keys
    assert {key.split("/")[0] for key in keys} == set(QUANTITIES)
    for key, reference in found.items():
        observed = trace.observed(key, slice(0, plan.steps))
        assert reference.value.shape == reference.bound.shape == observed.shape
        assert np.allclose(observed[active], reference.value[active], rtol=1e-12, atol=1e-13), key
        assert (reference.bound[active] > 0).all()
        assert (reference.bound[active] < 1e-10 * (1 + reference.magnitude[active])).all()
        assert (np.abs(reference.value[active]) <= 1.01 * reference.magnitude[active]).all() or (
            key.startswith("update/")  # the largest term of a sum may be smaller than the sum
        )


def test_the_referee_rounds_the_data_and_the_constants_as_a_participant_does() -> None:
    plan = Plan.of(drawn(7, 3, 2), loss="huber", delta=0.3, learning_rate=0.1, momentum=0.9)
    single, double = (Referee(plan, dtype) for dtype in ("float32", "float64"))
    assert single.rounded(0.1) == float(np.float32(0.1)) != double.rounded(0.1) == 0.1
    X, y = plan.data()
    rounded = dataclasses.replace(
        plan.problems[0],
        X=X.astype(np.float32).astype(np.float64),
        y=y.astype(np.float32).astype(np.float64),
    )
    f32 = {name: float(np.float32(v)) for name, v in (("rate", 0.1), ("delta", 0.3), ("mu", 0.9))}
    same = Plan.of(
        rounded, loss="huber", delta=f32["delta"], learning_rate=f32["rate"], momentum=f32["mu"]
    )
    start = {name: v[None].astype(np.float32) for name, v in plan.initial().items()}
    velocity = {name: np.ones_like(v) for name, v in start.items()}
    here = slice(0, 1)
    ours = single.references(here, start, velocity)
    theirs = Referee(same, "float64").references(here, start, velocity)
    for key, reference in ours.items():
        assert np.array_equal(reference.value, theirs[key].value), key


def test_the_constants_are_those_of_the_precision() -> None:
    single, double = Tolerance("float32"), Tolerance("float64")
    assert (single.unit_roundoff, double.unit_roundoff) == (2.0**-24, 2.0**-53)
    assert (single.tiny, double.tiny) == (2.0**-126, 2.0**-1022)
    assert single.c(5) == pytest.approx(5 * (2.0**-24 + 2.0**-53), rel=1e-6)
    assert double.c(5) == pytest.approx(10 * 2.0**-53, rel=1e-6)


# --- bounds that hold ------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    case=st.sampled_from(CASES),
    seed=st.integers(0, 2**16),
    scale_X=st.floats(-3, 3),
    scale_y=st.floats(-3, 3),
    rate=st.one_of(st.just(0.0), st.floats(-4, 1)),
    delta=st.floats(-2, 2),
)
def test_sound_steps_are_within_the_bounds(
    framework: Backend,
    case: tuple[tuple[int, int, int], dict[str, Any]],
    seed: int,
    scale_X: float,
    scale_y: float,
    rate: float,
    delta: float,
) -> None:
    shape, setting = case
    n, _, features = shape
    # Rates from 0 to far beyond where descent diverges, in units of the curvature. The larger of
    # two, so that a run on data of another size may diverge too.
    curvature = 10 ** (2 * scale_X) * features * (n if setting["reduction"] == "sum" else 1)
    plans = [
        Plan.of(
            drawn(*shape, seed=seed + run, scale_X=10**scale_X, scale_y=10**scale_y),
            learning_rate=factor * 10**rate / curvature if rate else 0.0,
            delta=10**delta,
            epochs=2,
            **setting,
        )
        for run, factor in enumerate((1.0, 30.0))
    ]
    judgement = judge(train(framework, stack(plans)))
    assert judgement.overflow_explained
    assert judgement.first is None
    assert judgement.holds


def test_a_step_of_any_size_is_within_the_bounds(framework: Backend) -> None:
    # Small numbers underflow on the way, and some frameworks flush what is subnormal to zero.
    shape, setting = CASES[4]
    scales = (1e-30, 1e-22, 1e-12, 1.0, 1e8, 1e15)
    plans = [
        Plan.of(drawn(*shape, scale_y=s), epochs=2, learning_rate=1e-4, **setting) for s in scales
    ]
    judgement = judge(train(framework, stack(plans)))
    assert judgement.first is None
    assert judgement.overflow_step.tolist() == [-1] * len(scales)


@pytest.mark.parametrize("seed", [3, 6])
def test_a_sum_in_the_worst_order_is_within_the_bounds(seed: int) -> None:
    # Equal terms, one added after the other: their roundings have one sign and pile up.
    rng, n, rate = np.random.default_rng(seed), 200, 1e-3
    x, y = rng.uniform(0.5, 2), rng.uniform(1, 3)
    problem = Problem(np.full((n, 1), x), np.full(n, -y), np.array([0.5]), np.array(0.25), n)
    plan = Plan.of(problem, reduction="sum", epochs=1, learning_rate=rate)
    trace = train(samestep.oracle("float32"), plan)
    assert trace.prediction is not None
    residual = trace.prediction[0, 0] - np.float32(-y)
    slope = np.float32(2) * residual
    gradient = {
        "w": one_by_one(slope * np.float32(x)).reshape(1, 1, 1),
        "b": one_by_one(slope).reshape(1, 1),
    }
    params = {
        name: np.concatenate([p[:1], p[:1] - np.float32(rate) * gradient[name]])
        for name, p in trace.params.items()
    }
    loss = one_by_one(residual * residual).reshape(1, 1)
    judgement = judge(dataclasses.replace(trace, loss=loss, gradient=gradient, params=params))
    assert judgement.holds
    for quantity in ("loss", "gradient"):
        worst = judgement.verdicts[quantity].worst
        assert worst is not None
        assert worst.error / worst.expected > 35 * 2.0**-24  # more than the terms can be off


def one_by_one(values: Any) -> Any:
    return np.cumsum(values, dtype=np.float32)[-1]


# --- bounds that catch -----------------------------------------------------------------------


def baseline(framework: Backend) -> Trace:
    return train(framework, Plan.of(SyntheticRegression(num_val=0).draw(0), learning_rate=0.03))


SMALLEST_FAULT = {"float32": 1e-4, "float64": 1e-12}


@pytest.mark.parametrize("step", [0, 20])
@pytest.mark.parametrize("quantity", ["prediction", "loss", "gradient", "update"])
def test_a_small_relative_error_is_beyond_the_bounds(
    framework: Backend, quantity: str, step: int
) -> None:
    trace = baseline(framework)
    factor = framework.numpy_dtype.type(1 + SMALLEST_FAULT[framework.dtype])
    tampered: dict[str, dict[str, Any]] = {
        "prediction": {"prediction": scaled(trace.prediction, step, factor)},
        "loss": {"loss": scaled(trace.loss, step, factor)},
        "gradient": {"gradient": {k: scaled(v, step, factor) for k, v in trace.gradient.items()}},
        "update": {"params": {k: scaled(v, step + 1, factor) for k, v in trace.params.items()}},
    }
    judgement = judge(dataclasses.replace(trace, **tampered[quantity]))
    assert judgement.first is not None
    found, finding = judgement.first
    assert (found, finding.step) == (quantity, step)
    assert finding.ratio > 1
    assert finding.error > finding.bound > 0


def scaled(values: Any, step: int, factor: Any) -> Any:
    copy = values.copy()
    copy[step] *= factor
    return copy


def test_a_gradient_that_is_always_a_little_off_is_beyond_the_bounds(dtype: str) -> None:
    # Not a tampered record, but a participant that is wrong: its derivative is.
    sound = LOSSES["squared_error"]
    factor = 1 + SMALLEST_FAULT[dtype]
    wrong = dataclasses.replace(
        sound, derivative=lambda r, delta: r.dtype.type(factor) * sound.derivative(r, delta)
    )
    backend = samestep.backend("numpy", dtype=dtype)
    plan = Plan.of(SyntheticRegression(num_val=0).draw(0))
    assert judge(train(backend, plan)).holds
    LOSSES["squared_error"] = wrong
    try:
        trace = train(backend, plan)
    finally:
        LOSSES["squared_error"] = sound
    judgement = judge(trace)
    assert judgement.verdicts["prediction"].holds
    assert judgement.verdicts["loss"].holds
    assert not judgement.verdicts["gradient"].holds
    assert judgement.first is not None
    assert judgement.first[1].step == 0


def test_the_bounds_are_of_the_size_of_the_errors(framework: Backend) -> None:
    for verdict in judge(baseline(framework)).verdicts.values():
        assert verdict.worst is not None
        assert 0.03 < verdict.worst.ratio <= 1  # measured: 0.1 to 0.7
        assert verdict.judged >= 96
