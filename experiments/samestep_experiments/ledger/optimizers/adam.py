"""Entries on Adam and its relatives."""

from __future__ import annotations

import functools

from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep_experiments.ledger.optimizers.courses import COURSE, SOMETIMES_UNUSED
from samestep_experiments.ledger.optimizers.rules import Adam
from samestep_experiments.ledger.optimizers.schedules import tenth_from_20

__all__ = ["ADAMS"]

_adam = functools.partial(Adam, learning_rate=0.1)

_MOMENTS = "m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  m' = m / (1 - b1^t), v' likewise"
_MOMENTS_LATEX = (
    r"m \leftarrow \beta_1 m + (1-\beta_1)\,g,\quad v \leftarrow \beta_2 v + (1-\beta_2)\,g^2,"
    r"\quad \hat m = \frac{m}{1-\beta_1^t},\quad \hat v = \frac{v}{1-\beta_2^t}"
)
_STEP = "p <- p - h m' / (sqrt(v') + eps)"
_STEP_LATEX = r"p \leftarrow p - h\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}"

_entry = functools.partial(OptimizerEntry, family="adam", course=COURSE)
_plain = functools.partial(
    _entry, formula=f"{_MOMENTS};  {_STEP}", latex=rf"{_MOMENTS_LATEX},\quad {_STEP_LATEX}"
)

