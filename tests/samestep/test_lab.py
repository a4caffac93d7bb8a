"""The laboratory: problems drawn once, cross-checks entered, outcomes sampled in chunks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

import samestep
from samestep import (
    Evidence,
    Experiment,
    Lab,
    Parameter,
    Plan,
    SyntheticRegression,
    Trace,
    UsageError,
    sampling,
    stack,
    train,
)
from samestep import (
    lab as lab_module,
)
from samestep.participants import open_team

SPEC = SyntheticRegression(num_train=12, num_val=5, batch_size=4)


class Empty(Experiment):
    id: ClassVar = "empty"
    title: ClassVar = "Empty"
    question: ClassVar = "?"
    parameters: ClassVar = {"rate": Parameter(0.03, "the rate")}

    def run(self, lab: Lab) -> str:
        return ""


def lab_of(*names: str, dtypes: tuple[str, ...] = ("float64",), **changes: Any) -> Lab:
    backends = [samestep.backend(name, dtype=dtype) for dtype in dtypes for name in names]
    arguments: dict[str, Any] = {"experiment": Empty(), "backends": backends, "seeds": 100}
    return Lab(**(arguments | changes))


def plans(count: int, **changes: Any) -> list[Plan]:
    return [Plan.of(SPEC.draw(seed), name="mine", **changes) for seed in range(count)]


def test_an_experiment_says_how_it_is_run() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Experiment()  # type: ignore[abstract]


def test_problems_are_drawn_once() -> None:
    lab = lab_of("numpy")
    first = lab.draw(SPEC, 3)
    assert [p.seed for p in first] == [0, 1, 2]
    again = lab_of("numpy").draw(SPEC, [2, 0])
    assert again[0] is first[2]
    assert again[1] is first[0]
    other = dataclasses.replace(SPEC, noise=0.5)
    assert lab.draw(other, 1)[0].hash != first[0].hash


def test_no_more_seeds_are_used_than_were_asked_for() -> None:
    assert lab_of("numpy", seeds=5).seed_count(64) == 5
    assert lab_of("numpy", seeds=500).seed_count(64) == 64


def test_a_parameter_is_as_set_or_the_default() -> None:
    assert lab_of("numpy").parameter("rate") == 0.03
    assert lab_of("numpy", settings={"rate": 0.5}).parameter("rate") == 0.5
    with pytest.raises(UsageError, match="Did you mean 'rate'"):
        lab_of("numpy", settings={"rat": 0.5})


def test_a_training_is_cross_checked() -> None:
    lab = lab_of("torch", "jax", dtypes=("float32", "float64"))
    (plan,) = plans(1)
    traces = lab.train(plan)
    assert list(traces) == [
        "torch/cpu/float32",
        "jax/cpu/float32",
        "torch/cpu/float64",
        "jax/cpu/float64",
    ]
    assert [(a.dtype, a.quantity) for a in lab.agreements] == [
        (dtype, quantity)
        for dtype in ("float32", "float64")
        for quantity in ("prediction", "loss", "gradient", "update")
    ]
    for agreement in lab.agreements:
        assert agreement.holds
        assert (agreement.plan, agreement.plan_hash) == ("mine", plan.hash)
        assert (agreement.runs_checked, agreement.runs, agreement.steps) == (1, 1, 9)
        assert agreement.explanation == ""
    assert lab.traces == {}
    lab.train(plan, keep=True)
    assert list(lab.traces["mine"]) == list(traces)


@pytest.mark.parametrize(("check", "expected"), [(2, 2), (64, 5), (None, 5), (5, 5)])
def test_an_agreement_says_how_many_runs_were_checked(check: int | None, expected: int) -> None:
    lab = lab_of("numpy")
    lab.train(stack(plans(5)), check=check)
    assert {(a.runs_checked, a.runs) for a in lab.agreements} == {(expected, 5)}


def test_the_first_and_the_last_run_are_among_the_checked(oracle: Any) -> None:
    trace = train(oracle, stack(plans(5)))
    assert trace.loss is not None
    for run, holds in ((0, False), (4, False), (1, True)):
        loss = trace.loss.copy()
        loss[3, run] += 1.0
        lab = lab_of("numpy")
        lab.cross_check([dataclasses.replace(trace, loss=loss)], check=3)  # runs 0, 2 and 4
        assert all(a.holds for a in lab.agreements) is holds


def test_a_single_participant_is_paired_with_the_oracle(dtype: str) -> None:
    lab = lab_of("torch", dtypes=(dtype,))
    lab.train(plans(1)[0])
    assert {a.participants for a in lab.agreements} == {(f"torch/cpu/{dtype}", f"oracle/{dtype}")}
    assert all(a.holds for a in lab.agreements)


def test_a_single_participant_that_overflows_agrees_with_the_oracle() -> None:
    lab = lab_of("torch", dtypes=("float32",))
    lab.train(plans(1, learning_rate=1e18)[0])
    assert all(a.holds for a in lab.agreements)


def test_a_divergence_is_explained() -> None:
    lab = lab_of("torch", "numpy")
    (plan,) = plans(1)
    sound, other = (train(b, plan) for b in lab.backends)
    assert other.loss is not None
    loss = other.loss.copy()
    loss[4, 0] = 7.0
    lab.cross_check([sound, dataclasses.replace(other, loss=loss)])
    verdicts = {a.quantity: a.holds for a in lab.agreements}
    assert verdicts == {"prediction": True, "loss": False, "gradient": True, "update": True}
    (failed,) = (a for a in lab.agreements if not a.holds)
    assert failed.explanation.startswith("numpy/cpu/float64: loss at step 4, loss: 7.0 instead of")


def test_a_claim_is_stated_once() -> None:
    lab = lab_of("numpy")
    claim = lab.claim("one", "It is so.", {"numpy/cpu/float64": Evidence(True, "seen")})
    assert lab.claims == [claim]
    with pytest.raises(UsageError, match="Claim 'one' is stated twice"):
        lab.claim("one", "Again.", {})


def test_an_interval_decides_a_claim_about_a_median() -> None:
    lab = lab_of("numpy")
    samples = {"many": np.linspace(1, 2, 40), "few": np.ones(3)}
    claim = lab.claim_median("long", "They are longer than 0.5.", samples, above=0.5)
    assert lab.claims == [claim]
    assert {label: e.holds for label, e in claim.evidence.items()} == {"many": True, "few": None}
    assert claim.evidence["many"].text.startswith("median of 40: 1.5 [")
    assert claim.evidence["many"].values["estimate"] == 1.5
    assert not lab.claim_median("short", "They are shorter than 1.", samples, below=1).holds


# --- samples ---------------------------------------------------------------------------------


def vary(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: plan.vary(**changes)


def test_a_sample_is_what_single_fits_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "CHUNK", 3)
    lab = lab_of("numpy", dtypes=("float32", "float64"))
    samples = lab.sample(
        SPEC, {"slow": vary(learning_rate=0.01), "huber": vary(loss="huber")}, seeds=7
    )
    assert list(samples) == ["numpy/cpu/float32"]  # the first precision
    by_variant = samples["numpy/cpu/float32"]
    assert {name: x.shape for name, x in by_variant.items()} == {"slow": (7, 3), "huber": (7, 3)}
    for seed in range(7):
        for name, change in (("slow", {"learning_rate": 0.01}), ("huber", {"loss": "huber"})):
            plan = Plan.of(SPEC.draw(seed), **change)
            alone = train(lab.backends[0], plan).parameters()[0]
            assert by_variant[name][seed] == pytest.approx(alone, rel=1e-5, abs=1e-5)
    # Each chunk of each variant was cross-checked: three chunks, four quantities.
    assert len(lab.agreements) == 2 * 3 * 4
    assert all(a.holds for a in lab.agreements)


def test_a_sample_measures_what_it_is_told_to(oracle: Any) -> None:
    lab = lab_of("numpy")

    def worst_error(trace: Trace) -> np.ndarray:
        return np.asarray(np.abs(trace.error()).max(axis=1, keepdims=True))

    samples = lab.sample(SPEC, {"base": vary()}, seeds=4, measure=worst_error, backends=[oracle])
    assert samples["numpy/cpu/float64"]["base"].shape == (4, 1)
    assert lab.agreements == []  # nobody takes part, so nothing is to be cross-checked


def test_seeds_are_drawn_once_for_all_processes_without_validation_data() -> None:
    def drawn_there(trace: Trace) -> np.ndarray:
        problems = trace.plan.problems
        found = (len(sampling._DRAWN), sum(p.X_val is not None for p in problems))
        return np.array([found] * trace.plan.runs)

    with open_team(["numpy"], ["float64"], in_process=False) as team:
        lab = lab_of(backends=team)
        samples = lab.sample(SPEC, {"base": vary()}, seeds=4, measure=drawn_there)
    assert samples["numpy/cpu/float64"]["base"].tolist() == [[0, 0]] * 4
    assert np.array_equal(sampling.baseline_chunk(SPEC, 0, 4).problems[3].X, SPEC.draw(3).X)


def test_published_numbers_are_placed_in_each_participants_distribution() -> None:
    lab = lab_of("numpy")
    rng = np.random.default_rng(0)
    samples = {name: rng.standard_normal((300, 2)) for name in ("first", "second")}
    lab.check_published({"w": 0.0, "b": 9.0}, samples, {"wrong": rng.standard_normal((50, 2)) + 9})
    assert [(c.id, c.participant) for c in lab.published] == [
        ("w", "first"),
        ("b", "first"),
        ("w", "second"),
        ("b", "second"),
    ]
    assert lab.published[0].percentile == pytest.approx(50, abs=15)
    assert lab.published[1].percentile == 100
    assert [(p.wrong_setting, p.rejected) for p in lab.power] == [("wrong", 1.0)]


def test_a_picture_of_fits_has_curves_and_final_parameters() -> None:
    lab = lab_of("torch", "numpy")
    (plan,) = plans(1)
    traces = lab.picture_of_fits({"a panel": plan}, published={"a panel": (1.0, 2.0, 3.0)})
    assert list(traces["a panel"]) == ["torch/cpu/float64", "numpy/cpu/float64"]
    losses, paths = lab.figures
    assert losses.name == "empty-loss-curves"
    curves = losses.data["panels"]["a panel"]
    assert [len(c.training) for c in curves] == [3, 3]
    assert [len(c.validation) for c in curves] == [4, 4]
    assert paths.name == "empty-paths"
    walks = paths.data["panels"]["a panel"].walks
    assert [walk.label for walk in walks] == list(traces["a panel"])
    assert lab.traces[plan.name] == traces["a panel"]
    fit = lab.fits[0]
    assert fit.parameters == tuple(traces["a panel"]["torch/cpu/float64"].parameters()[0])
    assert (fit.truth, fit.published) == ((2.0, -3.4, 4.2), (1.0, 2.0, 3.0))
    assert lab.agreements
