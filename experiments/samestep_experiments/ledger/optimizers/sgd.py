"""Entries on SGD, and on what a training loop does to gradients before it."""

from __future__ import annotations

import functools

from samestep.ledger.formula import maximum, relu, sqrt, stack
from samestep.ledger.optimizer_entry import OptimizerEntry
from samestep.ledger.tape import Term
from samestep_experiments.ledger.optimizers.courses import (
    COURSE,
    SOMETIMES_UNUSED,
    UNUSED_LATER,
)
from samestep_experiments.ledger.optimizers.rules import SGD, Gradients
from samestep_experiments.ledger.optimizers.schedules import tenth_from_20

__all__ = ["SGDS"]

_sgd = functools.partial(SGD, learning_rate=0.1)
_entry = functools.partial(OptimizerEntry, family="sgd", course=COURSE)


def clip_by_norm(gradients: Gradients, *, largest: float, eps: float) -> Gradients:
    """Scale all gradients by ``min(1, largest / (norm + eps))``."""
    squares = [(g * g).sum(axis=tuple(range(1, len(g.shape)))) for g in gradients.values()]
    norm = sqrt(stack(squares).sum(axis=0))
    # The smaller of two is 1 minus what is left of their difference; a norm of 0 is not clipped.
    factor = 1 - relu(1 - largest / (norm + eps))
    return {
        name: factor.reshape(-1, *(1,) * (len(g.shape) - 1)) * g for name, g in gradients.items()
    }


def clip_by_value(gradients: Gradients, *, largest: float) -> Gradients:
    """Cut every element off at plus and minus ``largest``."""

    def cut(g: Term) -> Term:
        return maximum(-maximum(-g, -largest), -largest)

    return {name: cut(g) for name, g in gradients.items()}


