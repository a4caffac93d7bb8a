"""Results: what ``samestep run`` returns, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

from samestep.claims import Claim, Evidence
from samestep.divergence import Explanation, explain
from samestep.errors import SamestepError, UsageError, one_line
from samestep.figures import KINDS, FigureSpec
from samestep.lab import Lab
from samestep.side_by_side import SHARED, shared_version
from samestep.storage import load_trace, save_trace
from samestep.store.files import replacing, writing
from samestep.summary import (
    AgreementModel,
    ClaimModel,
    CodeModel,
    EvidenceModel,
    ExerciseModel,
    FigureModel,
    FitModel,
    PowerModel,
    PublishedModel,
    Summary,
)
from samestep.table import Column, Row, Table
from samestep.trace import Trace

__all__ = ["Result"]

FIGURES, TRACES = "figures", "traces"
"""Folders in the folder of a run."""


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

    def add(
        self, lab: Lab, answer: str, seconds: float, fingerprint: str = "", *, error: str = ""
    ) -> ExerciseModel:
        """Take in what an exercise found, be it finished or not."""
        model = _exercise_model(lab, answer, seconds, error)
        model.fingerprint = fingerprint
        self.claims.extend(lab.claims)
        for name, by_participant in lab.traces.items():
            # Two exercises may give different plans one name; neither is lost.
            key = f"{name} ({lab.experiment.id})" if name in self.traces else name
            self.traces[key] = by_participant
            model.traces[key] = {
                label: f"{TRACES}/{_slug(key)}--{_slug(label)}.npz" for label in by_participant
            }
        self.figures.update({figure.name: figure for figure in lab.figures})
        self._enter(model)
        return model

    def take_up(self, model: ExerciseModel, folder: Path) -> None:
        """Take in what an earlier run has found and written.

        Parameters
        ----------
        model : ExerciseModel
            Of the summary in ``folder``.
        folder : Path

        Raises
        ------
        UsageError
            If a figure or a trace of it is missing or damaged; nothing is taken in then.
        """
        for figure in model.figures:
            figure.files = _figure_files(figure.name)
            for file in figure.files:
                if not (folder / file).is_file():
                    raise UsageError(f"{folder / file} is missing.", "Run the exercise again.")
        traces = {
            plan: {label: load_trace(folder / file) for label, file in files.items()}
            for plan, files in model.traces.items()
        }
        self.traces.update(traces)
        self.claims.extend(
            Claim(c.id, c.statement, {k: Evidence(**dict(e)) for k, e in c.evidence.items()})
            for c in model.claims
        )
        self._enter(model)

    def _enter(self, model: ExerciseModel) -> None:
        self.summary.exercises.append(model)
        if model.id in self.summary.not_run:
            self.summary.not_run.remove(model.id)
        finished = all(exercise.ok for exercise in self.summary.exercises)
        self.summary.ok = finished and not self.summary.not_run

    def explain(self) -> dict[str, Explanation]:
        """Explain every single fit that two participants of one precision ran, by plan name."""
        found = {}
        for name, traces in self.traces.items():
            dtypes = [trace.dtype for trace in traces.values()]
            if len(set(dtypes)) < len(dtypes):
                found[name] = explain(*traces.values())
        return found

    def table(self) -> Table:
        """Return one row per exercise: is it the same step, and do the claims hold?"""
        return Table(
            id="exercises",
            title="Exercises",
            columns=(
                Column(title="exercise"),
                Column(title="same step", kind="verdict"),
                Column(title="claims held", kind="number"),
                Column(title="of", kind="number"),
                Column(title="answer"),
            ),
            rows=tuple(
                Row(
                    cells=(
                        exercise.id,
                        all(agreement.holds for agreement in exercise.agreements),
                        sum(claim.holds is True for claim in exercise.claims),
                        len(exercise.claims),
                        exercise.answer or exercise.error,
                    )
                )
                for exercise in self.summary.exercises
            ),
        )

    def _repr_html_(self) -> str:
        return self.table().to_html()

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
        failed: dict[str, Exception] = {}
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)
        for exercise in self.summary.exercises:
            for model in exercise.figures:
                try:
                    # Those that were taken up are there, and cannot be drawn here.
                    if model.name in self.figures and model.name not in drawn:
                        self.figures[model.name].save(folder / FIGURES)
                    model.files = _figure_files(model.name)
                except Exception as error:  # noqa: BLE001  # whatever a draw function may raise
                    failed[model.name] = error
            self._save_traces(exercise, folder)
        self._save_summary(folder)
        schema = json.dumps(Summary.model_json_schema(mode="serialization"), indent=2)
        (folder / "summary.schema.json").write_text(schema + "\n", encoding="utf-8")
        for name, reason in failed.items():
            raise SamestepError(f"Figure {name!r} cannot be drawn: {one_line(reason)}") from reason

    def keep(self, model: ExerciseModel, folder: Path) -> None:
        """Write one exercise's traces and the summary so far, for a run that takes it up.

        Its figures from an earlier run are removed: they are not what it has found now.

        Raises
        ------
        StoreError
            If something cannot be written.
        """
        with writing(folder):
            self._save_traces(model, folder)
            for figure in model.figures:
                for file in _figure_files(figure.name):
                    (folder / file).unlink(missing_ok=True)
            self._save_summary(folder)

    def _save_traces(self, exercise: ExerciseModel, folder: Path) -> None:
        (folder / TRACES).mkdir(parents=True, exist_ok=True)
        for plan, files in exercise.traces.items():
            for label, file in files.items():
                save_trace(self.traces[plan][label], folder / file)

    def _save_summary(self, folder: Path) -> None:
        with replacing(folder / "summary.json") as partial:
            partial.write_text(self.to_json() + "\n", encoding="utf-8")


def _figure_files(name: str) -> list[str]:
    return [f"{FIGURES}/{name}.{kind}" for kind in KINDS]


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text).strip("-")


def _code(lab: Lab) -> list[CodeModel]:
    exercise = lab.experiment
    sources = {p.name: p.versions[exercise.id] for p in lab.team if exercise.id in p.versions}
    try:
        sources[SHARED] = shared_version(exercise)
    except OSError:  # an exercise that was typed into a session has no file
        return []
    return [CodeModel(label=label, source=source) for label, source in sources.items()]


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
        replays=list(lab.replays),
        code=_code(lab),
        failures=dict(lab.failures),
        error=error,
        seconds=seconds,
    )
