"""What one may differentiate with respect to: numbers, integers, dictionaries, which arguments."""

from __future__ import annotations

import math

from samestep.interface import Array, Backend
from samestep.probes import Convention, Derivative, Probe, gradient
from samestep_experiments.atlas.gradients.sources import (
    AUTOGRAD_GRAD,
    AUTOGRAD_NOTES,
    BACKWARD,
    IS_LEAF,
    JAX_GRAD,
)


def of_a_float(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x * x, 3.0)


def framework_exp(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: x * xp.exp(x), 1.0)


def both_arguments(backend: Backend) -> object:
    return gradient(backend, lambda xp, a, b: a * b, 2.0, 3.0)


def with_auxiliary(backend: Backend) -> object:
    def loss(params: dict[str, Array]) -> tuple[Array, Array]:
        prediction = 2.0 * params["x"]
        return prediction * prediction, prediction

    point = {"x": backend.asarray(3.0)}
    (_, prediction), grads = backend.value_and_grad(loss, has_aux=True)(point)
    return {"prediction": prediction, "gradient": grads["x"]}


PROBES = (
    Probe(
        id="python-float",
        title="the derivative with respect to a Python float",
        question="What is the derivative of x * x, for the Python float x = 3.0?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why="jax.grad turns arguments into arrays of its own, and a float is as good as an array. "
        "torch.func.grad has the same form, but what it differentiates by must be a tensor.",
        portable="Make an array first.",
        cure=of_a_float,
        references=(JAX_GRAD, AUTOGRAD_NOTES),
    ),
    Probe(
        id="unmarked-input",
        title="an input that was not marked",
        question="What is the derivative of x^2 at 3, if nobody said that x would be "
        "differentiated by?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why="PyTorch records only what depends on a tensor with requires_grad=True, which is off "
        "for tensors, and on for torch.nn.Parameter. JAX is told afterwards, by argnums.",
        portable="Mark inputs in PyTorch, or use torch.func.grad, which has JAX's form.",
        cure=of_a_float,
        references=(AUTOGRAD_NOTES, IS_LEAF, JAX_GRAD),
    ),
    Probe(
        id="integer-input",
        title="the derivative with respect to an integer",
        question="What is the derivative of x^2 at the integer 3?",
        truth=Convention(
            "undefined: integers have no neighbours",
            unmeasured="a difference quotient needs points nearby",
        ),
        why="Both refuse, and so catch a forgotten decimal point. JAX says that allow_int=True "
        "would help, which returns no number either: see the probe integer-beside-real.",
        portable="Write 3.0.",
        references=(JAX_GRAD, AUTOGRAD_NOTES),
    ),
    Probe(
        id="integer-beside-real",
        title="an integer beside a real number",
        question="In x * n, what is given as the derivative with respect to the integer n?",
        truth=Convention(
            "nothing: an integer has no tangent space",
            unmeasured="a difference quotient needs points nearby",
        ),
        why="PyTorch leaves the slot of an integer tensor at None. JAX, with allow_int=True, "
        "returns an array of the dtype float0, which stands for the vector space with nothing in "
        "it but zero; arithmetic with it fails.",
        portable="Keep integers out of the parameters: a closure, or another argument.",
        references=(
            JAX_GRAD,
            "https://docs.jax.dev/en/latest/_autosummary/jax.value_and_grad.html",
        ),
    ),
    Probe(
        id="python-math",
        title="Python's math on an array",
        question="What is the derivative of x * math.exp(x) at 1?",
        truth=Derivative(lambda m, x: x * m.exp(x), at=1.0, left=2 * math.e, right=2 * math.e),
        why="math.exp converts its argument to a Python float. PyTorch lets it, with a warning, "
        "and takes the factor for a constant: what comes out, exp(1), is half of the derivative. "
        "JAX's tracer refuses to become a float.",
        portable="Use the framework's exp.",
        cure=framework_exp,
        references=(
            "https://github.com/pytorch/pytorch/pull/143261",
            "https://docs.jax.dev/en/latest/errors.html",
        ),
    ),
    Probe(
        id="which-arguments",
        title="which arguments are differentiated by",
        question="Of the function a * b at (2, 3), which derivatives come by default?",
        truth=Convention(
            "the gradient has both, (3, 2)",
            unmeasured="which arguments are meant is a choice of the interface",
        ),
        why="backward computes the gradients of all leaves that require them. jax.grad, and "
        "torch.func.grad, differentiate by the first argument only, unless argnums says more.",
        portable="Put all parameters into one dictionary, the first argument.",
        cure=both_arguments,
        references=(JAX_GRAD, BACKWARD),
    ),
    Probe(
        id="auxiliary-output",
        title="a loss that is returned with the prediction",
        question="What is the derivative of (2 x)^2 at 3, of a function that returns the "
        "prediction 2 x as well?",
        truth=Derivative(lambda m, x: (2 * x) ** 2, at=3.0, left=24.0, right=24.0),
        why="backward is called on the loss, whatever else was returned. jax.grad differentiates "
        "what the function returns, and a pair is no scalar; has_aux=True says that its first "
        "part is meant.",
        portable="has_aux=True, which torch.func.grad_and_value has too.",
        cure=with_auxiliary,
        references=(JAX_GRAD, BACKWARD),
    ),
    Probe(
        id="dictionary-of-parameters",
        title="the gradient with respect to a dictionary",
        question="What is the gradient of w x + b at x = 2 with respect to a dictionary of w and "
        "b?",
        truth=Convention(
            "a dictionary of the same form, with w: 2 and b: 1",
            unmeasured="how gradients are labelled is a choice of the interface",
            expected={"w": 2.0, "b": 1.0},
        ),
        why="jax.grad returns a tree like the argument. torch.func.grad, which took its form from "
        "JAX, does too; torch.autograd.grad wants a flat sequence.",
        portable="A flat dictionary of arrays, as first argument.",
        references=(JAX_GRAD, AUTOGRAD_GRAD),
    ),
)
