"""Results: what ``samestep run`` returns and writes; ``summary.json`` is these models as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from samestep.claims import Claim
from samestep.experiment import Lab
from samestep.figures import FigureSpec
from samestep.trace import Trace

__all__ = [
    "AgreementModel",
    "ClaimModel",
    "EvidenceModel",
    "ExerciseModel",
    "FigureModel",
    "FitModel",
    "PowerModel",
    "PublishedModel",
    "Result",
    "Summary",
]


class _Model(BaseModel):
    # inf and nan are data here (divergent runs); as strings they are legal JSON.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


class EvidenceModel(_Model):
    """What one participant contributes to a claim."""

    holds: bool | None = Field(description="null: undecided, or not applicable")
    applies: bool = True
    text: str
    values: dict[str, float] = {}


class ClaimModel(_Model):
    """A checked statement with the evidence of each participant."""

    id: str
    statement: str
    holds: bool | None = Field(description="null: undecided, too few seeds")
    evidence: dict[str, EvidenceModel]


class AgreementModel(_Model):
    """Two participants on one quantity of one plan, each step judged against the oracle."""

    participants: list[str]
    plan: str
    plan_hash: str
    dtype: str
    quantity: str
    max_error: float = Field(description="largest error relative to its bound, as a number")
    bound: float = Field(description="what rounding can explain there")
    step: int = Field(description="the step at which that is, -1 if none could be judged")
    gap: float = Field(description="largest difference between the two paths; reported only")
    runs_checked: int
    runs: int
    steps: int
    holds: bool
    explanation: str = ""


class PublishedModel(_Model):
    """A published number as a position in our distribution over seeds."""

    id: str
    participant: str
    value: float
    percentile: float
    low: float
    high: float
    seeds: int
    holds: bool | None = Field(description="null: undecided, too few seeds")


class PowerModel(_Model):
    """How often draws from a wrong setting would have been rejected."""

    wrong_setting: str
    rejected: float
    draws: int


class FitModel(_Model):
    """Final parameters of a single fit, beside the published ones."""

    title: str
    participant: str
    parameters: list[float]
    truth: list[float]
    published: list[float] | None


class FigureModel(_Model):
    """A figure and, once saved, its files relative to the output folder."""

    name: str
    caption: str
    files: list[str] = []


class ExerciseModel(_Model):
    """Everything that was found in one exercise."""

    id: str
    title: str
    question: str
    answer: str
    claims: list[ClaimModel]
    agreements: list[AgreementModel]
    published: list[PublishedModel]
    power: list[PowerModel]
    fits: list[FitModel]
    figures: list[FigureModel]
    failures: dict[str, str] = Field(description="participants that raised, and what")
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether no claim, no agreement and no published number failed."""
        return (
            all(claim.holds is not False for claim in self.claims)
            and all(agreement.holds for agreement in self.agreements)
            and all(check.holds is not False for check in self.published)
            and not self.failures
        )


class Summary(_Model):
    """The content of ``summary.json``."""

    ok: bool
    environment: dict[str, Any]
    exercises: list[ExerciseModel]


@dataclass
class Result:
    """What a run found: models for JSON, and the objects behind them.

    Parameters
    ----------
    summary : Summary
    claims : list of Claim
    traces : dict of str to dict of str to Trace
        Traces of single fits by plan name and participant.
    figures : dict of str to FigureSpec
        By name; ``.figure()`` draws one, ``.save(folder)`` writes it.
    """

    summary: Summary
    claims: list[Claim] = field(default_factory=list)
    traces: dict[str, dict[str, Trace]] = field(default_factory=dict)
    figures: dict[str, FigureSpec] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything that was checked held."""
        return self.summary.ok

    @property
    def failures(self) -> dict[str, str]:
        """Participants that raised, by label."""
        return {k: v for exercise in self.summary.exercises for k, v in exercise.failures.items()}

    def add(self, lab: Lab, answer: str, seconds: float) -> ExerciseModel:
        """Take in what an exercise found."""
        model = _exercise_model(lab, answer, seconds)
        self.summary.exercises.append(model)
        self.summary.ok = all(exercise.ok for exercise in self.summary.exercises)
        self.claims.extend(lab.claims)
        self.traces.update(lab.traces)
        self.figures.update({figure.name: figure for figure in lab.figures})
        return model

    def to_json(self) -> str:
        """Return the summary as JSON text."""
        return self.summary.model_dump_json(indent=2)

    def save(self, folder: Path) -> None:
        """Write ``summary.json``, ``summary.schema.json``, the figures and the traces."""
        figures, traces = folder / "figures", folder / "traces"
        figures.mkdir(parents=True, exist_ok=True)
        traces.mkdir(parents=True, exist_ok=True)
        for exercise in self.summary.exercises:
            for model in exercise.figures:
                paths = self.figures[model.name].save(figures)
                model.files = [str(path.relative_to(folder)) for path in paths]
        for plan, by_participant in self.traces.items():
            for label, trace in by_participant.items():
                save_trace(trace, traces / f"{_slug(plan)}--{_slug(label)}.npz")
        (folder / "summary.json").write_text(self.to_json() + "\n", encoding="utf-8")
        schema = json.dumps(Summary.model_json_schema(), indent=2)
        (folder / "summary.schema.json").write_text(schema + "\n", encoding="utf-8")


def save_trace(trace: Trace, path: Path) -> None:
    """Write a trace's arrays, and its plan's settings as JSON, to one NPZ file."""
    dataset = trace.to_xarray()
    arrays = {str(name): variable.values for name, variable in dataset.variables.items()}
    np.savez(path, allow_pickle=False, attributes=json.dumps(dataset.attrs), **arrays)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text).strip("-")


def _exercise_model(lab: Lab, answer: str, seconds: float) -> ExerciseModel:
    return ExerciseModel(
        id=lab.experiment.id,
        title=lab.experiment.title,
        question=lab.experiment.question,
        answer=answer,
        claims=[
            ClaimModel(
                id=claim.id,
                statement=claim.statement,
                holds=claim.holds,
                evidence={
                    label: EvidenceModel(
                        holds=e.holds,
                        applies=e.applies,
                        text=e.text,
                        values={k: float(v) for k, v in e.values.items()},
                    )
                    for label, e in claim.evidence.items()
                },
            )
            for claim in lab.claims
        ],
        agreements=[
            AgreementModel(**{**asdict(a), "participants": list(a.participants)})
            for a in lab.agreements
        ],
        published=[PublishedModel(**asdict(check)) for check in lab.published],
        power=[PowerModel(**asdict(power)) for power in lab.power],
        fits=[FitModel(**asdict(fit)) for fit in lab.fits],
        figures=[FigureModel(name=f.name, caption=f.caption) for f in lab.figures],
        failures=dict(lab.failures),
        seconds=seconds,
    )