ADAMS = (
    _plain(
        id="adam-plain",
        title="Adam",
        purpose="Steps of about the rate in every parameter, whatever the size of its gradients.",
        rule=_adam(),
        remarks=(
            "In float32 one side computes 1 - b^t in the working precision, the other in float64: "
            "in early steps they differ by up to 1e-5 of a step, which is the rounding of b2.",
        ),
    ),
    _plain(
        id="adam-foreach",
        title="Adam, all parameters in one kernel",
        purpose="The same rule, computed for many tensors at a time.",
        rule=_adam(),
    ),
    _plain(
        id="adam-fused",
        title="Adam, one kernel for the whole rule",
        purpose="The same rule, with fewer passes over memory.",
        rule=_adam(),
    ),
    _entry(
        id="adam-decay",
        title="Adam with coupled weight decay",
        formula=f"g <- g + k p;  {_MOMENTS};  {_STEP}",
        latex=rf"g \leftarrow g + k\,p,\quad {_MOMENTS_LATEX},\quad {_STEP_LATEX}",
        purpose="Decay goes through the moments, and is divided by the size of gradients.",
        rule=_adam(weight_decay=0.1),
        conversion="add decayed weights first",
    ),
    _entry(
        id="adam-maximize",
        title="Adam, ascent with coupled weight decay",
        formula=f"g <- -g + k p;  {_MOMENTS};  {_STEP}",
        latex=rf"g \leftarrow -g + k\,p,\quad {_MOMENTS_LATEX},\quad {_STEP_LATEX}",
        purpose="Maximises the loss; parameters still decay.",
        rule=_adam(weight_decay=0.1, maximize=True),
        conversion="scale gradients by -1 before decay",
    ),
    _entry(
        id="adam-decoupled",
        title="Adam with decoupled weight decay, by an option",
        formula=f"{_MOMENTS};  p <- (1 - h k) p - h m' / (sqrt(v') + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow (1-hk)\,p - h\,\frac{{\hat m}}"
        r"{\sqrt{\hat v} + \epsilon}",
        purpose="AdamW under another name.",
        rule=_adam(weight_decay=0.1, decoupled=True),
    ),
    _entry(
        id="adamw",
        title="AdamW",
        formula=f"{_MOMENTS};  p <- (1 - h k) p - h m' / (sqrt(v') + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow (1-hk)\,p - h\,\frac{{\hat m}}"
        r"{\sqrt{\hat v} + \epsilon}",
        purpose="Decoupled weight decay (Loshchilov and Hutter, 2019).",
        rule=_adam(weight_decay=0.1, decoupled=True),
        remarks=("Decay is multiplied by the rate on both sides, and follows its schedule.",),
    ),
    _entry(
        id="adamw-defaults",
        title="AdamW without options",
        formula=f"{_MOMENTS};  p <- (1 - 0.01 h) p - h m' / (sqrt(v') + 1e-8)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow (1-0.01\,h)\,p - h\,\frac{{\hat m}}"
        r"{\sqrt{\hat v} + 10^{-8}}",
        purpose="What one gets without saying how much decay.",
        rule=_adam(weight_decay=0.01, decoupled=True, eps=1e-8),
        instead=_adam(weight_decay=1e-4, decoupled=True, eps=1e-8),
        conversion="give the decay: its default is 100 times smaller",
    ),
    _entry(
        id="adamw-some",
        title="AdamW with decay of some parameters",
        formula=f"{_MOMENTS};  p <- (1 - h k) p - h m' / (sqrt(v') + eps), k = 0 for biases",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow (1-hk_p)\,p - h\,\frac{{\hat m}}"
        r"{\sqrt{\hat v} + \epsilon}",
        purpose="Biases and normalisation scales are usually left out.",
        rule=_adam(weight_decay=0.1, decoupled=True, decayed=("w",)),
        instead=_adam(weight_decay=0.1, decoupled=True),
        conversion="parameter groups are a mask",
    ),
    _entry(
        id="adam-rate-change",
        title="Adam with a rate that is changed in mid-run",
        formula=f"{_MOMENTS};  p <- p - h_k m' / (sqrt(v') + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow p - h_k\,\frac{{\hat m}}"
        r"{\sqrt{\hat v} + \epsilon}",
        purpose="The rate is lowered by hand before step 20.",
        rule=_adam(learning_rate=tenth_from_20),
        conversion="make the rate part of the state, and nothing else",
        remarks=(
            "Where b2 becomes part of the state too, it is rounded to float32 before 1 - b2 is "
            "computed, and the second moment is off by 1e-5: in float32 that is not the same step.",
        ),
    ),
    _entry(
        id="adam-unused-none",
        title="Adam with parameters that a loss does not use, left alone",
        formula=f"{_MOMENTS} with a t of each parameter's own;  {_STEP}",
        latex=rf"{_MOMENTS_LATEX}\ (t \text{{ of each parameter}}),\quad {_STEP_LATEX}",
        purpose="A parameter that is not used keeps its moments and its count of steps.",
        rule=_adam(skip_unused=True),
        instead=_adam(),
        course=SOMETIMES_UNUSED,
        conversion="an optimizer for each parameter, that works where it is used",
        remarks=(
            "One count for all parameters corrects the moments of one that is used late as if it "
            "had been used from the start: its first steps are shorter.",
        ),
    ),
    _entry(
        id="adam-amsgrad",
        title="AMSGrad",
        formula=f"{_MOMENTS};  u <- max(u, v);  p <- p - h m' / (sqrt(u / (1 - b2^t)) + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad u \leftarrow \max(u, v),\quad p \leftarrow p - "
        r"h\,\frac{\hat m}{\sqrt{u / (1-\beta_2^t)} + \epsilon}",
        purpose="Step sizes that never grow (Reddi, Kale and Kumar, 2018).",
        rule=_adam(largest="raw"),
        instead=_adam(largest="corrected"),
        conversion="correct after the maximum: scale the step, and epsilon, by sqrt(1 - b2^t)",
        remarks=(
            "The like-named code keeps the largest *corrected* moment: that of an early step, "
            "divided by a small 1 - b2^t, stays for ever.",
        ),
    ),
    _entry(
        id="adam-nesterov",
        title="NAdam with constant momentum",
        formula=f"{_MOMENTS};  p <- p - h (b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)) / "
        "(sqrt(v') + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow p - h\,\frac{{\beta_1 m / (1-\beta_1^{{t+1}})"
        r" + (1-\beta_1)\,g/(1-\beta_1^t)}{\sqrt{\hat v} + \epsilon}",
        purpose="Nesterov's momentum in Adam (Dozat, 2016).",
        rule=_adam(nesterov="constant"),
        instead=_adam(nesterov="warming"),
        conversion="a momentum decay that is over at once; in float64 set the state too",
        remarks=(
            "The like-named code lets the momentum grow from half of b1 to b1.",
            "It keeps the product of its momenta in float32 unless the default precision is "
            "float64, so that training in float64 is off by 1e-7.",
        ),
    ),
    _entry(
        id="adam-eps-root",
        title="Adam with an epsilon inside the root",
        formula=f"{_MOMENTS};  p <- p - h m' / (sqrt(v' + eps_root) + eps)",
        latex=rf"{_MOMENTS_LATEX},\quad p \leftarrow p - h\,\frac{{\hat m}}"
        r"{\sqrt{\hat v + \epsilon_r} + \epsilon}",
        purpose="Keeps the step differentiable where v is 0, for gradients of gradients.",
        rule=_adam(eps_root=1e-3),
        conversion="write the rule out",
    ),
    _entry(
        id="adam-coarse",
        title="Adam with a first moment in bfloat16",
        formula="n <- bf16(bf16(b1) m) + (1 - b1) g;  m <- bf16(n); the step uses n",
        latex=r"n \leftarrow \mathrm{bf}(\mathrm{bf}(\beta_1)\,m) + (1-\beta_1)\,g,\quad "
        r"m \leftarrow \mathrm{bf}(n)",
        purpose="Halves the memory of the first moment.",
        rule=_adam(coarse=2.0**-8, b1_kept=0.8984375),
        conversion="write the rule out",
        remarks=(
            "b1 itself is rounded to bfloat16, 1 - b1 is not: 0.9 is 0.8984, and 0.999 is 1, so "
            "that such a moment never decays.",
        ),
    ),
)
"""Entries on Adam and its relatives."""
