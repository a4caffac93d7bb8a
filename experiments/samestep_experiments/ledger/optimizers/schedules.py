"""Entries on schedules of the learning rate, under SGD with momentum.

The rate of the first update is that of step 0. All formulas count updates from 0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep.ledger.tape import Tape, Term
from samestep.loss import Float64
from samestep_experiments.ledger.optimizers.courses import COURSE
from samestep_experiments.ledger.optimizers.rules import SGD

__all__ = ["SCHEDULES", "tenth_from_20"]

PEAK, END = 0.1, 0.001
_entry = functools.partial(OptimizerEntry, family="schedule", course=COURSE)


def tenth_from_20(tape: Tape, k: Float64) -> Term:
    """Lower the rate to a tenth before step 20."""
    return tape.constant(np.where(k < 20, PEAK, 0.1 * PEAK))


def _rule(schedule: Callable[[Tape, Float64], Term]) -> SGD:
    return SGD(learning_rate=schedule, momentum=0.9)


def _in_float32(schedule: Callable[[Tape, Float64], Term]) -> SGD:
    """Return the rule for rates that are computed in float32, whatever the working precision."""

    def coarse(tape: Tape, k: Float64) -> Term:
        rate = schedule(tape, k)
        # A handful of roundings, each relative to the initial rate or less.
        return Term(tape, rate.value, rate.error + 8 * 2.0**-24 * PEAK)

    return _rule(coarse)


def _power(tape: Tape, base: float, exponent: Float64) -> Term:
    return tape.constant(np.full(exponent.shape, base)).map(
        lambda b: b**exponent, lambda b: exponent * b ** (exponent - 1)
    )


def _cosine(tape: Tape, share: Float64, high: float = PEAK, low: float = END) -> Term:
    """Fall from ``high`` at share 0 to ``low`` at share 1, along half a wave."""
    angle = math.pi * tape.constant(share)
    wave = angle.map(np.cos, lambda x: -np.sin(x), terms=1.0)
    return low + (high - low) / 2 * (1 + wave)


def _exponential(tape: Tape, k: Float64) -> Term:
    return PEAK * _power(tape, 0.9, k)


def _staircase(tape: Tape, k: Float64) -> Term:
    return PEAK * _power(tape, 0.5, k // 10)


def _milestones(tape: Tape, k: Float64) -> Term:
    return PEAK * _power(tape, 0.1, np.searchsorted([10, 30], k, side="right").astype(np.float64))


def _polynomial(tape: Tape, k: Float64) -> Term:
    return PEAK * (1 - tape.constant(np.minimum(k, 40) / 40)) ** 2


def _warmup(tape: Tape, k: Float64) -> Term:
    return tape.constant(PEAK) * (0.1 + 0.9 * tape.constant(np.minimum(k, 10) / 10))


def _select(k: Float64, border: float, before: Term, after: Term) -> Term:
    """Return one schedule in the steps before a border, another from there on."""
    early = k < border
    return Term(
        before.tape,
        np.where(early, before.value, after.value),
        np.where(early, before.error, after.error),
    )


def _one_cycle(tape: Tape, k: Float64, peak_at: float, end_at: float) -> Term:
    start, low = PEAK / 25, PEAK / 25e4
    up = _cosine(tape, np.minimum(k / peak_at, 1), start, PEAK)
    down = _cosine(tape, np.clip((k - peak_at) / (end_at - peak_at), 0, 1), PEAK, low)
    return _select(k, peak_at, up, down)


def _restarts(tape: Tape, k: Float64) -> Term:
    starts, lengths = np.array([0, 10, 30]), np.array([10, 20, 40])
    cycle = np.searchsorted(starts, k, side="right") - 1
    return _cosine(tape, (k - starts[cycle]) / lengths[cycle])


_COUNT = "count updates in floating point (float64 only)"
_FLOAT32 = (
    "As it is, the like-named schedule divides an int32 count, so that its rates are float32's "
    "even in float64 training: 0.1 is 0.10000000149."
)

SCHEDULES = (
    _entry(
        id="schedule-exponential",
        title="exponential decay",
        formula="h_k = h 0.9^k",
        latex=r"h_k = h \cdot 0.9^k",
        purpose="The same factor in every step.",
        rule=_rule(_exponential),
        instead=_in_float32(_exponential),
        conversion=_COUNT,
        remarks=(_FLOAT32,),
    ),
    _entry(
        id="schedule-staircase",
        title="decay in steps of equal length",
        formula="h_k = h 0.5^floor(k / 10)",
        latex=r"h_k = h \cdot 0.5^{\lfloor k/10 \rfloor}",
        purpose="The same factor every ten steps; the 11th update is the first at half the rate.",
        rule=_rule(_staircase),
        instead=_in_float32(_staircase),
        conversion=_COUNT,
        remarks=(_FLOAT32,),
    ),
    _entry(
        id="schedule-milestones",
        title="decay at milestones",
        formula="h_k = h 0.1^[k >= 10] 0.1^[k >= 30]",
        latex=r"h_k = h \cdot 0.1^{[k \ge 10] + [k \ge 30]}",
        purpose="A milestone is the number of updates made before the rate changes.",
        rule=_rule(_milestones),
    ),
    _entry(
        id="schedule-warmup",
        title="linear warm-up",
        formula="h_k = h (0.1 + 0.9 min(k, 10) / 10)",
        latex=r"h_k = h\,(0.1 + 0.9 \min(k, 10)/10)",
        purpose="The 11th update is the first at the full rate.",
        rule=_rule(_warmup),
        instead=_in_float32(_warmup),
        conversion=_COUNT,
        remarks=(_FLOAT32,),
    ),
    _entry(
        id="schedule-polynomial",
        title="polynomial decay",
        formula="h_k = h (1 - min(k, 40) / 40)^2",
        latex=r"h_k = h\,(1 - \min(k, 40)/40)^2",
        purpose="Reaches 0 at a given step.",
        rule=_rule(_polynomial),
        instead=_in_float32(_polynomial),
        conversion=_COUNT,
        remarks=(_FLOAT32,),
    ),
    _entry(
        id="schedule-cosine",
        title="cosine decay",
        formula="h_k = e + (h - e) / 2 (1 + cos(pi k / 50))",
        latex=r"h_k = e + \tfrac{h - e}{2}\,(1 + \cos(\pi k / 50))",
        purpose="Falls slowly at both ends.",
        rule=_rule(lambda tape, k: _cosine(tape, k / 50)),
        instead=_rule(lambda tape, k: _cosine(tape, k / 50, low=END * PEAK)),
        conversion="give the end as a fraction of the start",
    ),
    _entry(
        id="schedule-cosine-past-end",
        title="cosine decay, after its end",
        formula="h_k = e + (h - e) / 2 (1 + cos(pi k / 20)), for all k",
        latex=r"h_k = e + \tfrac{h - e}{2}\,(1 + \cos(\pi k / 20))",
        purpose="Who trains longer than the schedule sees the rate rise again.",
        rule=_rule(lambda tape, k: _cosine(tape, k / 20)),
        instead=_rule(lambda tape, k: _cosine(tape, np.minimum(k, 20) / 20)),
        conversion="join falling and rising cosines",
        remarks=("The like-named schedule stays at its end.",),
    ),
    _entry(
        id="schedule-restarts",
        title="cosine decay with warm restarts",
        formula="cosine decays of 10, 20 and 40 steps, one after the other",
        latex=r"h_k = e + \tfrac{h - e}{2}\,(1 + \cos(\pi t / T)),\quad T = 10, 20, 40",
        purpose="SGDR (Loshchilov and Hutter, 2017).",
        rule=_rule(_restarts),
        conversion="join cosine decays, each of its own length",
    ),
    _entry(
        id="schedule-warmup-cosine",
        title="linear warm-up, then cosine decay",
        formula="h_k = h (0.1 + 0.9 k / 10) up to 10, then cosine decay of 40 steps",
        latex=r"h_k = e + \tfrac{h - e}{2}\,(1 + \cos(\pi (k - 10) / 40)),\ k \ge 10",
        purpose="Usual for large models.",
        rule=_rule(lambda tape, k: _select(k, 10, _warmup(tape, k), _cosine(tape, (k - 10) / 40))),
        instead=_rule(
            lambda tape, k: _select(
                k, 10, _warmup(tape, k), _cosine(tape, np.minimum(k - 10, 30) / 30)
            )
        ),
        conversion="count the steps of the decay from the start of the warm-up",
    ),
    _entry(
        id="schedule-one-cycle",
        title="one cycle",
        formula="cosine from h / 25 to h at step 0.4 n - 1, down to h / 250000 at step n - 1",
        latex=r"h_0 = h/25,\quad h_{0.4n - 1} = h,\quad h_{n - 1} = h / (25 \cdot 10^4)",
        purpose="Super-convergence (Smith and Topin, 2018).",
        rule=_rule(lambda tape, k: _one_cycle(tape, k, 19, 49)),
        instead=_rule(lambda tape, k: _one_cycle(tape, k, 20, 50)),
        conversion="let both phases end one step earlier",
        remarks=(
            "The like-named schedule is off by one: it peaks at step 0.4 n, and reaches its end at "
            "step n, after the last of n updates.",
            "By default the other framework cycles the momentum as well.",
        ),
    ),
)
"""Entries on schedules."""
