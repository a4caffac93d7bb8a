"""Gradients that are kept in a slot of the parameter, against gradients that are returned."""

from __future__ import annotations

from samestep.interface import Backend
from samestep.probes import Derivative, Probe, gradient
from samestep_experiments.atlas.gradients.sources import (
    AUTOGRAD_NOTES,
    BACKWARD,
    IS_LEAF,
    JAX_GRAD,
    RETAIN_GRAD,
    ZERO_GRAD,
)


def differentiated_twice(backend: Backend) -> object:
    gradient(backend, lambda xp, x: x * x, 3.0)
    return gradient(backend, lambda xp, x: x * x, 3.0)


def later_loss(backend: Backend) -> object:
    gradient(backend, lambda xp, p: p * p, 3.0)
    return gradient(backend, lambda xp, p: 0 * p, 3.0)


def scaled_at_the_start(backend: Backend) -> object:
    return gradient(backend, lambda xp, w: xp.sum(w), [0.1, 0.1])


def tied_by_one_name(backend: Backend) -> object:
    return gradient(backend, lambda xp, w: w * w, 3.0)


PROBES = (
    Probe(
        id="second-gradient",
        title="the same gradient a second time",
        question="What is the derivative of x^2 at 3, when it is asked for a second time?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why="backward adds to the slot .grad, which holds the sum of all calls since it was last "
        "cleared: this is made for batches that are summed up piece by piece. jax.grad is a "
        "function of its arguments alone, and accumulation is a sum that the user writes.",
        portable="Clear the slots before each backward, or use torch.autograd.grad, which returns "
        "gradients and accumulates nothing.",
        cure=differentiated_twice,
        references=(BACKWARD, JAX_GRAD),
    ),
    Probe(
        id="stale-gradient",
        title="the gradient of a loss of before",
        question="What is the gradient of a parameter that only an earlier loss depended on?",
        truth=Derivative(lambda m, p: 0 * p, at=3.0, left=0.0, right=0.0),
        why="The second backward does not touch the slot of a parameter that it does not reach, so "
        "the gradient of the first loss is still there, and an optimizer would take it for the "
        "current one. A returned gradient cannot be stale.",
        portable="Call zero_grad at the start of every step, not only where a loss is used.",
        cure=later_loss,
        references=(BACKWARD, ZERO_GRAD),
    ),
    Probe(
        id="gradient-of-an-intermediate",
        title="the gradient of an intermediate result",
        question="With y = x^2 and the loss y^2 at x = 2, what does one get for dL/dy?",
        truth=Derivative(lambda m, y: y * y, at=4.0, left=8.0, right=8.0),
        why="PyTorch keeps gradients of leaves only, and .grad of an intermediate result is None, "
        "with a warning. JAX has no slots: one differentiates with respect to a zero that is "
        "added to the intermediate result.",
        portable="Split the function at y and differentiate the second part, or call "
        "y.retain_grad() in PyTorch.",
        references=(
            IS_LEAF,
            "https://docs.pytorch.org/tutorials/beginner/"
            "understanding_leaf_vs_nonleaf_tutorial.html",
        ),
    ),
    Probe(
        id="retained-gradient",
        title="retain_grad",
        question="With y = x^2 and the loss y^2 at x = 2, is dL/dy there after y.retain_grad()?",
        truth=Derivative(lambda m, y: y * y, at=4.0, left=8.0, right=8.0),
        why="retain_grad has backward fill the slot of an intermediate result too. It must be "
        "called before backward. Adding a zero, as in JAX, is the same derivative.",
        portable="Split the function at y and differentiate the second part.",
        references=(RETAIN_GRAD, IS_LEAF),
    ),
    Probe(
        id="scaled-parameter",
        title="a parameter that is scaled when it is made",
        question="What is the gradient of sum(w), for w = 0.1 * ones that requires gradients?",
        truth=Derivative(lambda m, a, b: a + b, at=(0.1, 0.1), left=(1.0, 1.0), right=(1.0, 1.0)),
        why="In PyTorch ones(2, requires_grad=True) is the leaf, and w, its multiple, is an "
        "intermediate result, whose .grad stays None; nothing fails but the training. The same "
        "happens with .to(device). In JAX any array can be differentiated by.",
        portable="Make the values first and mark them last: (0.1 * torch.ones(2))"
        ".requires_grad_(), or torch.nn.Parameter.",
        cure=scaled_at_the_start,
        references=(
            IS_LEAF,
            "https://docs.pytorch.org/tutorials/beginner/"
            "understanding_leaf_vs_nonleaf_tutorial.html",
        ),
    ),
    Probe(
        id="tied-weights",
        title="one array under two names",
        question="What are the gradients of encoder * decoder, if both are the same number 3?",
        truth=Derivative(
            lambda m, w: w * w,
            at=3.0,
            left=6.0,
            right=6.0,
            remark="As a function of the one number that both names stand for.",
        ),
        why="PyTorch identifies a parameter by the object, so two names share one slot with the "
        "sum. A pytree is a tree of values: two leaves that hold the same array are two "
        "variables, each gets its part, and the first update unties them.",
        portable="Let the parameters have one entry, and use it twice in the model.",
        cure=tied_by_one_name,
        references=(
            "https://github.com/patrick-kidger/equinox/pull/476",
            "https://github.com/patrick-kidger/equinox/issues/598",
            AUTOGRAD_NOTES,
        ),
    ),
)
