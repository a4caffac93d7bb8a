"""The runner: all is checked before any work, and what goes wrong is reported, not hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import samestep_torch

import samestep
from samestep import (
    Evidence,
    Experiment,
    Lab,
    MissingParticipantError,
    Parameter,
    Plan,
    SyntheticRegression,
    UsageError,
    runner,
)
from samestep.participants import here
from samestep.results import Result
from samestep.summary import ExerciseModel

SPEC = SyntheticRegression(num_train=12, num_val=0, batch_size=4)


class Small(Experiment):
    """Trains twice and claims that nothing is infinite."""

    id: ClassVar = "small"
    title: ClassVar = "Small"
    question: ClassVar = "Does it run?"
    parameters: ClassVar = {
        "learning_rate": Parameter(0.03, "the rate"),
        "fits": Parameter(2, "how many fits"),
        "note": Parameter("none", "a text"),
    }

    def run(self, lab: Lab) -> str:
        for seed in range(lab.parameter("fits")):
            plan = Plan.of(
                lab.draw(SPEC, [seed])[0],
                learning_rate=lab.parameter("learning_rate"),
                name=f"fit {seed}",
            )
            traces = lab.train(plan, keep=True)
        lab.claim(
            "finite",
            "All parameters stay finite.",
            {
                label: Evidence(np.isfinite(trace.parameters()).all(), "looked at", {"fits": 2})  # type: ignore[arg-type]
                for label, trace in traces.items()
            },
        )
        return "It does."


class Interrupted(Small):
    id: ClassVar = "interrupted"

    def run(self, lab: Lab) -> str:
        super().run(lab)
        raise KeyboardInterrupt


class Broken(Small):
    id: ClassVar = "broken"

    def run(self, lab: Lab) -> str:
        super().run(lab)
        raise ZeroDivisionError("no seeds\nand a page of details")


@pytest.fixture(autouse=True)
def exercises(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {e.id: e for e in (Small(), Interrupted(), Broken())}

    def find(name: str) -> Experiment:
        if name not in known:
            raise samestep.errors.unknown_name("exercise", name, known)
        return known[name]

    monkeypatch.setattr(runner, "experiment", find)
    monkeypatch.setattr(runner, "experiment_names", lambda: ["small"])


@pytest.fixture
def torch_breaks_down(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let PyTorch raise after some more trainings, whatever their precision."""

    def after(trainings: int) -> None:
        original, left = samestep_torch.TorchBackend.scan, [trainings]

        def scan(self: Any, *args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("the device is lost\nCompile with DEBUG=1 to see more")
            return original(self, *args, **kwargs)

        monkeypatch.setattr(samestep_torch.TorchBackend, "scan", scan)

    return after


# --- what comes back -------------------------------------------------------------------------


def test_a_run_returns_claims_agreements_traces_and_environment() -> None:
    result = samestep.run("small")
    labels = [
        f"{name}/cpu/{dtype}" for dtype in ("float32", "float64") for name in ("jax", "torch")
    ]
    assert result.ok
    assert not result.failures
    (exercise,) = result.summary.exercises
    assert (exercise.id, exercise.answer, exercise.error) == ("small", "It does.", "")
    assert exercise.ok
    assert exercise.complete
    assert exercise.seconds > 0
    (claim,) = result.claims
    assert claim.holds is True
    assert list(claim.evidence) == labels
    assert list(result.traces) == ["fit 0", "fit 1"]
    assert list(result.traces["fit 1"]) == labels
    # Two fits, two precisions, four quantities.
    assert len(exercise.agreements) == 2 * 2 * 4
    assert {a.plan for a in exercise.agreements} == {"fit 0", "fit 1"}
    assert exercise.agreements[0].participants == ["jax/cpu/float32", "torch/cpu/float32"]
    environment = result.summary.environment
    assert environment["participants"] == labels
    assert set(environment["backends"]) == {"jax", "torch"}
    assert environment["backends"]["torch"]["devices"][0] == "cpu"
    assert environment["numpy"] == np.__version__


def test_the_command_repeats_the_run() -> None:
    settings: dict[str, int | float | str] = {"learning_rate": 0.05, "note": "two words"}
    result = samestep.run("small", on=["numpy"], dtype="float64", seeds=7, settings=settings)
    assert result.summary.environment["command"] == (
        "samestep run small --on numpy --dtype float64 --seeds 7 "
        "--set learning_rate=0.05 --set 'note=two words'"
    )


def test_by_default_all_installed_frameworks_take_part_and_the_referee_does_not() -> None:
    assert runner.default_participants() == ["jax", "torch"]
    result = samestep.run(on=["numpy"], dtype=["float64"])  # unless it is asked to
    assert result.summary.environment["participants"] == ["numpy/cpu/float64"]
    assert result.ok


def test_a_participant_that_is_named_twice_takes_part_once() -> None:
    result = samestep.run("small", "small", on=["torch", "torch@cpu"], dtype="float32")
    assert result.summary.environment["participants"] == ["torch/cpu/float32"]
    assert [e.id for e in result.summary.exercises] == ["small"]


def test_progress_is_told() -> None:
    told: list[tuple[str, str]] = []
    finished: list[ExerciseModel] = []
    samestep.run(
        "small",
        on=["numpy"],
        dtype="float64",
        progress=lambda exercise, what: told.append((exercise, what)),
        finished=finished.append,
    )
    assert told == [("small", "fit 0"), ("small", "fit 1")]
    assert [e.id for e in finished] == ["small"]


# --- settings --------------------------------------------------------------------------------


def test_settings_reach_the_exercise() -> None:
    result = samestep.run(
        "small",
        on=["numpy"],
        dtype="float64",
        settings={"learning_rate": "0.5", "fits": "1"},
    )
    (traces,) = result.traces.values()
    assert traces["numpy/cpu/float64"].plan.learning_rate.tolist() == [0.5]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lerning_rate": 0.1}, "Unknown parameter 'lerning_rate'.\nDid you mean 'learning_rate'?"),
        ({"zzz": 1}, "Known: fits, learning_rate, note."),
        ({"fits": "two"}, "Parameter fits is 'two'.\nExpected a whole number; the default is 2"),
        ({"fits": 2.5}, "Expected a whole number"),
        ({"learning_rate": "fast"}, "Expected a finite number; the default is 0.03 (the rate)"),
        ({"learning_rate": float("nan")}, "Expected a finite number"),
        ({"learning_rate": "inf"}, "Expected a finite number"),
        ({"note": 3}, "Expected text"),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error_before_any_work(
    settings: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Small, "run", lambda self, lab: pytest.fail("it ran"))
    with pytest.raises(UsageError) as caught:
        samestep.run("small", settings=settings)
    assert message in str(caught.value)


def test_a_setting_may_be_known_to_one_exercise_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "parameters", {})
    monkeypatch.setattr(Broken, "run", lambda self, lab: str(lab.settings))
    result = samestep.run("small", "broken", on=["numpy"], dtype="float64", settings={"fits": 1})
    assert [e.answer for e in result.summary.exercises] == ["It does.", "{}"]


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"exercises": ["smal"]}, UsageError, "Did you mean 'small'?"),
        ({"on": ["torhc"]}, UsageError, "Did you mean 'torch'?"),
        ({"on": ["torch@gpu:99"]}, MissingParticipantError, "Device 'gpu:99' is not there"),
        ({"dtype": "float16"}, UsageError, "Known: float32, float64."),
        ({"dtype": []}, UsageError, "No dtype was given"),
        ({"seeds": 0}, UsageError, "seeds is 0"),
        ({"seeds": -5}, UsageError, "seeds is -5"),
    ],
)
def test_what_cannot_be_run_is_an_error_before_any_work(
    arguments: dict[str, Any], error: type[Exception], message: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(Small, "run", lambda self, lab: pytest.fail("it ran"))
    with pytest.raises(error) as caught:
        samestep.run(*arguments.pop("exercises", ["small"]), **arguments)
    assert message in str(caught.value)


def test_without_a_framework_the_error_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setattr(runner, "default_participants", list)
    with pytest.raises(MissingParticipantError) as caught:
        samestep.run("small")
    assert "pip install 'samestep[jax]' or pip install 'samestep[torch]'" in caught.value.hint


# --- what goes wrong -------------------------------------------------------------------------


def test_a_participant_that_raises_is_set_aside_and_the_others_go_on(
    torch_breaks_down: Callable[[int], None],
) -> None:
    torch_breaks_down(1)  # the first fit in float32 is the last that it takes part in
    result = samestep.run("small")
    assert result.failures == {
        "torch/cpu/float32": "RuntimeError: the device is lost",
        "torch/cpu/float64": "RuntimeError: the device is lost",
    }
    assert not result.ok
    (exercise,) = result.summary.exercises
    assert not exercise.complete
    assert not exercise.contradicted
    assert exercise.answer == "It does."
    (claim,) = result.claims
    assert claim.holds is True
    assert list(claim.evidence) == ["jax/cpu/float32", "jax/cpu/float64"]
    assert list(result.traces["fit 0"]) == [
        "jax/cpu/float32",
        "torch/cpu/float32",
        "jax/cpu/float64",
    ]
    assert list(result.traces["fit 1"]) == ["jax/cpu/float32", "jax/cpu/float64"]
    # An agreement needs two: where one is left, the oracle is the other.
    pairs = {a.plan: a.participants for a in exercise.agreements if a.dtype == "float32"}
    assert pairs == {
        "fit 0": ["jax/cpu/float32", "torch/cpu/float32"],
        "fit 1": ["jax/cpu/float32", "oracle/float32"],
    }
    assert "the device is lost" in result.to_json()


def test_if_all_raise_it_is_an_error_and_says_why(torch_breaks_down: Callable[[int], None]) -> None:
    torch_breaks_down(0)
    with pytest.raises(MissingParticipantError) as caught:
        samestep.run("small", on=["torch"], dtype="float32")
    assert "Every participant failed" in caught.value.message
    assert "torch/cpu/float32: RuntimeError: the device is lost" in caught.value.message


def test_an_interruption_carries_what_is_complete() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        samestep.run("small", "interrupted", "small", on=["numpy"], dtype="float64")
    (result,) = caught.value.args
    assert isinstance(result, Result)
    assert [e.id for e in result.summary.exercises] == ["small"]
    assert result.summary.exercises[0].ok
    assert [claim.id for claim in result.claims] == ["finite"]
    # What was not run cannot be in order.
    assert result.summary.not_run == ["interrupted"]
    assert not result.ok


def test_an_exercise_that_raises_is_entered_with_what_it_found() -> None:
    campaign = runner.Campaign.of("small", "broken", on=["numpy"], dtype="float64")
    campaign.begin(here([samestep.backend("numpy", dtype="float64")]))
    small, broken = campaign.exercises
    campaign.conduct(small)
    with pytest.raises(ZeroDivisionError):
        campaign.conduct(broken)
    entered = campaign.result.summary.exercises[1]
    assert (entered.id, entered.answer) == ("broken", "")
    assert entered.error == "ZeroDivisionError: no seeds"
    assert [claim.id for claim in entered.claims] == ["finite"]
    assert not entered.ok
    assert not campaign.result.ok
    assert campaign.result.summary.not_run == []
    # Two exercises gave their plans the same names; neither trace is lost.
    assert list(campaign.result.traces) == ["fit 0", "fit 1", "fit 0 (broken)", "fit 1 (broken)"]


def test_a_false_claim_and_a_disagreement_are_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    result = samestep.run("small", on=["numpy"], dtype="float64", settings={"learning_rate": 1e200})
    assert [claim.holds for claim in result.claims] == [False]
    assert not result.ok
    assert result.summary.exercises[0].contradicted
    assert result.summary.exercises[0].complete