SGDS = (
    _entry(
        id="sgd-plain",
        title="gradient descent",
        formula="p <- p - h g",
        latex=r"p \leftarrow p - h\,g",
        purpose="The step that all others vary.",
        rule=_sgd(),
    ),
    _entry(
        id="sgd-momentum",
        title="momentum",
        formula="v <- mu v + g;  p <- p - h v",
        latex=r"v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Averages gradients over about 1 / (1 - mu) steps.",
        rule=_sgd(momentum=0.9),
        remarks=(
            "The rate is outside of the velocity: when it changes in mid-run, the velocity does "
            "not have to be rescaled.",
        ),
    ),
    _entry(
        id="sgd-nesterov",
        title="Nesterov's momentum",
        formula="v <- mu v + g;  p <- p - h (g + mu v)",
        latex=r"v \leftarrow \mu v + g,\quad p \leftarrow p - h\,(g + \mu v)",
        purpose="Looks one step of momentum ahead.",
        rule=_sgd(momentum=0.9, nesterov=True),
    ),
    _entry(
        id="sgd-foreach",
        title="momentum, all parameters in one kernel",
        formula="as momentum",
        latex=r"v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="The same rule, computed for many tensors at a time.",
        rule=_sgd(momentum=0.9),
    ),
    _entry(
        id="sgd-fused",
        title="momentum, one kernel for the whole rule",
        formula="as momentum",
        latex=r"v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="The same rule, with fewer passes over memory.",
        rule=_sgd(momentum=0.9),
    ),
    _entry(
        id="sgd-dampening",
        title="momentum with dampening",
        formula="v <- g at first, then mu v + (1 - d) g;  p <- p - h v",
        latex=r"v \leftarrow \mu v + (1-d)\,g\ \ (\text{at first } g),\quad p \leftarrow p - h\,v",
        purpose="With d = mu the velocity is an average of gradients.",
        rule=_sgd(momentum=0.9, dampening=0.9),
        instead=_sgd(momentum=0.9, dampening=0.9, dampen_first=True),
        conversion="scale gradients by 1 - d from the second step on",
        remarks=(
            "The first velocity is the first gradient, undampened. Scaling every gradient, or an "
            "exponential average, dampens that one too, and the whole path is another.",
            "Together with Nesterov's momentum it is refused.",
        ),
    ),
    _entry(
        id="sgd-decay",
        title="weight decay",
        formula="g <- g + k p;  p <- p - h g",
        latex=r"g \leftarrow g + k\,p,\quad p \leftarrow p - h\,g",
        purpose="The gradient of k/2 |p|^2 is added; without momentum coupled and decoupled decay "
        "are one.",
        rule=_sgd(weight_decay=0.1),
        conversion="add decayed weights first",
    ),
    _entry(
        id="sgd-decay-momentum",
        title="weight decay, coupled, with momentum",
        formula="g <- g + k p;  v <- mu v + g;  p <- p - h v",
        latex=r"g \leftarrow g + k\,p,\quad v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Decay goes through the velocity.",
        rule=_sgd(momentum=0.9, weight_decay=0.1),
        instead=_sgd(momentum=0.9, weight_decay=0.1, decoupled=True),
        conversion="add decayed weights before momentum",
        remarks=("Added after momentum it is decoupled decay.",),
    ),
    _entry(
        id="sgd-decay-nesterov",
        title="weight decay, coupled, with Nesterov's momentum",
        formula="g <- g + k p;  v <- mu v + g;  p <- p - h (g + mu v)",
        latex=r"g \leftarrow g + k\,p,\quad v \leftarrow \mu v + g,\quad "
        r"p \leftarrow p - h\,(g + \mu v)",
        purpose="Decay goes through velocity and look-ahead.",
        rule=_sgd(momentum=0.9, nesterov=True, weight_decay=0.1),
        conversion="add decayed weights before momentum",
    ),
    _entry(
        id="sgd-decay-decoupled",
        title="weight decay, decoupled (SGDW)",
        formula="p <- (1 - h k) p;  v <- mu v + g;  p <- p - h v",
        latex=r"p \leftarrow (1 - h k)\,p,\quad v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Decay does not go through the velocity (Loshchilov and Hutter, 2019).",
        rule=_sgd(momentum=0.9, weight_decay=0.1, decoupled=True),
        conversion="shrink the parameters by hand before the step",
    ),
    _entry(
        id="sgd-decay-some",
        title="weight decay of some parameters",
        formula="g <- g + k p for weights, not for biases;  v <- mu v + g;  p <- p - h v",
        latex=r"g_w \leftarrow g_w + k\,w,\quad v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Biases and normalisation scales are usually left out.",
        rule=_sgd(momentum=0.9, weight_decay=0.1, decayed=("w",)),
        instead=_sgd(momentum=0.9, weight_decay=0.1),
        conversion="parameter groups are a mask",
    ),
    _entry(
        id="sgd-clip-norm",
        title="clipping by the global norm",
        formula="g <- g min(1, c / (|g| + 1e-6));  p <- p - h g",
        latex=r"g \leftarrow g\,\min\!\left(1, \frac{c}{\lVert g\rVert + 10^{-6}}\right)",
        purpose="Bounds the length of a step, keeps its direction.",
        rule=_sgd(clip=functools.partial(clip_by_norm, largest=1.0, eps=1e-6)),
        instead=_sgd(clip=functools.partial(clip_by_norm, largest=1.0, eps=0.0)),
        conversion="write the 1e-6 into the clip",
        remarks=(
            "The 1e-6 makes clipped gradients shorter, by 1e-6 / |g| of their length, and also "
            "some that are just shorter than c. In float32 that is more than rounding as long as "
            "|g| is below about 10.",
        ),
    ),
    _entry(
        id="sgd-clip-value",
        title="clipping by value",
        formula="g <- min(max(g, -c), c);  p <- p - h g",
        latex=r"g \leftarrow \min(\max(g, -c), c)",
        purpose="Bounds every element; changes the direction.",
        rule=_sgd(clip=functools.partial(clip_by_value, largest=0.5)),
        conversion="clip first",
    ),
    _entry(
        id="sgd-maximize",
        title="ascent",
        formula="g <- -g;  v <- mu v + g;  p <- p - h v",
        latex=r"g \leftarrow -g,\quad v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Maximises the loss.",
        rule=_sgd(momentum=0.9, maximize=True),
        conversion="scale gradients by -1",
    ),
    _entry(
        id="sgd-maximize-decay",
        title="ascent with weight decay",
        formula="g <- -g + k p;  v <- mu v + g;  p <- p - h v",
        latex=r"g \leftarrow -g + k\,p,\quad v \leftarrow \mu v + g,\quad p \leftarrow p - h\,v",
        purpose="Maximises the loss; parameters still decay.",
        rule=_sgd(momentum=0.9, weight_decay=0.1, maximize=True),
        conversion="scale gradients by -1 before decay",
        remarks=("A negative rate turns decay into growth.",),
    ),
    _entry(
        id="sgd-together",
        title="clipping by value, ascent, decay and Nesterov's momentum together",
        formula="g <- -clip(g) + k p;  v <- mu v + g;  p <- p - h (g + mu v)",
        latex=r"g \leftarrow -\operatorname{clip}(g) + k\,p,\quad v \leftarrow \mu v + g,\quad "
        r"p \leftarrow p - h\,(g + \mu v)",
        purpose="The order in which options are applied.",
        rule=_sgd(
            momentum=0.9,
            nesterov=True,
            weight_decay=0.1,
            maximize=True,
            clip=functools.partial(clip_by_value, largest=0.5),
        ),
        conversion="chain in this order: clip, sign, decay, momentum, rate",
    ),
    _entry(
        id="sgd-rate-change",
        title="a rate that is changed in mid-run",
        formula="v <- mu v + g;  p <- p - h_k v",
        latex=r"v \leftarrow \mu v + g,\quad p \leftarrow p - h_k\,v",
        purpose="The rate is lowered by hand before step 20.",
        rule=_sgd(momentum=0.9, learning_rate=tenth_from_20),
        instead=_sgd(momentum=0.9),
        conversion="make the rate part of the state",
    ),
    _entry(
        id="sgd-unused-none",
        title="parameters that a loss does not use, left alone",
        formula="no change of p and v in a step that does not use p",
        latex=r"p, v \text{ unchanged where } p \text{ is unused}",
        purpose="A gradient that does not exist is not a gradient of zero.",
        rule=_sgd(momentum=0.9, weight_decay=0.1, skip_unused=True),
        instead=_sgd(momentum=0.9, weight_decay=0.1),
        course=SOMETIMES_UNUSED,
        conversion="an optimizer for each parameter, that works where it is used",
        remarks=(
            "A gradient of zero lets velocity and decay move the parameter. Which of the two "
            "happens depends on how gradients are cleared: set to None they are left out of the "
            "step.",
            "A chain that is given None instead of zero forgets that parameter's velocity, and "
            "fails at its next gradient.",
        ),
    ),
    _entry(
        id="sgd-unused-zero",
        title="parameters that a loss does not use, with a gradient of zero",
        formula="g = 0 in a step that does not use p",
        latex=r"g = 0 \text{ where } p \text{ is unused}",
        purpose="Velocity and decay go on.",
        rule=_sgd(momentum=0.9, weight_decay=0.1),
        course=UNUSED_LATER,
        conversion="clear gradients to zero, not to None",
        remarks=("Before its first use a parameter has no gradient yet, and is left alone.",),
    ),
    _entry(
        id="sgd-frozen",
        title="parameters that are not trained",
        formula="p <- p for some",
        latex=r"w \leftarrow w",
        purpose="Fine-tuning of a part.",
        rule=_sgd(momentum=0.9, weight_decay=0.1, frozen=("w",)),
        conversion="give them an optimizer that does nothing",
        remarks=("A gradient of zero is not enough: weight decay goes on.",),
    ),
    _entry(
        id="sgd-coarse-velocity",
        title="momentum with a velocity in bfloat16",
        formula="u <- bf16(bf16(mu) v) + g;  p <- p - h u;  v <- bf16(u)",
        latex=r"u \leftarrow \mathrm{bf}(\mathrm{bf}(\mu)\,v) + g,\quad p \leftarrow p - h\,u,"
        r"\quad v \leftarrow \mathrm{bf}(u)",
        purpose="Halves the memory of the velocity.",
        rule=_sgd(momentum=0.8984375, coarse=2.0**-8),
        conversion="write the rule out",
        remarks=(
            "The momentum itself is rounded to bfloat16: 0.9 is 0.8984, and 0.999 is 1, so that "
            "such a velocity never decays.",
        ),
    ),
)
"""Entries on SGD."""
