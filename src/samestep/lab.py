"""The laboratory that an exercise works in.

An experiment draws problems, makes plans, lets the laboratory train them on every participant (each
training is cross-checked) and states claims with the evidence.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from samestep.checked_agreement import CheckedAgreement, checked_agreements
from samestep.claims import Claim, Evidence, quantile_interval
from samestep.crew import Crew
from samestep.errors import SamestepError, UsageError, unknown_name
from samestep.experiment import Experiment
from samestep.figures import FigureSpec, LossCurve, draw_loss_curves
from samestep.interface import Backend
from samestep.judgement import Judgement
from samestep.lab_tasks import (
    Variant,
    fit_and_validate,
    judge_sample,
    sample_chunk,
    train_and_judge,
)
from samestep.landscape import Landscape, draw_paths, landscape
from samestep.participants import Participant, here
from samestep.plan import Plan
from samestep.problem import Problem, SyntheticRegression
from samestep.published import Power, PublishedCheck, power, published_checks
from samestep.sampling import CHUNK, baseline_chunk, drawn
from samestep.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from samestep.replay import ReplayModel

__all__ = ["Fit", "Lab"]


@dataclass(frozen=True)
class Fit:
    """A single fit that a reader wants to see: final parameters beside the published ones."""

    title: str
    participant: str
    parameters: tuple[float, ...]
    truth: tuple[float, ...]
    published: tuple[float, ...] | None


@dataclass
class Lab(Crew):
    """The laboratory of one experiment: participants, problems, and what was found.

    Parameters
    ----------
    backends : sequence of Backend or Participant
        Who takes part, each at one precision; :attr:`team` are the participants that they become.
    seeds : int
        Upper limit for the number of seeds of any statistical claim.
    settings : mapping
        Values for the experiment's parameters, as given by ``--set``.
    experiment : Experiment
    progress : callable
        Called with a short text whenever something begins.
    """

    experiment: Experiment
    backends: Sequence[Backend | Participant]
    seeds: int
    settings: Mapping[str, int | float | str] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda text: None

    claims: list[Claim] = field(default_factory=list)
    agreements: list[CheckedAgreement] = field(default_factory=list)
    published: list[PublishedCheck] = field(default_factory=list)
    power: list[Power] = field(default_factory=list)
    figures: list[FigureSpec] = field(default_factory=list)
    replays: list[ReplayModel] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    traces: dict[str, dict[str, Trace]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.team = here(self.backends)
        for name in self.settings:
            if name not in self.experiment.parameters:
                raise unknown_name("parameter", name, self.experiment.parameters)

    def parameter(self, name: str) -> Any:
        """Value of one of the experiment's parameters: as set, or the default."""
        return self.settings.get(name, self.experiment.parameters[name].default)

    def seed_count(self, enough: int) -> int:
        """How many seeds to use where ``enough`` would decide: never more than were asked for."""
        return min(self.seeds, enough)

    def draw(self, spec: SyntheticRegression, seeds: int | Iterable[int]) -> list[Problem]:
        """Draw problems, one per seed; what was drawn before is reused."""
        numbers = range(seeds) if isinstance(seeds, int) else seeds
        return [drawn(spec, seed) for seed in numbers]

    def train(self, plan: Plan, *, check: int | None = 64, keep: bool = False) -> dict[str, Trace]:
        """Train a plan on every participant, every step recorded, and cross-check the steps.

        Parameters
        ----------
        plan : Plan
        check : int or None
            How many runs, evenly spaced, are cross-checked at every step; None checks all. The
            agreements say how many of how many were.
        keep : bool
            Keep the traces in the result, under the plan's name.

        Returns
        -------
        dict of str to Trace
            By participant, in order.
        """
        self.progress(plan.name)
        found: dict[str, tuple[Trace, Judgement]] = self.each(
            functools.partial(train_and_judge, plan=plan, check=check)
        )
        self._agree(plan, [judgement for _, judgement in found.values()])
        traces = {label: trace for label, (trace, _) in found.items()}
        if keep:
            self.traces[plan.name] = traces
        return traces

    def cross_check(
        self, traces: Sequence[Trace], *, check: int | None = 64, runs: int | None = None
    ) -> None:
        """Judge traces of one plan against the oracle and enter the agreements.

        Where only one participant of a precision ran, the pair is the participant and the oracle.

        Parameters
        ----------
        traces : sequence of Trace
        check : int or None
            How many runs, evenly spaced, are judged; None judges all.
        runs : int, optional
            How many there were, if the traces hold only a sample of them.
        """
        self._agree(traces[0].plan, [judge_sample(trace, check) for trace in traces], runs)

    def _agree(self, plan: Plan, judgements: Sequence[Judgement], runs: int | None = None) -> None:
        self.agreements.extend(checked_agreements(plan, judgements, runs or plan.runs))

    def sample(
        self,
        spec: SyntheticRegression,
        variants: Mapping[str, Callable[[Plan], Plan]],
        *,
        seeds: int,
        measure: Callable[[Trace], np.ndarray] = Trace.parameters,
        backends: Sequence[Backend | Participant] | None = None,
        check: int = 8,
    ) -> dict[str, dict[str, np.ndarray]]:
        """Sample the outcome of several settings over seeds, in chunks of stacked runs.

        Parameters
        ----------
        spec : SyntheticRegression
            Each seed's problem is drawn once, without validation data, and used by all variants
            and participants.
        variants : mapping of str to callable
            Each makes its plan from the baseline plan of a chunk of seeds, as ``Plan.vary`` does.
        seeds : int
            Seeds 0, 1, ..., seeds - 1.
        measure : callable
            ``Trace -> array of shape (runs, numbers)``; the final parameters by default.
        backends : sequence of Backend, optional
            The participants of the first precision by default.
        check : int
            How many runs of each chunk are cross-checked at every step.

        Returns
        -------
        dict of str to dict of str to array of shape (seeds, numbers)
            By participant and variant.
        """
        first = self.team[0].dtype
        chosen = here(backends or [p for p in self.participants.values() if p.dtype == first])
        out: dict[str, dict[str, list[np.ndarray]]] = {}
        asked: deque[tuple[str, Variant]] = deque()

        def works() -> Iterator[Callable[[Backend], Any]]:
            for start in range(0, seeds, CHUNK):
                stop = min(start + CHUNK, seeds)
                for name, change in variants.items():
                    self.progress(f"{name}, seeds {start} to {stop - 1}")
                    chunk = Variant(baseline_chunk(spec, start, stop), change)
                    asked.append((name, chunk))
                    yield functools.partial(sample_chunk, chunk=chunk, measure=measure, check=check)

        with self.each_in_turn(works(), chosen) as results:
            for found in results:
                name, chunk = asked.popleft()
                for label, (measured, judgement) in found.items():
                    out.setdefault(label, {}).setdefault(name, []).append(measured)
                    if backends is not None and not judgement.holds:
                        raise SamestepError(
                            f"{label} left the oracle's step in {chunk.plan.name}.",
                            "samestep doctor tells more.",
                        )
                if backends is None:
                    self._agree(chunk.plan, [judgement for _, judgement in found.values()])
        return {
            label: {name: np.concatenate(parts) for name, parts in by_name.items()}
            for label, by_name in out.items()
            if label not in self.failures
        }

    def check_published(
        self,
        published: Mapping[str, float],
        samples: Mapping[str, np.ndarray],
        wrong: Mapping[str, np.ndarray],
    ) -> None:
        """Place published numbers in each participant's distribution, with the check's power.

        Parameters
        ----------
        published : mapping of str to float
            Number by id, in the order of the columns of the samples.
        samples : mapping of str to array of shape (seeds, numbers)
            By participant.
        wrong : mapping of str to array of shape (draws, numbers)
            Draws from wrong settings, by description; the oracle is quick enough for them.
        """
        for i, (label, values) in enumerate(samples.items()):
            checks = published_checks(label, published, values)
            self.published.extend(checks)
            if i == 0:
                self.power.extend(power(checks, wrong))

    def claim(
        self,
        id: str,
        statement: str,
        evidence: Mapping[str, Evidence],
    ) -> Claim:
        """State a claim, with the evidence of every participant that is still there."""
        if any(claim.id == id for claim in self.claims):
            raise UsageError(f"Claim {id!r} is stated twice.", "Give each claim its own id.")
        claim = Claim(id, statement, dict(evidence))
        self.claims.append(claim)
        return claim

    def claim_median(
        self,
        id: str,
        statement: str,
        samples: Mapping[str, npt.ArrayLike],
        *,
        above: float = -math.inf,
        below: float = math.inf,
    ) -> Claim:
        """State a claim about the median of a sample, which its confidence interval decides.

        Parameters
        ----------
        id, statement : str
        samples : mapping of str to array of shape (seeds,)
            By participant.
        above, below : float
            The claim holds if the whole interval lies between them.
        """
        evidence = {
            label: Evidence.decided(
                quantile_interval(sample), f"median of {np.size(sample)}", above=above, below=below
            )
            for label, sample in samples.items()
        }
        return self.claim(id, statement, evidence)

    def figure(self, name: str, caption: str, draw: Callable[..., Figure], **data: Any) -> None:
        """Add a figure; it is drawn when it is looked at or saved."""
        self.figures.append(FigureSpec(f"{self.experiment.id}-{name}", caption, draw, data))

    def picture_of_fits(
        self, plans: Mapping[str, Plan], published: Mapping[str, Sequence[float]] | None = None
    ) -> dict[str, dict[str, Trace]]:
        """Train single fits and show what a reader of the book expects of each.

        Adds a figure with training and validation loss against epochs, another with the paths over
        the loss landscape, the participants on top of each other, and the final parameters beside
        the published ones.

        Parameters
        ----------
        plans : mapping of str to Plan
            By title of the panel; each plan is of one run.
        published : mapping of str to sequence of float, optional
            Published final parameters by title.

        Returns
        -------
        dict of str to dict of str to Trace
            By title and participant.
        """
        panels: dict[str, list[LossCurve]] = {}
        landscapes: dict[str, Landscape] = {}
        result = {}
        for title, plan in plans.items():
            self.progress(plan.name)
            found = self.each(functools.partial(fit_and_validate, plan=plan))
            judged = {label: judgement for label, (_, judgement, _) in found.items()}
            self._agree(plan, list(judged.values()))
            landscapes[title] = landscape(judged)
            traces = {label: trace for label, (trace, _, _) in found.items()}
            self.traces[plan.name] = result[title] = traces
            panels[title] = []
            for label, (trace, _, curve) in found.items():
                panels[title].append(LossCurve(label, trace.epoch_loss(), curve))
                truth = plan.problems[0].truth
                numbers = (published or {}).get(title)
                self.fits.append(
                    Fit(
                        title,
                        label,
                        tuple(float(v) for v in trace.parameters()[0]),
                        () if truth is None else tuple(float(v) for v in truth),
                        tuple(numbers) if numbers else None,
                    )
                )
        self.figure(
            "loss-curves",
            "Training loss (mean over each epoch's minibatches) and validation loss against "
            "epochs; the participants' curves lie on top of each other.",
            draw_loss_curves,
            panels=panels,
        )
        self.figure(
            "paths",
            "Above, the loss over two parameters (light is low; the others at their least-squares "
            "values), and the participants' paths over it on top of each other. Below, the error "
            "of every step of these fits, measured from the same recorded state by a float64 "
            "oracle, as a share of what rounding can make of one step; exact numbers lie on the "
            "lower edge.",
            draw_paths,
            panels=landscapes,
        )
        return result
