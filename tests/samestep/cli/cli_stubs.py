"""Participants and exercises that behave, and some that do not, for tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure
from samestep_numpy import NumpyBackend

from samestep.claims import Evidence
from samestep.errors import UsageError
from samestep.experiment import Experiment, Parameter
from samestep.figures import new_figure
from samestep.lab import Lab
from samestep.plan import Plan
from samestep.problem import SyntheticRegression

NUMBERS = {"w1": 1.99, "w2": -3.39, "b": 4.19}


@dataclass(frozen=True)
class StubEntry:
    """What the registry needs of an entry point."""

    name: str
    found: Any
    dist: None = None

    @property
    def value(self) -> str:
        return f"cli_stubs:{self.name}"

    def load(self) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class SteadyBackend(NumpyBackend):
    name: ClassVar[str] = "steady"


class RestlessBackend(NumpyBackend):
    """Takes a step that is a little too long."""

    name: ClassVar[str] = "restless"

    def value_and_grad(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        inner = super().value_and_grad(*args, **kwargs)

        def longer(*arrays: Any) -> Any:
            value, grads = inner(*arrays)
            return value, {name: grad * grad.dtype.type(1.001) for name, grad in grads.items()}

        return longer


class BrokenBackend(NumpyBackend):
    """Raises when it is used."""

    name: ClassVar[str] = "broken"

    def value_and_grad(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        raise RuntimeError("out of [/bold] memory\nand a page of details")


class AloneBackend(NumpyBackend):
    """Another sound one."""

    name: ClassVar[str] = "alone"


def plan(**settings: Any) -> Plan:
    problem = SyntheticRegression(num_train=40, num_val=10).draw(0)
    return Plan.of(problem, name="a small fit", epochs=1, **settings)


def draw_line(height: float) -> Figure:
    figure, axes = new_figure(1, 1, (3, 2))
    axes[0, 0].plot([0, 1], [0, height])
    return figure


def draw_nothing(height: float) -> Figure:
    raise ValueError("no such line")


class Sound(Experiment):
    """Everything holds."""

    id: ClassVar = "sound"
    title: ClassVar = "Is it <sound> & well?"
    question: ClassVar = "Does everything hold?"
    parameters: ClassVar = {
        "learning_rate": Parameter(0.03, "the rate"),
        "count": Parameter(3, "a whole number"),
        "colour": Parameter("blue", "a word"),
    }
    holds: ClassVar[bool | None] = True
    published: ClassVar = NUMBERS

    def run(self, lab: Lab) -> str:
        rate = lab.parameter("learning_rate")
        self.train(lab, plan(learning_rate=rate))
        lab.claim(
            "first",
            "The first statement, which says <something>.",
            {label: Evidence(self.holds, f"measured & {rate:g}") for label in lab.participants},
        )
        samples = np.random.default_rng(0).normal(2.0, 3.0, (lab.seeds, 3))
        lab.check_published(
            self.published,
            dict.fromkeys(list(lab.participants)[:1], samples),
            {"another rate": samples + 100},
        )
        lab.figure("line", "A line & its caption.", draw_line, height=rate)
        return f"Yes, at {rate:g}."

    def train(self, lab: Lab, plan: Plan) -> None:
        lab.train(plan, keep=True)


class Pictured(Sound):
    """Shows its fit."""

    id: ClassVar = "pictured"

    def train(self, lab: Lab, plan: Plan) -> None:
        lab.picture_of_fits({"a fit": plan}, {"a fit": [1.9, -3.3, 4.1]})


class Wrong(Sound):
    id: ClassVar = "wrong"
    title: ClassVar = "Is it wrong?"
    holds: ClassVar = False


class Unlikely(Sound):
    id: ClassVar = "unlikely"
    title: ClassVar = "Is it likely?"
    published: ClassVar = {**NUMBERS, "b": 400.0}


class Undrawable(Sound):
    id: ClassVar = "undrawable"

    def run(self, lab: Lab) -> str:
        lab.figure("nothing", "Cannot be drawn.", draw_nothing, height=1.0)
        return super().run(lab)


class Defective(Sound):
    """States a claim, then raises."""

    id: ClassVar = "defective"

    def run(self, lab: Lab) -> str:
        super().run(lab)
        raise KeyError("missing")


class Interrupted(Sound):
    id: ClassVar = "interrupted"

    def run(self, lab: Lab) -> str:
        raise KeyboardInterrupt


class Misused(Sound):
    """Finds out in the middle that a parameter cannot be used."""

    id: ClassVar = "misused"

    def run(self, lab: Lab) -> str:
        super().run(lab)
        raise UsageError("count is 3.", "Expected 4.")


class Idle(Experiment):
    """Trains nothing and claims nothing."""

    id: ClassVar = "idle"
    title: ClassVar = "Is it idle?"
    question: ClassVar = "?"

    def run(self, lab: Lab) -> str:
        return "Yes."


EXPERIMENTS = (
    Sound(),
    Pictured(),
    Wrong(),
    Unlikely(),
    Undrawable(),
    Defective(),
    Interrupted(),
    Misused(),
    Idle(),
)
BACKENDS = (NumpyBackend, SteadyBackend, RestlessBackend, BrokenBackend, AloneBackend)
