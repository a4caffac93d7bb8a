"""``samestep run``: exercises one by one, results as they finish, everything kept."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.padding import Padding
from rich.text import Text

from samestep.cli.console import (
    FAILED,
    HELD,
    INTERRUPTED,
    UNUSABLE,
    errors,
    output,
    report_exception,
    show_error,
    show_in_browser,
)
from samestep.cli.interpreters import interpreters
from samestep.cli.outcome import failure_lines, header_line, outcome_line, total_lines
from samestep.cli.progress import RunProgress
from samestep.drawing import FigureWriter
from samestep.errors import SamestepError, UsageError
from samestep.experiment import Experiment
from samestep.interface import DTYPES
from samestep.participants import open_team
from samestep.report import write_report
from samestep.runner import DEFAULT_SEEDS, Campaign
from samestep.summary import ExerciseModel, load_summary
from samestep.table import load_tables

__all__ = ["run_exercises"]


def run_exercises(
    exercises: Sequence[str],
    *,
    on: Sequence[str],
    dtypes: Sequence[str] | None,
    seeds: int | None,
    settings: Sequence[str],
    folder: Path,
    open_report: bool,
    json: bool,
    fresh: bool = False,
    in_process: bool = False,
    python: Sequence[str] = (),
    timeout: float | None = None,
) -> int:
    """Run, print and save; return the exit status.

    Parameters
    ----------
    fresh : bool
        Run also what is complete in the folder already.
    in_process : bool
        Import the frameworks into this process, without workers.
    python : sequence of str
        ``NAME=PATH``: the interpreter for a backend's worker.
    timeout : float, optional
        Seconds after which a worker's piece of work counts as hung: the worker is ended, its
        participant is out of that exercise, and the rest goes on.
    """
    campaign = Campaign.of(
        *exercises,
        on=on,
        dtype=dtypes or DTYPES,
        seeds=DEFAULT_SEEDS if seeds is None else seeds,
        settings=dict(split_setting(text) for text in settings),
        python=interpreters(python, in_process=in_process, timeout=timeout),
    )
    prepare_folder(folder)
    with FigureWriter(folder / "figures") as writer:
        # Who names no exercise has no order in mind, and sees a first result soon.
        queue = campaign.exercises if exercises else sorted(campaign.exercises, key=_weight)
        session = _Session(campaign, queue, folder, writer, quiet=json)
        status = session.work(in_process=in_process, timeout=timeout, fresh=fresh)
    if session.saved:
        if json:
            sys.stdout.write(campaign.result.to_json() + "\n")
        if open_report:
            show_in_browser(folder / "report.html")
    return status


def split_setting(text: str) -> tuple[str, str]:
    """Split ``PARAMETER=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name.strip() and equals):
        raise UsageError(
            f"--set {text!r} does not say what to set.",
            "Expected PARAMETER=VALUE, such as learning_rate=0.1; samestep list shows them.",
        )
    return name.strip(), value.strip()


def prepare_folder(folder: Path) -> None:
    """Make the output folder and try to write there, before any work is done."""
    try:
        for part in (folder / "figures", folder / "traces"):
            part.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=part):
                pass
    except OSError as error:
        raise UsageError(
            f"Cannot write to the output folder {str(folder)!r}: {error.strerror}"
            f" ({error.filename}).",
            "Name another one: --out DIR.",
        ) from error
    load_tables(folder)  # they go into the report: better refused now than after the work


