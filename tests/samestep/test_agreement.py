"""Verdicts: what was tampered with is named, and what cannot be compared is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from tampering import add_at, both, set_at, with_array

import samestep
from samestep import (
    Plan,
    SyntheticRegression,
    UsageError,
    compare,
    judge,
    stack,
    train,
)
from samestep.interface import Backend

STEP = 3
OPTIONS: dict[str, Any] = {"momentum": 0.9, "weight_decay": 0.01}


def plan_of(seed: int = 0, **changes: Any) -> Plan:
    spec = SyntheticRegression(num_train=20, num_val=0, batch_size=8)
    return Plan.of(spec.draw(seed), **changes)


# --- sound traces ----------------------------------------------------------------------------


def test_frameworks_take_the_same_step(dtype: str) -> None:
    traces = both(plan_of(**OPTIONS), dtype)
    comparison = compare(*traces)
    assert comparison.holds
    assert list(comparison.judgements) == [f"torch/cpu/{dtype}", f"jax/cpu/{dtype}"]
    quantities = [a.quantity for a in comparison.agreements]
    assert quantities == ["prediction", "loss", "gradient", "update"]
    for agreement in comparison.agreements:
        assert agreement.participants == (f"torch/cpu/{dtype}", f"jax/cpu/{dtype}")
        assert 0 <= agreement.max_error <= agreement.bound
        assert agreement.dtype == dtype
    for judgement in comparison.judgements.values():
        assert judgement.first is None
        judged = {q: v.judged for q, v in judgement.verdicts.items()}
        # 9 steps of 8, 8 and 4 rows; 3 parameters, with their velocities.
        assert judged == {"prediction": 60, "loss": 9, "gradient": 27, "update": 54}


def test_the_gap_is_the_largest_difference_of_the_paths(dtype: str) -> None:
    first, second = both(plan_of(), dtype)
    gap = {a.quantity: a.gap for a in compare(first, second).agreements}
    assert gap["update"] == max(
        np.abs(first.params[k][1:].astype(float) - second.params[k][1:].astype(float)).max()
        for k in ("w", "b")
    )
    assert first.loss is not None
    assert second.loss is not None
    assert gap["loss"] == np.abs(first.loss.astype(float) - second.loss.astype(float)).max()


def test_precisions_are_judged_together_and_paired_apart() -> None:
    plan = plan_of()
    comparison = compare(*both(plan, "float32"), *both(plan, "float64"))
    assert comparison.holds
    assert len(comparison.judgements) == 4
    pairs = {a.participants for a in comparison.agreements}
    assert pairs == {
        ("torch/cpu/float32", "jax/cpu/float32"),
        ("torch/cpu/float64", "jax/cpu/float64"),
    }


# --- tampered traces -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1e-3, float("nan"), float("inf"), -float("inf")], ids=str)
@pytest.mark.parametrize(
    ("kind", "name", "index", "quantity", "element", "step"),
    [
        ("prediction", "", (STEP, 0, 5), "prediction", "row 5", STEP),
        ("loss", "", (STEP, 0), "loss", "loss", STEP),
        ("gradient", "w", (STEP, 0, 1), "gradient", "w[1]", STEP),
        ("gradient", "b", (STEP, 0), "gradient", "b", STEP),
        ("params", "w", (STEP + 1, 0, 0), "update", "w[0]", STEP),
        ("params", "b", (STEP + 1, 0), "update", "b", STEP),
        ("state", "w", (STEP + 1, 0, 1), "update", "velocity w[1]", STEP),
        ("state", "b", (STEP + 1, 0), "update", "velocity b", STEP),
        ("prediction", "", (0, 0, 0), "prediction", "row 0", 0),
        ("params", "w", (9, 0, 1), "update", "w[1]", 8),
    ],
)
def test_one_changed_number_is_named(
    dtype: str,
    kind: str,
    name: str,
    index: tuple[int, ...],
    quantity: str,
    element: str,
    step: int,
    number: float,
) -> None:
    first, second = both(plan_of(**OPTIONS), dtype)
    change = add_at(index, number)
    tampered = with_array(second, kind, name, change)
    comparison = compare(first, tampered)
    assert not comparison.holds
    judgement = comparison.judgements[second.participant]
    assert judgement.first is not None
    found, finding = judgement.first
    assert (found, finding.element, finding.step) == (quantity, element, step)
    assert (finding.run, finding.bound > 0) == (0, True)
    sound = getattr(second, kind)
    sound_number = float((sound[name] if name else sound)[index])
    assert finding.observed == pytest.approx(sound_number + number, nan_ok=True)
    assert finding.expected == pytest.approx(sound_number, abs=1e-4)
    # The sound one is not blamed, and quantities that were computed before are sound.
    assert comparison.judgements[first.participant].holds
    assert not {a.quantity: a.holds for a in comparison.agreements}[quantity]


def test_the_distance_is_counted_in_units_of_the_largest_term() -> None:
    _, trace = both(plan_of(), "float32")
    tampered = with_array(trace, "params", "b", add_at((1, 0), 1e-3))
    judgement = judge(tampered)
    assert judgement.first is not None
    finding = judgement.first[1]
    assert finding.error == pytest.approx(1e-3, rel=1e-3)
    assert finding.ulps == pytest.approx(
        finding.error / np.spacing(np.float32(finding.magnitude)), rel=1e-6
    )
    assert finding.ratio == finding.error / finding.bound


def test_the_first_step_is_named_in_whichever_order_faults_are_planted() -> None:
    _, trace = both(plan_of(), "float32")
    late = with_array(trace, "prediction", "", set_at((7, 0, 0), 100.0))
    early = with_array(late, "gradient", "b", set_at((2, 0), 100.0))
    judgement = judge(early)
    assert judgement.first is not None
    assert (judgement.first[0], judgement.first[1].step) == ("gradient", 2)
    assert judgement.verdicts["prediction"].steps_beyond == (7,)
    assert judgement.verdicts["gradient"].steps_beyond == (2,)


def test_only_the_wrong_run_of_many_is_named() -> None:
    _, trace = both(stack([plan_of(seed) for seed in range(3)]), "float32")
    tampered = with_array(trace, "gradient", "w", add_at((4, 2, 0), 0.01))
    judgement = judge(tampered)
    assert judgement.first is not None
    assert (judgement.first[1].run, judgement.first[1].step) == (2, 4)


def test_padding_is_not_compared_but_must_be_finite() -> None:
    _, trace = both(plan_of(), "float32")
    # The third batch of an epoch has four rows.
    assert judge(with_array(trace, "prediction", "", set_at((2, 0, 7), 99.0))).holds
    assert not judge(with_array(trace, "prediction", "", set_at((2, 0, 3), 99.0))).holds
    assert not judge(with_array(trace, "prediction", "", set_at((2, 0, 7), np.nan))).holds


@pytest.mark.parametrize("factor", [1.001, 0.5, 2.0, 0.0])
def test_a_wrong_rate_is_a_wrong_update(dtype: str, factor: float) -> None:
    plan = plan_of()
    first, _ = both(plan, dtype)
    wrong = train(samestep.backend("jax", dtype=dtype), plan.vary(learning_rate=0.03 * factor))
    judgement = compare(first, dataclasses.replace(wrong, plan=plan)).judgements[wrong.participant]
    assert {q: v.holds for q, v in judgement.verdicts.items()} == {
        "prediction": True,
        "loss": True,
        "gradient": True,
        "update": False,
    }
    assert judgement.first is not None
    assert judgement.first[1].step == 0
    assert judgement.verdicts["update"].steps_beyond == tuple(range(9))


def test_a_skipped_update_is_a_wrong_update() -> None:
    _, trace = both(plan_of(), "float32")
    skipped = trace
    for name in ("w", "b"):
        skipped = with_array(skipped, "params", name, set_at((STEP + 1,), trace.params[name][STEP]))
    judgement = judge(skipped)
    assert judgement.first is not None
    assert (judgement.first[0], judgement.first[1].step) == ("update", STEP)


@pytest.mark.parametrize("kind", ["params", "state"])
@pytest.mark.parametrize("number", [1e-3, float("nan")])
def test_a_start_that_is_not_the_plans_is_refused(kind: str, number: float) -> None:
    _, trace = both(plan_of(**OPTIONS), "float32")
    moved = with_array(trace, kind, "w", add_at((0, 0, 1), number))
    with pytest.raises(UsageError, match="does not start where its plan does"):
        judge(moved)


# --- another plan ----------------------------------------------------------------------------


def full_batches(n: int = 32) -> Plan:
    spec = SyntheticRegression(num_train=n, num_val=0, batch_size=n)
    return Plan.of(spec.draw(0), learning_rate=0.1, epochs=5)


def test_two_settings_that_take_the_same_step(framework: Backend) -> None:
    mean = full_batches()
    trace = train(framework, mean)
    judged = judge(trace, plan=mean.vary(reduction="sum", learning_rate=0.1 / 32))
    assert judged.holds
    assert list(judged.verdicts) == ["update"]
    assert judged.verdicts["update"].judged == 15
    assert judge(trace, plan=mean.vary(loss="half_squared_error", learning_rate=0.2)).holds


@pytest.mark.parametrize(
    "wrong",
    [
        {"reduction": "sum"},
        {"reduction": "sum", "learning_rate": 0.1 / 31},
        {"loss": "half_squared_error"},
        {"learning_rate": 0.1001},
        {"loss": "huber", "delta": 1.0},
    ],
    ids=str,
)
def test_two_settings_that_take_another_step(framework: Backend, wrong: dict[str, Any]) -> None:
    mean = full_batches()
    judged = judge(train(framework, mean), plan=mean.vary(**wrong))
    assert not judged.holds
    assert judged.first is not None
    assert (judged.first[0], judged.first[1].step) == ("update", 0)


def test_the_other_plan_has_the_same_shapes(oracle: Backend) -> None:
    plan = full_batches()
    trace = train(oracle, plan)
    with pytest.raises(UsageError, match=r"\(steps, runs\) = \(5, 1\) .*, the plan \(4, 1\)"):
        judge(trace, plan=Plan.of(plan.problems[0], epochs=4))
    wide = SyntheticRegression(w=(1.0, 2.0, 3.0), num_train=32, num_val=0, batch_size=32)
    with pytest.raises(UsageError, match=r"and 2 features, the plan \(5, 1\) and 3"):
        judge(trace, plan=Plan.of(wide.draw(0), epochs=5))
    with pytest.raises(UsageError, match="no velocities"):
        judge(trace, plan=Plan.of(plan.problems[0], epochs=5, momentum=0.9))


# --- parts -----------------------------------------------------------------------------------


def test_selected_runs_are_judged_as_in_the_whole(framework: Backend) -> None:
    spec = SyntheticRegression(num_train=20, num_val=0, batch_size=8)
    plan = stack([Plan.of(spec.draw(s), epochs=1 + s, **OPTIONS) for s in range(3)])
    trace = train(framework, plan)
    whole = judge(trace)
    parts = [judge(trace.select([run])) for run in range(3)]
    for quantity, verdict in whole.verdicts.items():
        alone = [part.verdicts[quantity] for part in parts]
        assert verdict.judged == sum(v.judged for v in alone)
        worst = [v.worst for v in alone if v.worst]
        assert verdict.worst is not None
        # Sums of another shape may round otherwise in the referee, in the last place.
        assert verdict.worst.ratio == pytest.approx(max(w.ratio for w in worst), rel=1e-3)
    tampered = with_array(trace, "gradient", "b", add_at((1, 1), 1.0))
    assert [judge(tampered.select([run])).holds for run in range(3)] == [True, False, True]
    assert judge(tampered.select([0, 2])).holds


def test_blocks_of_steps_change_no_verdict(
    framework: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = train(framework, stack([plan_of(seed, **OPTIONS) for seed in range(3)]))
    tampered = with_array(trace, "loss", "", add_at((6, 1), 1.0))
    whole = [judge(t).verdicts for t in (trace, tampered)]
    monkeypatch.setattr("samestep.judgement._BLOCK", 3 * 8 * 2 * 2)  # two steps
    assert [judge(t).verdicts for t in (trace, tampered)] == whole


# --- what is refused -------------------------------------------------------------------------


def test_an_agreement_needs_two(oracle: Backend) -> None:
    trace = train(oracle, plan_of())
    with pytest.raises(UsageError, match="needs two participants that ran; 1 was given"):
        compare(trace)
    with pytest.raises(UsageError, match="needs two participants that ran; 0"):
        compare()
    with pytest.raises(UsageError, match="A participant stands twice: numpy/cpu/float64"):
        compare(trace, trace)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "huber"}, "loss: 'squared_error' and 'huber'"),
        ({"reduction": "sum"}, "reduction: 'mean' and 'sum'"),
        ({"momentum": 0.9}, "momentum: 0.0 and 0.9"),
        ({"epochs": 2}, "steps: 9 and 6"),
        ({"learning_rate": 0.04}, "the learning rates"),
        ({"seed": 1}, "the data, the initial values or the seed of the batch order"),
        ({"last_batch": "reweight"}, "last_batch: 'keep' and 'reweight'"),
    ],
    ids=str,
)
def test_traces_of_different_plans_are_refused(change: dict[str, Any], message: str) -> None:
    first = train(samestep.backend("numpy", dtype="float32"), plan_of())
    second = train(samestep.backend("torch"), plan_of(**change))
    with pytest.raises(UsageError, match="different plans") as caught:
        compare(first, second)
    assert message in caught.value.hint


def test_the_same_plan_made_twice_is_one_plan() -> None:
    first = train(samestep.backend("numpy", dtype="float32"), plan_of(name="one"))
    second = train(samestep.backend("torch"), plan_of(name="another"))
    assert compare(first, second).holds


def test_traces_of_no_common_precision_are_refused(oracle: Backend) -> None:
    plan = plan_of()
    with pytest.raises(UsageError, match="No two traces have the same precision") as caught:
        compare(train(oracle, plan), train(samestep.backend("torch"), plan))
    assert "torch/cpu/float32 (float32)" in str(caught.value)


def test_traces_without_their_steps_are_refused(oracle: Backend) -> None:
    plan = plan_of()
    ends = train(samestep.backend("torch", dtype="float64"), plan, every_step=False)
    with pytest.raises(UsageError, match=r"torch/cpu/float64 holds no steps.\nTrain with"):
        judge(ends)
    with pytest.raises(UsageError, match="holds no steps"):
        compare(train(oracle, plan), ends)


def test_what_is_printed_is_one_line_that_says_what_is_wrong() -> None:
    sound, other = both(plan_of(), "float32")
    assert repr(compare(sound, other)).endswith(f"the same step; {plan_of().name}>")
    assert repr(judge(sound)) == "<Judgement of torch/cpu/float32: holds; 9 steps>"
    wrong = with_array(sound, "loss", "", add_at((STEP, 0), 1.0))
    assert "loss at step 3" in repr(judge(wrong))
    assert "NOT the same step" in repr(compare(wrong, other))
