"""Entries on RMSprop and Adagrad."""

from __future__ import annotations

import functools

from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep_experiments.ledger.optimizers.courses import COURSE
from samestep_experiments.ledger.optimizers.rules import Adagrad, RMSprop
from samestep_experiments.ledger.optimizers.schedules import tenth_from_20

__all__ = ["RMSPROPS"]

_rmsprop = functools.partial(RMSprop, learning_rate=0.1)

_SQUARES = "v <- a v + (1 - a) g^2"
_SQUARES_LATEX = r"v \leftarrow \alpha v + (1-\alpha)\,g^2"

_entry = functools.partial(OptimizerEntry, family="rmsprop", course=COURSE)
_plain = functools.partial(
    _entry,
    formula=f"{_SQUARES};  p <- p - h g / (sqrt(v) + eps)",
    latex=rf"{_SQUARES_LATEX},\quad p \leftarrow p - h\,\frac{{g}}{{\sqrt{{v}} + \epsilon}}",
)

RMSPROPS = (
    _plain(
        id="rmsprop-plain",
        title="RMSprop",
        purpose="Divides by the root of a running mean of squares.",
        rule=_rmsprop(),
        instead=_rmsprop(eps_inside=True),
        conversion="put epsilon outside of the root",
        remarks=("The decays are named alpha and decay, and their defaults are 0.99 and 0.9.",),
    ),
    _plain(
        id="rmsprop-foreach",
        title="RMSprop, all parameters in one kernel",
        purpose="The same rule, computed for many tensors at a time.",
        rule=_rmsprop(),
        instead=_rmsprop(eps_inside=True),
        conversion="put epsilon outside of the root",
    ),
    _entry(
        id="rmsprop-eps-inside",
        title="RMSprop with epsilon inside the root",
        formula=f"{_SQUARES};  p <- p - h g / sqrt(v + eps)",
        latex=rf"{_SQUARES_LATEX},\quad p \leftarrow p - h\,\frac{{g}}{{\sqrt{{v + \epsilon}}}}",
        purpose="With the same number a much larger epsilon: its root counts.",
        rule=_rmsprop(eps_inside=True),
        instead=_rmsprop(),
        conversion="write the rule out",
    ),
    _entry(
        id="rmsprop-momentum",
        title="RMSprop with momentum",
        formula=f"{_SQUARES};  u <- mu u + g / (sqrt(v) + eps);  p <- p - h u",
        latex=rf"{_SQUARES_LATEX},\quad u \leftarrow \mu u + \frac{{g}}{{\sqrt{{v}} + \epsilon}},"
        r"\quad p \leftarrow p - h\,u",
        purpose="Averages scaled gradients.",
        rule=_rmsprop(momentum=0.9),
        conversion="put epsilon outside of the root; the velocity is -h u",
        remarks=("The same path at a constant rate only: see rmsprop-momentum-rate.",),
    ),
    _entry(
        id="rmsprop-momentum-rate",
        title="RMSprop with momentum and a rate that changes",
        formula=f"{_SQUARES};  u <- mu u + g / (sqrt(v) + eps);  p <- p - h_k u",
        latex=rf"{_SQUARES_LATEX},\quad u \leftarrow \mu u + \frac{{g}}{{\sqrt{{v}} + \epsilon}},"
        r"\quad p \leftarrow p - h_k\,u",
        purpose="The rate is lowered before step 20.",
        rule=_rmsprop(momentum=0.9, learning_rate=tenth_from_20),
        instead=_rmsprop(momentum=0.9, learning_rate=tenth_from_20, rate_inside=0.1),
        conversion="chain rate after momentum",
        remarks=(
            "With the rate inside the velocity, steps made at the old rate go on: after a drop the "
            "parameters move at the old speed for about 1 / (1 - mu) steps.",
        ),
    ),
    _entry(
        id="rmsprop-nesterov",
        title="RMSprop with Nesterov's momentum",
        formula=f"{_SQUARES};  s = g / (sqrt(v) + eps);  u <- mu u + s;  p <- p - h (s + mu u)",
        latex=rf"{_SQUARES_LATEX},\quad s = \frac{{g}}{{\sqrt{{v}} + \epsilon}},\quad "
        r"u \leftarrow \mu u + s,\quad p \leftarrow p - h\,(s + \mu u)",
        purpose="Looks one step of momentum ahead.",
        rule=_rmsprop(momentum=0.9, nesterov=True),
        conversion="write the rule out",
    ),
    _entry(
        id="rmsprop-centered",
        title="centred RMSprop",
        formula=f"{_SQUARES};  m <- a m + (1 - a) g;  p <- p - h g / (sqrt(v - m^2) + eps)",
        latex=rf"{_SQUARES_LATEX},\quad m \leftarrow \alpha m + (1-\alpha)\,g,\quad "
        r"p \leftarrow p - h\,\frac{g}{\sqrt{v - m^2} + \epsilon}",
        purpose="Divides by a running standard deviation.",
        rule=_rmsprop(centered=True),
        instead=_rmsprop(centered=True, eps_inside=True),
        conversion="put epsilon outside of the root",
        remarks=(
            "Gradients that stay the same make v - m^2 vanish. Where rounding makes it negative, "
            "the parameters become NaN: one side does within 200 steps at a = 0.9.",
        ),
    ),
    _entry(
        id="rmsprop-initial-scale",
        title="RMSprop that starts from v = 1",
        formula=f"v = 1 at first;  {_SQUARES};  p <- p - h g / (sqrt(v) + eps)",
        latex=rf"v_0 = 1,\quad {_SQUARES_LATEX},\quad p \leftarrow p - "
        r"h\,\frac{g}{\sqrt{v} + \epsilon}",
        purpose="Without it the first steps are 1 / sqrt(1 - a) times the rate long.",
        rule=_rmsprop(),
        initial={"second": 1.0},
        instead=None,
        conversion="set the optimizer's state before the first step",
    ),
    _entry(
        id="rmsprop-corrected",
        title="RMSprop with bias correction",
        formula=f"{_SQUARES};  p <- p - h g / (sqrt(v / (1 - a^t)) + eps)",
        latex=rf"{_SQUARES_LATEX},\quad p \leftarrow p - "
        r"h\,\frac{g}{\sqrt{v / (1-\alpha^t)} + \epsilon}",
        purpose="Adam without a first moment.",
        rule=_rmsprop(corrected=True),
        instead=_rmsprop(),
        conversion="use Adam with b1 = 0",
    ),
    _entry(
        id="rmsprop-decay",
        title="RMSprop, ascent with coupled weight decay",
        formula=f"g <- -g + k p;  {_SQUARES};  p <- p - h g / (sqrt(v) + eps)",
        latex=rf"g \leftarrow -g + k\,p,\quad {_SQUARES_LATEX},\quad p \leftarrow p - "
        r"h\,\frac{g}{\sqrt{v} + \epsilon}",
        purpose="Maximises the loss; parameters still decay.",
        rule=_rmsprop(weight_decay=0.1, maximize=True),
        conversion="scale by -1, add decayed weights, put epsilon outside of the root",
    ),
    OptimizerEntry(
        id="adagrad-plain",
        family="adagrad",
        course=COURSE,
        title="Adagrad",
        formula="v <- v + g^2;  p <- p - h g / (sqrt(v) + eps), v = 0.1 at first",
        latex=r"v \leftarrow v + g^2,\quad p \leftarrow p - h\,\frac{g}{\sqrt{v} + \epsilon},\quad "
        r"v_0 = 0.1",
        purpose="Rates that fall with the sum of squares.",
        rule=Adagrad(learning_rate=0.1),
        instead=Adagrad(learning_rate=0.1, eps_inside=True),
        initial={"second": 0.1},
        conversion="write the rule out",
        remarks=(
            "The like-named code has epsilon inside the root. By default it starts from 0.1, the "
            "other from 0.",
        ),
    ),
)
"""Entries on RMSprop and Adagrad."""
