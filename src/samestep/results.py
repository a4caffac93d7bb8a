"""Results: what ``samestep run`` returns and writes; ``summary.json`` is these models as JSON.

The top of the file::

    {"ok": true, "environment": {...}, "exercises": [{"id": "loss-reduction", ...}, ...]}

``ok`` says that no claim, no agreement and no published number failed, that no participant raised
and that every exercise was finished; what is undecided does not fail. Every field is described in
``summary.schema.json`` (JSON Schema 2020-12), which is written beside it. Participants are labels
such as ``"name/cpu/float32"``. Numbers that are not finite are the strings ``"Infinity"``,
``"-Infinity"`` and ``"NaN"``, because JSON has none: divergent runs are part of the exercises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from samestep.claims import Claim
from samestep.errors import SamestepError, one_line
from samestep.experiment import Lab
from samestep.figures import FigureSpec
from samestep.storage import save_trace
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

Number: TypeAlias = Annotated[
    float,
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity", "NaN"]}]}),
]
"""A float as :class:`_Model` writes it."""


class _Model(BaseModel):
    # inf and nan are data here (divergent runs); as strings they are legal JSON.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


class EvidenceModel(_Model):
    """What one participant contributes to a claim."""

    holds: bool | None = Field(description="null: undecided, or not applicable")
    applies: bool = Field(
        default=True, description="false: the claim is about something this participant lacks"
    )
    text: str = Field(description="the measured evidence, or the reason why it does not apply")
    values: dict[str, Number] = Field(default={}, description="the measured numbers by name")


class ClaimModel(_Model):
    """A checked statement with the evidence of each participant."""

    id: str = Field(description="unique within its exercise")
    statement: str = Field(description="a sentence that can be true or false")
    holds: bool | None = Field(
        description="false if one participant contradicts it; null: undecided, too few seeds"
    )
    evidence: dict[str, EvidenceModel] = Field(description="by participant")


class AgreementModel(_Model):
    """Two participants on one quantity of one plan, each step judged against the oracle."""

    participants: list[str] = Field(description="the pair; the oracle if only one ran")
    plan: str = Field(description="name of the plan: what was trained")
    plan_hash: str = Field(description="SHA-256 of everything that determines the steps")
    dtype: str = Field(description="working precision: float32 or float64")
    quantity: str = Field(description="prediction, loss, gradient or update")
    max_error: Number = Field(description="error where it is largest relative to its bound")
    bound: Number = Field(description="largest error that rounding can explain there")
    step: int = Field(description="the step at which that is, -1 if none could be judged")
    gap: Number = Field(description="largest difference between the two paths; not judged")
    relative_gap: Number = Field(
        description="the same as a share of the quantity's largest number in that step and run"
    )
    runs_checked: int = Field(description="how many of the stacked runs were judged")
    runs: int = Field(description="stacked runs of the plan")
    steps: int = Field(description="steps of its longest run")
    holds: bool = Field(description="both took, at every step, the step that the oracle takes")
    explanation: str = Field(default="", description="the first step that was not taken, if any")

    @property
    def ratio(self) -> float:
        """Error over bound: above 1 rounding does not explain it."""
        if math.isnan(self.max_error) or not self.bound:
            return math.inf if self.max_error else 0.0
        return self.max_error / self.bound


class PublishedModel(_Model):
    """A published number as a position in our distribution over seeds."""

    id: str = Field(description="which number")
    participant: str = Field(description="whose distribution")
    value: Number = Field(description="as published")
    percentile: Number = Field(description="share of our seeds below it, in percent")
    low: Number = Field(description="lower end of what counts as an ordinary draw")
    high: Number = Field(description="upper end")
    seeds: int = Field(description="how many seeds make the distribution")
    holds: bool | None = Field(description="inside the ends; null: undecided, too few seeds")


class PowerModel(_Model):
    """How often draws from a wrong setting would have been rejected."""

    wrong_setting: str = Field(description="what was done otherwise than published")
    rejected: Number = Field(description="share of its draws that the check rejects")
    draws: int = Field(description="how many were drawn")
    excluded: bool | None = Field(
        description="a published number is outside the range of all draws; null: too few draws"
    )


class FitModel(_Model):
    """Final parameters of a single fit, beside the published ones."""

    title: str = Field(description="what was fitted")
    participant: str = Field(description="by whom")
    parameters: list[Number] = Field(description="w1, w2, ..., b after the last step")
    truth: list[Number] = Field(description="the parameters that made the data")
    published: list[Number] | None = Field(description="from another, unknown seed")


class FigureModel(_Model):
    """A figure and, once saved, its files relative to the output folder."""

    name: str = Field(description="unique in a run; its files are called so")
    caption: str = Field(description="what one sees, and what it means")
    files: list[str] = Field(default=[], description="SVG and PNG, relative to the output folder")


class ExerciseModel(_Model):
    """Everything that was found in one exercise."""

    id: str = Field(description="its name on the command line")
    title: str = Field(description="the question in a few words")
    question: str = Field(description="what is asked")
    answer: str = Field(description="prose with the measured numbers; empty if it was not finished")
    claims: list[ClaimModel]
    agreements: list[AgreementModel]
    published: list[PublishedModel]
    power: list[PowerModel]
    fits: list[FitModel]
    figures: list[FigureModel]
    failures: dict[str, str] = Field(description="participants that raised, and what")
    error: str = Field(
        default="", description="why it could not be finished; the rest was found until then"
    )
    seconds: float = Field(description="wall time")

    @property
    def worst(self) -> AgreementModel | None:
        """The agreement with the largest error relative to its bound."""
        return max(self.agreements, key=lambda agreement: agreement.ratio, default=None)

    @property
    def published_verdicts(self) -> dict[str, bool | None]:
        """One verdict for each published number, over all participants."""
        verdicts: dict[str, list[bool | None]] = {}
        for check in self.published:
            verdicts.setdefault(check.id, []).append(check.holds)
        return {
            name: False if False in v else None if None in v else True
            for name, v in verdicts.items()
        }

    @property
    def ok(self) -> bool:
        """Whether it was finished, by all, and no claim, agreement or published number failed."""
        return self.complete and not self.contradicted

    @property
    def complete(self) -> bool:
        """Whether it was finished, with all participants."""
        return not self.failures and not self.error

    @property
    def contradicted(self) -> bool:
        """Whether a claim, an agreement or a published number failed."""
        return (
            any(claim.holds is False for claim in self.claims)
            or not all(agreement.holds for agreement in self.agreements)
            or any(check.holds is False for check in self.published)
        )


class Summary(_Model):
    """The content of ``summary.json``."""

    ok: bool = Field(description="everything was finished and nothing failed")
    environment: dict[str, Any] = Field(
        description="versions, devices, threads, flags, and the command that repeats the run"
    )
    exercises: list[ExerciseModel] = Field(description="in the order in which they were run")
    not_run: list[str] = Field(
        default=[], description="exercises that were asked for, but the run ended before them"
    )


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

    def add(self, lab: Lab, answer: str, seconds: float, *, error: str = "") -> ExerciseModel:
        """Take in what an exercise found, be it finished or not."""
        model = _exercise_model(lab, answer, seconds, error)
        self.summary.exercises.append(model)
        if model.id in self.summary.not_run:
            self.summary.not_run.remove(model.id)
        finished = all(exercise.ok for exercise in self.summary.exercises)
        self.summary.ok = finished and not self.summary.not_run
        self.claims.extend(lab.claims)
        for name, by_participant in lab.traces.items():
            # Two exercises may give different plans one name; neither is lost.
            key = f"{name} ({lab.experiment.id})" if name in self.traces else name
            self.traces[key] = by_participant
        self.figures.update({figure.name: figure for figure in lab.figures})
        return model

    def to_json(self) -> str:
        """Return the summary as JSON text."""
        return self.summary.model_dump_json(indent=2)

    def save(self, folder: Path, *, drawn: Collection[str] = ()) -> None:
        """Write ``summary.json``, ``summary.schema.json``, the figures and the traces.

        Parameters
        ----------
        folder : Path
        drawn : collection of str
            Names of figures that are in ``folder / "figures"`` already.

        Raises
        ------
        SamestepError
            If a figure cannot be drawn; everything else is written first.
        """
        figures, traces = folder / "figures", folder / "traces"
        figures.mkdir(parents=True, exist_ok=True)
        traces.mkdir(parents=True, exist_ok=True)
        failed: dict[str, Exception] = {}
        for exercise in self.summary.exercises:
            for model in exercise.figures:
                try:
                    if model.name not in drawn:
                        self.figures[model.name].save(figures)
                    model.files = [f"figures/{model.name}.{kind}" for kind in ("svg", "png")]
                except Exception as error:  # noqa: BLE001  # whatever a draw function may raise
                    failed[model.name] = error
        for plan, by_participant in self.traces.items():
            for label, trace in by_participant.items():
                save_trace(trace, traces / f"{_slug(plan)}--{_slug(label)}.npz")
        (folder / "summary.json").write_text(self.to_json() + "\n", encoding="utf-8")
        schema = json.dumps(Summary.model_json_schema(mode="serialization"), indent=2)
        (folder / "summary.schema.json").write_text(schema + "\n", encoding="utf-8")
        for name, reason in failed.items():
            raise SamestepError(f"Figure {name!r} cannot be drawn: {one_line(reason)}") from reason


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text).strip("-")


def _exercise_model(lab: Lab, answer: str, seconds: float, error: str) -> ExerciseModel:
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
        error=error,
        seconds=seconds,
    )
