"""What ``summary.json`` holds, as pydantic models.

The top of the file::

    {"ok": true, "environment": {...}, "exercises": [{"id": "loss-reduction", ...}, ...]}

``ok`` says that no claim, no agreement and no published number failed, that no participant raised
and that every exercise was finished; what is undecided does not fail. Every field is described in
``summary.schema.json`` (JSON Schema 2020-12), which is written beside it. Participants are labels
such as ``"name/cpu/float32"``. Numbers that are not finite are the strings ``"Infinity"``,
``"-Infinity"`` and ``"NaN"``, because JSON has none: divergent runs are part of the exercises.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from samestep.claims import all_hold
from samestep.errors import UsageError
from samestep.replay import ReplayModel
from samestep.schema import Model, Number

__all__ = [
    "AgreementModel",
    "BackendModel",
    "ClaimModel",
    "CodeModel",
    "EnvironmentModel",
    "EvidenceModel",
    "ExerciseModel",
    "FigureModel",
    "FitModel",
    "PowerModel",
    "PublishedModel",
    "Summary",
    "load_summary",
]


class EvidenceModel(Model):
    """What one participant contributes to a claim."""

    holds: bool | None = Field(description="null: undecided, or not applicable")
    applies: bool = Field(
        default=True, description="false: the claim is about something this participant lacks"
    )
    text: str = Field(description="the measured evidence, or the reason why it does not apply")
    values: dict[str, Number] = Field(default={}, description="the measured numbers by name")


class ClaimModel(Model):
    """A checked statement with the evidence of each participant."""

    id: str = Field(description="unique within its exercise")
    statement: str = Field(description="a sentence that can be true or false")
    holds: bool | None = Field(
        description="false if one participant contradicts it; null: undecided, too few seeds"
    )
    evidence: dict[str, EvidenceModel] = Field(description="by participant")


class AgreementModel(Model):
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
    estimated: bool = Field(
        default=False, description="the bound rests on samples: the loss has no analysis"
    )

    @property
    def ratio(self) -> float:
        """Error over bound: above 1 rounding does not explain it."""
        if math.isnan(self.max_error) or not self.bound:
            return math.inf if self.max_error else 0.0
        return self.max_error / self.bound


class PublishedModel(Model):
    """A published number as a position in our distribution over seeds."""

    id: str = Field(description="which number")
    participant: str = Field(description="whose distribution")
    value: Number = Field(description="as published")
    percentile: Number = Field(description="share of our seeds below it, in percent")
    low: Number = Field(description="lower end of what counts as an ordinary draw")
    high: Number = Field(description="upper end")
    seeds: int = Field(description="how many seeds make the distribution")
    holds: bool | None = Field(description="inside the ends; null: undecided, too few seeds")


class PowerModel(Model):
    """How often draws from a wrong setting would have been rejected."""

    wrong_setting: str = Field(description="what was done otherwise than published")
    rejected: Number = Field(description="share of its draws that the check rejects")
    draws: int = Field(description="how many were drawn")
    excluded: bool | None = Field(
        description="a published number is outside the range of all draws; null: too few draws"
    )


class FitModel(Model):
    """Final parameters of a single fit, beside the published ones."""

    title: str = Field(description="what was fitted")
    participant: str = Field(description="by whom")
    parameters: list[Number] = Field(description="w1, w2, ..., b after the last step")
    truth: list[Number] = Field(description="the parameters that made the data")
    published: list[Number] | None = Field(description="from another, unknown seed")


class FigureModel(Model):
    """A figure and, once saved, its files relative to the output folder."""

    name: str = Field(description="unique in a run; its files are called so")
    caption: str = Field(description="what one sees, and what it means")
    files: list[str] = Field(default=[], description="SVG and PNG, relative to the output folder")


class CodeModel(Model):
    """The exercise as it is written in one place."""

    label: str = Field(description="for which framework, or that all of them share it")
    source: str = Field(description="Python")


class ExerciseModel(Model):
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
    replays: list[ReplayModel] = Field(default=[], description="sweeps, for a slider")
    code: list[CodeModel] = Field(default=[], description="its versions; the shared one is last")
    traces: dict[str, dict[str, str]] = Field(
        default={}, description="files of the traces that were kept, by plan and participant"
    )
    fingerprint: str = Field(
        default="",
        description="digest of all that determines what is found: where it is the same, the "
        "exercise need not be run again",
    )
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
        return {name: all_hold(found) for name, found in verdicts.items()}

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


class BackendModel(Model):
    """What a backend says about itself."""

    versions: dict[str, str] = Field(description="by distribution")
    devices: list[str] = Field(description="those that it sees")
    threads: int | None = Field(description="null: not known")
    flags: dict[str, str] = Field(description="what changes its numbers or its speed")
    code: str = Field(default="", description="digest of the backend's source files")


class EnvironmentModel(BaseModel):
    """What a reader needs to judge or repeat a run."""

    command: str = Field(default="samestep run", description="repeats the run")
    started: str = ""
    samestep: str = Field(default="", description="version")
    python: str = ""
    numpy: str = ""
    system: str = ""
    cpus: int | None = None
    participants: list[str] = []
    backends: dict[str, BackendModel] = {}


class Summary(Model):
    """The content of ``summary.json``."""

    ok: bool = Field(description="everything was finished and nothing failed")
    environment: dict[str, Any] = Field(
        description="versions, devices, threads, flags, and the command that repeats the run"
    )
    exercises: list[ExerciseModel] = Field(description="in the order in which they were run")
    not_run: list[str] = Field(
        default=[], description="exercises that were asked for, but the run ended before them"
    )

    @property
    def described_environment(self) -> EnvironmentModel:
        """The environment, with empty values where something was not recorded."""
        return EnvironmentModel.model_validate(self.environment)


def load_summary(folder: Path) -> Summary:
    """Read what a run has written.

    Parameters
    ----------
    folder : Path
        The output folder of a run.

    Raises
    ------
    UsageError
        If there is no ``summary.json``, or it is not one that this version writes.
    """
    path = folder / "summary.json"
    try:
        summary = Summary.model_validate_json(path.read_text(encoding="utf-8"))
        _ = summary.described_environment
    except OSError as error:
        raise UsageError(
            f"Cannot read {str(path)!r}: {error.strerror}.",
            "Expected the output folder of a run: samestep run --out DIR makes one.",
        ) from error
    except (UnicodeDecodeError, ValidationError) as error:
        raise UsageError(
            f"{str(path)!r} is damaged, or another version wrote it: {_what_is_wrong(error)}.",
            "Run the exercises again.",
        ) from error
    return summary


def _what_is_wrong(error: UnicodeDecodeError | ValidationError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
