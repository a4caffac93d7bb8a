"""Parameters that a loss does not depend on: their gradient, and what an optimizer makes of it."""

from __future__ import annotations

from typing import Any

from samestep.interface import Backend
from samestep.probes import Convention, Derivative, Probe, Value, gradient
from samestep_experiments.atlas.gradients.sources import AUTOGRAD_GRAD, JAX_GRAD, ZERO_GRAD

SKIPPED = "https://github.com/pytorch/pytorch/issues/83769"
"""Optimizers step over a gradient None, which changes momentum and weight decay."""


def both_gradients(backend: Backend) -> object:
    return gradient(backend, lambda xp, a, b: a * a, 3.0, 1.0)


def heavy_ball(mp: Any) -> Any:
    """Where p is after the gradients 1 and 0, with rate 1/10 and momentum 9/10."""
    p, velocity = mp.mpf(1), mp.mpf(0)
    for g in (1, 0):
        velocity = mp.mpf(9) / 10 * velocity + g
        p -= velocity / 10
    return p


def decayed(mp: Any) -> Any:
    """Where p is after the gradients 1 and 0, with rate 1/10 and coupled weight decay 1/2."""
    p = mp.mpf(1)
    for g in (1, 0):
        p -= (g + p / 2) / 10
    return p


def adam(mp: Any) -> Any:
    """Where p is after the gradients 1 and 0, with rate 1/10 and the decay factors 1/2 and 3/4."""
    p, m, v = mp.mpf(1), mp.mpf(0), mp.mpf(0)
    for t, g in enumerate((1, 0), start=1):
        m, v = (m + g) / 2, (3 * v + g * g) / 4
        unbiased = mp.sqrt(v / (1 - (mp.mpf(3) / 4) ** t))
        p -= m / (1 - mp.mpf(2) ** -t) / (unbiased + mp.mpf("1e-8")) / 10
    return p


PROBES = (
    Probe(
        id="unused-parameter",
        title="a parameter that the loss does not use",
        question="What is the gradient of a^2 with respect to (a, b) at (3, 1)?",
        truth=Derivative(lambda m, a, b: a * a, at=(3.0, 1.0), left=(6.0, 0.0), right=(6.0, 0.0)),
        why="backward fills the slots that it reaches, and that of b stays None. JAX returns a "
        "gradient for every argument, and that of an unused one is zero.",
        portable="Where code reads .grad, take None for zero, or ask torch.autograd.grad with "
        "materialize_grads=True.",
        cure=both_gradients,
        references=(ZERO_GRAD, AUTOGRAD_GRAD, JAX_GRAD),
    ),
    Probe(
        id="unused-argument",
        title="asking for the gradient of something unused",
        question="May one ask for the gradient of a^2 with respect to (a, b)?",
        truth=Derivative(lambda m, a, b: a * a, at=(3.0, 1.0), left=(6.0, 0.0), right=(6.0, 0.0)),
        why="torch.autograd.grad takes a tensor that was not used for a mistake, such as a "
        "detached branch, and raises unless allow_unused is set; then it returns None for it. "
        "JAX sees no difference between zero and unused.",
        portable="Pass materialize_grads=True, which implies allow_unused=True.",
        cure=both_gradients,
        references=(AUTOGRAD_GRAD, JAX_GRAD),
    ),
    Probe(
        id="unused-materialized",
        title="materialize_grads",
        question="Does materialize_grads=True make the gradient of an unused tensor zero?",
        truth=Derivative(lambda m, a, b: a * a, at=(3.0, 1.0), left=(6.0, 0.0), right=(6.0, 0.0)),
        why="It does: PyTorch fills in zeros where it would return None, which is what JAX "
        "always does.",
        portable="This is the portable form.",
        references=(AUTOGRAD_GRAD,),
    ),
    Probe(
        id="unused-momentum",
        title="momentum of a parameter that is no longer used",
        question="Where is p = 1 after the gradients 1 and 0, with rate 0.1 and momentum 0.9?",
        truth=Value(0.81, heavy_ball, remark="The heavy ball rolls on without a force."),
        why="zero_grad sets the slot to None, the second loss leaves it so, and the optimizer "
        "steps over the parameter: it stops dead, with its velocity kept for later. For Optax the "
        "gradient is zero, and the velocity moves the parameter on.",
        portable="Call zero_grad(set_to_none=False), or leave the parameter out of the optimizer.",
        references=(ZERO_GRAD, SKIPPED),
    ),
    Probe(
        id="unused-momentum-zeros",
        title="the same with set_to_none=False",
        question="Does zero_grad(set_to_none=False) let the momentum of an unused parameter act?",
        truth=Value(0.81, heavy_ball),
        why="With zeros in the slot the optimizer takes its step, with a gradient of zero. So the "
        "change of the default to None, in PyTorch 2.0, changed what is computed.",
        portable="This is the portable form.",
        references=(ZERO_GRAD, "https://github.com/pytorch/pytorch/pull/42754", SKIPPED),
    ),
    Probe(
        id="unused-weight-decay",
        title="weight decay of a parameter that is no longer used",
        question="Where is p = 1 after the gradients 1 and 0, with rate 0.1 and decay 0.5?",
        truth=Value(0.8075, decayed),
        why="A gradient None has PyTorch's optimizer skip the parameter with its decay; zeros have "
        "Optax decay it. In a model whose branches are used in turn the two regularise "
        "differently.",
        portable="Call zero_grad(set_to_none=False), or write the penalty into the loss.",
        references=(ZERO_GRAD, SKIPPED, "https://github.com/pytorch/pytorch/issues/150610"),
    ),
    Probe(
        id="unused-adam",
        title="Adam and a parameter that is no longer used",
        question="Where does Adam take p = 1 with the gradients 1 and 0, rate 0.1, "
        "decay factors 1/2 and 3/4?",
        truth=Value(0.8490824940560462, adam),
        why="In PyTorch the parameter is skipped, and so is its own count of steps, on which the "
        "bias correction depends. Optax counts steps for all parameters together, lets the "
        "moments decay, and moves on by the first one.",
        portable="Call zero_grad(set_to_none=False), or leave the parameter out of the optimizer.",
        references=(ZERO_GRAD, SKIPPED),
    ),
    Probe(
        id="frozen-weight-decay",
        title="weight decay of a frozen parameter",
        question="Does AdamW leave a parameter alone that was frozen, by requires_grad = False or "
        "by stop_gradient?",
        truth=Convention(
            "a frozen parameter stays",
            unmeasured="what freezing means is a wish of the user",
            expected=1.0,
        ),
        why="requires_grad = False leaves the gradient at None, and the optimizer skips it. "
        "stop_gradient makes it zero, which freezes nothing in the optimizer: decay, and momentum "
        "of before, still act.",
        portable="Leave the parameter out: optax.partition or optax.freeze; in PyTorch do not "
        "pass it to the optimizer.",
        references=(
            "https://github.com/google-deepmind/optax/issues/290",
            "https://github.com/google-deepmind/optax/pull/1274",
            ZERO_GRAD,
        ),
    ),
)
