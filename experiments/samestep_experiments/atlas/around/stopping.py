"""Keeping gradients out: stop_gradient, detach, no_grad and inference_mode."""

from __future__ import annotations

from samestep.interface import Backend
from samestep.probes import Convention, Derivative, Probe, gradient

NO_GRAD = (
    "https://docs.pytorch.org/docs/stable/notes/autograd.html"
    "#locally-disabling-gradient-computation"
)
STOP_GRADIENT = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.stop_gradient.html"


def constant_weight(backend: Backend) -> object:
    return gradient(backend, lambda xp, w: w * 4.0, 3.0)


PROBES = (
    Probe(
        id="stopped-factor",
        title="a factor that is held fixed",
        question="What is the derivative of x times a stopped x at 3?",
        truth=Derivative(
            lambda m, x: 3 * x,
            at=3.0,
            left=3.0,
            right=3.0,
            remark="The stopped factor is the number 3.",
        ),
        why="detach and stop_gradient are the same thing here: the identity, with the derivative "
        "zero.",
        portable="detach and stop_gradient are portable.",
        references=(STOP_GRADIENT, NO_GRAD),
    ),
    Probe(
        id="stopped-loss",
        title="a loss that is stopped as a whole",
        question="What is the derivative of a loss that was computed under no_grad, or stopped?",
        truth=Derivative(lambda m, x: 0 * x + 9, at=3.0, left=0.0, right=0.0),
        why="Nothing was recorded under no_grad, and backward raises, which shows the mistake. "
        "stop_gradient is a function with the derivative zero, and zero is what JAX returns.",
        portable="Stop parts of a loss, never all of it; in JAX test for gradients that are zero.",
        references=(NO_GRAD, STOP_GRADIENT),
    ),
    Probe(
        id="no-grad-in-forward-mode",
        title="no_grad in forward mode",
        question="y = x^2 is computed under no_grad, or stopped: what is the derivative of x y at "
        "3, in reverse and in forward mode?",
        truth=Derivative(
            lambda m, x: 9 * x,
            at=3.0,
            left=9.0,
            right=9.0,
            remark="With y, the number 9, held fixed.",
        ),
        why="no_grad switches off the recording that reverse mode needs. Forward mode records "
        "nothing: it carries tangents along, also under no_grad, and differentiates y as well, "
        "3 x^2 = 27. So PyTorch's two modes contradict each other; stop_gradient stops both.",
        portable="Use detach, which stops both modes, instead of no_grad.",
        references=(
            NO_GRAD,
            "https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html",
            STOP_GRADIENT,
        ),
    ),
    Probe(
        id="detached-forward-mode",
        title="detach in forward mode",
        question="y = x^2 is detached, or stopped: what is the derivative of x y at 3, in forward "
        "mode?",
        truth=Derivative(lambda m, x: 9 * x, at=3.0, left=9.0, right=9.0),
        why="A detached tensor has neither a history nor a tangent, unlike one that was computed "
        "under no_grad.",
        portable="This is the portable form.",
        references=(NO_GRAD, STOP_GRADIENT),
    ),
    Probe(
        id="inference-result",
        title="a result of inference_mode in a later loss",
        question="c = 4 was computed in inference_mode; what is the derivative of w c?",
        truth=Derivative(lambda m, w: 4 * w, at=3.0, left=4.0, right=4.0),
        why="Tensors of inference_mode have no count of versions, so autograd refuses to save "
        "them, even as constants; those of no_grad it takes. JAX has no such modes: what is not "
        "differentiated is a constant.",
        portable="no_grad, where a result enters a loss later; or clone() it.",
        cure=constant_weight,
        references=(
            "https://github.com/pytorch/pytorch/pull/161164",
            "https://github.com/pytorch/pytorch/pull/53343",
        ),
    ),
    Probe(
        id="detached-alias",
        title="a detached tensor that is changed",
        question="What is x after d = x without its gradient, and d is set to zero?",
        truth=Convention(
            "x, unless d shares its memory",
            unmeasured="whether memory is shared is a choice of the interface",
        ),
        why="detach returns a view of the same memory, so a target or a copy of a parameter that "
        "is made with it changes when the parameter does. Arrays of JAX cannot change.",
        portable="x.detach().clone() in PyTorch.",
        references=(
            NO_GRAD,
            "https://github.com/jax-ml/jax/issues/226",
        ),
    ),
)
