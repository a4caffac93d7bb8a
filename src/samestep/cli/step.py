"""``samestep step``: a few steps, number by number, participant beside participant."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samestep.agreement import agree
from samestep.cli.console import FAILED, HELD, output
from samestep.cli.digits import SIGNIFICANT_DIGITS, MarkedNumber, mark_digits
from samestep.cli.interpreters import interpreters
from samestep.errors import UsageError
from samestep.judgement import Judgement, judge
from samestep.loss import Reduction, get_loss
from samestep.participants import open_team
from samestep.plan import Plan
from samestep.problem import SyntheticRegression, require_positive
from samestep.referee import Referee, Reference
from samestep.runner import check_participants
from samestep.trace import Trace
from samestep.training import train

__all__ = ["show_steps"]

_ROWS = 2
"""Rows of the minibatch whose prediction is shown."""

_RIGHT, _WRONG = "green", "bold red"


def show_steps(
    *,
    on: Sequence[str],
    dtypes: Sequence[str],
    steps: int,
    batch_size: int,
    seed: int,
    loss: str,
    reduction: str,
    learning_rate: float,
    delta: float,
    momentum: float,
    in_process: bool = False,
    python: Sequence[str] = (),
) -> int:
    """Train, judge and show a table for each precision; return the exit status.

    Each participant trains in a process of its own, with ``in_process`` in this one; ``python``
    names interpreters, ``NAME=PATH``.
    """
    apart = interpreters(python, in_process=in_process)
    participants = check_participants(on, dtypes, apart)
    require_positive(steps=steps)
    if seed < 0:
        raise UsageError(f"seed is {seed}.", "Expected 0 or a positive whole number.")
    problem = SyntheticRegression(batch_size=batch_size, num_val=0).draw(seed)
    plan = Plan.of(
        problem,
        loss=loss,
        reduction=cast(Reduction, reduction),  # the plan checks it
        delta=delta,
        learning_rate=learning_rate,
        momentum=momentum,
        epochs=math.ceil(steps / problem.steps_per_epoch),
    )
    plan = replace(plan, batches=plan.batches[:steps], rows=plan.rows[:steps])
    with open_team(participants, dtypes, in_process=in_process, python=apart) as team:
        pending = [item.ask(functools.partial(train, plan=plan)) for item in team]
        traces: list[Trace] = [future.result() for future in pending]
    console = output()
    formula = get_loss(loss).formula.replace("delta", f"{delta:g}")
    console.print(
        f"{reduction} of {loss}, {formula}; {min(batch_size, problem.num_train)} rows a step; "
        f"learning rate {learning_rate:g}; seed {seed}"
    )
    held = True
    for dtype in dtypes:
        held &= _show(console, dtype, [_Column.of(t) for t in traces if t.dtype == dtype])
    return HELD if held else FAILED


@dataclass(frozen=True)
class _Column:
    """A participant: its record, the verdict on it, and what the oracle makes of its states."""

    trace: Trace
    judgement: Judgement
    references: dict[str, Reference]

    @classmethod
    def of(cls, trace: Trace) -> _Column:
        whole = slice(0, trace.plan.steps)
        before = ({k: v[whole] for k, v in a.items()} for a in (trace.params, trace.state))
        references = Referee(trace.plan, trace.dtype).references(whole, *before)
        return cls(trace, judge(trace), references)

    def numbers(self, key: str, step: int) -> npt.NDArray[Any]:
        """Recorded values, flat."""
        return np.ravel(self.trace.observed(key, slice(step, step + 1)))

    def expected(self, key: str, step: int) -> npt.NDArray[Any]:
        """Values of the oracle, rounded to the working precision: what a perfect step gives."""
        with np.errstate(over="ignore"):
            return np.ravel(self.references[key].value[step]).astype(self.trace.dtype)

    def ratio(self, key: str, step: int, count: int) -> float:
        """Largest error over bound; NaN where a number is not finite."""
        reference = self.references[key]
        exact, bound = (a[step].ravel()[:count] for a in (reference.value, reference.bound))
        with np.errstate(all="ignore"):
            error = np.abs(self.numbers(key, step)[:count].astype(np.float64) - exact)
            return float(np.where(error == 0, 0.0, error / bound).max())


@dataclass(frozen=True)
class _Line:
    """A number of a step, and where it is found."""

    quantity: str
    label: str
    key: str
    index: int
    count: int


def _lines(trace: Trace, step: int) -> Iterator[_Line]:
    """All numbers of a step that are shown, in the order in which they are computed."""
    rows = int(trace.plan.rows[step, 0])
    for row in range(min(_ROWS, rows)):
        yield _Line("prediction", f"prediction {row}", "prediction", row, rows)
    yield _Line("loss", "loss", "loss", 0, 1)
    names = list(trace.plan.initial())
    keys = [f"gradient/{name}" for name in names]
    keys += [f"update/velocity {name}" for name in names if name in trace.state]
    keys += [f"update/{name}" for name in names]
    for key in keys:
        quantity, name = key.split("/")
        size = trace.observed(key, slice(step, step + 1)).size
        for i in range(size):
            element = name.removeprefix("velocity ") + (str(i + 1) if size > 1 else "")
            element = f"v({element})" if name.startswith("velocity ") else element
            yield _Line(quantity, f"{quantity} {element}", key, i, size)


def _show(console: Console, dtype: str, columns: Sequence[_Column]) -> bool:
    """Show the tables of one precision, as many participants in each as there is room for."""
    together = next(
        (n for n in range(len(columns), 1, -1) if _fits(console, _table(dtype, columns[:n]))), 1
    )
    for first in range(0, len(columns), together):
        console.print(_table(dtype, columns[first : first + together]))
    console.print(
        Text.assemble(
            "Digits before the | are ",
            ("right", _RIGHT),
            ", to half a unit of the last of them, beside the oracle's step from the same state, "
            f"in {dtype}. After step 0 each participant has its own state, so its own oracle; the "
            "digits on which these agree stand before the |. err/bound: largest error as a share "
            "of what rounding can make.",
            style="dim",
        )
    )
    return _verdict(console, columns)


def _fits(console: Console, table: Table) -> bool:
    unlimited = console.options.update_width(1000)
    return console.measure(table, options=unlimited).maximum <= console.width


def _table(dtype: str, columns: Sequence[_Column]) -> Table:
    digits = SIGNIFICANT_DIGITS[dtype]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    participants = [column.trace.participant.removesuffix(f"/{dtype}") for column in columns]
    for title in (dtype, *participants, "oracle"):
        table.add_column(title, no_wrap=True)
    table.add_column("err/bound", no_wrap=True, justify="right")
    trace = columns[0].trace
    for step in range(trace.plan.steps):
        rows = int(trace.plan.rows[step, 0])
        short = f" ({rows} rows)" if rows < trace.plan.batches.shape[2] else ""
        table.add_row(Text(f"step {step}{short}", "bold"))
        previous = ""
        for line in _lines(trace, step):
            exact = [float(column.expected(line.key, step)[line.index]) for column in columns]
            cells = [
                _marked(mark_digits(float(column.numbers(line.key, step)[line.index]), own, digits))
                for column, own in zip(columns, exact, strict=True)
            ]
            oracle = min(
                (mark_digits(exact[0], other, digits) for other in exact),
                key=lambda number: len(number.right),
            )
            new = line.quantity != previous
            table.add_row(
                line.label,
                *cells,
                _marked(oracle, right="", wrong="dim"),
                _worst_ratio(columns, line.quantity, step) if new else "",
            )
            previous = line.quantity
    return table


def _marked(number: MarkedNumber, right: str = _RIGHT, wrong: str = _WRONG) -> Text:
    sign = "" if (number.right + number.wrong).startswith("-") else " "
    return Text.assemble(
        sign,
        (number.right, right),
        ("|" if number.wrong else "", "dim"),
        (number.wrong, wrong),
        number.exponent,
    )


def _worst_ratio(columns: Sequence[_Column], quantity: str, step: int) -> str:
    ratios = [
        column.ratio(line.key, step, line.count)
        for column in columns
        for line in _lines(column.trace, step)
        if line.quantity == quantity
    ]
    return "not finite" if any(map(math.isnan, ratios)) else f"{max(ratios):.2g}"


def _verdict(console: Console, columns: Sequence[_Column]) -> bool:
    """Say whether all took the same step, and if not, where one went its own way."""
    names = [column.trace.participant for column in columns]
    pairs = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    held = all(column.judgement.holds for column in columns) and all(
        agreement.holds for a, b in pairs for agreement in agree(a.judgement, b.judgement)
    )
    steps = columns[0].trace.plan.steps
    if held:
        verdict = Text.assemble(
            ("Same step: yes.", "bold green"),
            f" {' and '.join(names)} {'is' if len(names) == 1 else 'are'} within rounding of the "
            f"oracle in {f'each of {steps} steps' if steps > 1 else 'this step'}.",
        )
    else:
        verdict = Text("Same step: NO.", "bold red")
    if len(columns) > 1:
        equal, total = _equal_numbers([column.trace for column in columns])
        verdict.append(f" {equal} of {total} numbers are equal to the bit.")
    console.print(verdict)
    for column in columns:
        if column.judgement.first:
            quantity, finding = column.judgement.first
            console.print(
                f"{column.trace.participant}: {quantity} {finding.element} at step {finding.step} "
                f"is {finding.observed!r} instead of {finding.expected!r}; the error "
                f"{finding.error:.3g} is {finding.ratio:.3g} times what rounding can make."
            )
    return held


def _equal_numbers(traces: Sequence[Trace]) -> tuple[int, int]:
    """How many of the recorded numbers all participants have in common, and of how many."""
    first, equal, total = traces[0], 0, 0
    for step in range(first.plan.steps):
        for line in {line.key: line for line in _lines(first, step)}.values():
            values = [
                t.observed(line.key, slice(step, step + 1)).ravel()[: line.count] for t in traces
            ]
            same = np.all([v == values[0] for v in values], axis=0)
            equal, total = equal + int(same.sum()), total + same.size
    return equal, total