class _Session:
    """One run on the terminal: results on standard output, all else on standard error."""

    def __init__(
        self,
        campaign: Campaign,
        queue: Sequence[Experiment],
        folder: Path,
        writer: FigureWriter,
        *,
        quiet: bool,
    ) -> None:
        self._campaign = campaign
        self._queue = queue
        self._folder = folder
        self._writer = writer
        self._quiet = quiet
        self._output = output()
        self._bar = RunProgress(errors())
        self._started = time.perf_counter()
        self._shown: set[tuple[str, str]] = set()
        self.saved = False

    def work(self, *, in_process: bool, timeout: float | None, fresh: bool) -> int:
        """Run all exercises, then write everything; return the exit status."""
        campaign = self._campaign
        try:
            with self._bar:
                with open_team(
                    campaign.participants,
                    campaign.dtypes,
                    in_process=in_process,
                    python=campaign.python,
                    timeout=timeout,
                ) as team:
                    campaign.begin(team)
                    status = self._conduct_all(fresh=fresh)
                self._bar.say("", "drawing figures")
                self._writer.finish()
        except KeyboardInterrupt:
            status = INTERRUPTED
        if not any(_found_something(e) for e in campaign.result.summary.exercises):
            # Results of an earlier run in the folder are worth more than nothing.
            errors().print("Nothing was finished, so nothing was written.")
            return status
        if status == INTERRUPTED:
            errors().print("Interrupted: writing what is complete. Ctrl-C again gives that up.")
        return max(status, self._save())

    def _conduct_all(self, *, fresh: bool) -> int:
        """Run the exercises; one that breaks down does not stop the others."""
        campaign, result = self._campaign, self._campaign.result
        with self._bar.aside():
            taken = self._take_up(fresh=fresh)
            self._print(
                Text(
                    f"Exercises on {', '.join(campaign.participants)} in "
                    f"{' and '.join(campaign.dtypes)}; a float64 oracle judges every step."
                ),
                header_line(self._output.width),
            )
            for model in taken:
                self._show(model, None)
        queue = [item for item in self._queue if item.id not in {model.id for model in taken}]
        self._bar.expect(queue)
        for item in queue:
            error = None
            self._bar.start()
            try:
                campaign.conduct(item, self._bar.say)
            except Exception as raised:  # noqa: BLE001  # whatever an exercise may raise
                error = raised
            self._bar.finish()
            model = result.summary.exercises[-1]
            if _found_something(model):
                result.keep(model, self._folder)
            for figure in model.figures:
                self._writer.add(result.figures[figure.name])
            with self._bar.aside():
                self._show(model, error)
            if isinstance(error, UsageError):
                break  # the user wants to mend the command, not to wait for the other exercises
        if not all(exercise.complete for exercise in result.summary.exercises):
            return UNUSABLE
        return HELD if result.ok else FAILED

    def _take_up(self, *, fresh: bool) -> list[ExerciseModel]:
        """Take what the same command has completed in the folder, and say so."""
        if not (self._folder / "summary.json").exists():
            return []
        taken = []
        for model in [] if fresh else _completed(self._folder):
            item = next((item for item in self._queue if item.id == model.id), None)
            if item and model.fingerprint == self._campaign.fingerprint(item):
                try:
                    self._campaign.result.take_up(model, self._folder)
                except UsageError as error:
                    errors().print(f"{model.id} is run again: {error.message}", soft_wrap=True)
                else:
                    taken.append(model)
        if taken:
            said = (
                f"{', '.join(model.id for model in taken)}: complete in {self._folder}, from this "
                "command and these versions, and not run again. --fresh runs all anew."
            )
        else:
            said = (
                f"{self._folder} holds an earlier run: its summary and report will be replaced, "
                "figures and traces of other exercises stay. --out DIR keeps runs apart."
            )
        errors().print(said, soft_wrap=True)
        return taken

    def _show(self, model: ExerciseModel, error: Exception | None) -> None:
        if _found_something(model):
            self._print(outcome_line(model, self._output.width), *failure_lines(model))
        for failure in model.failures.items():
            if failure not in self._shown:  # it will raise the same in every exercise
                show_error(f"{failure[0]} raised in {model.id}: {failure[1]}")
                self._shown.add(failure)
        if error:
            report_exception(error, f"{model.id}: ")

    def _save(self) -> int:
        """Write everything; return the exit status that this calls for."""
        result, status = self._campaign.result, HELD
        order = [item.id for item in self._campaign.exercises]
        result.summary.exercises.sort(key=lambda exercise: order.index(exercise.id))
        try:
            result.save(self._folder, drawn=self._writer.finish())
        except SamestepError as error:
            report_exception(error)
            status = UNUSABLE
        write_report(result.summary, self._folder)
        self.saved = True
        self._print(*total_lines(result.summary, time.perf_counter() - self._started))
        # Without wrapping: a path that is broken in two cannot be copied.
        self._print(Text(f"Report: {self._folder / 'report.html'}"), soft_wrap=True)
        return status

    def _print(self, *lines: Text | Padding, soft_wrap: bool = False) -> None:
        if not self._quiet:
            for line in filter(None, lines):
                self._output.print(line, soft_wrap=soft_wrap)


def _completed(folder: Path) -> list[ExerciseModel]:
    """Exercises that an earlier run completed; none where its summary cannot be read."""
    try:
        return [model for model in load_summary(folder).exercises if model.complete]
    except UsageError:
        return []


def _weight(item: Experiment) -> float:
    return item.weight


def _found_something(model: ExerciseModel) -> bool:
    return bool(model.claims or model.agreements or not model.error)
