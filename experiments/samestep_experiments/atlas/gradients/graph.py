"""The recorded graph against the pure function: its lifetime, its outputs, and what it sees."""

from __future__ import annotations

from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Convention, Derivative, Probe, gradient
from samestep_experiments.atlas.gradients.sources import (
    AUTOGRAD_GRAD,
    AUTOGRAD_NOTES,
    BACKWARD,
    CLIP_GRADIENT,
    JAX_GRAD,
    REGISTER_HOOK,
)


def truncated_step(backend: Backend) -> object:
    return gradient(backend, lambda xp, w: xp.square(w * 2.0), 2.0)


def summed_output(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.sum(x * x), [1.0])


def independent_loss(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: 0 * x + 1.0, 3.0)


def soft_count(backend: Backend) -> object:
    def accuracy(xp: TensorOps, x: Array) -> Array:
        return xp.mean(1 / (1 + xp.exp(-x)))

    return gradient(backend, accuracy, [1.0, -1.0])


def step(x: Any) -> int:
    return int(x > 0)


PROBES = (
    Probe(
        id="backward-twice",
        title="backward twice through one graph",
        question="What does the second backward through the graph of x^2 give at 3?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why="backward frees what the forward pass saved, here x, as soon as it has used it. The "
        "pullback that jax.vjp returns holds its residuals as long as it lives, and can be called "
        "again. A graph that saved nothing, as of x + 1, can be gone through twice in PyTorch.",
        portable="Add the losses and differentiate once; or retain_graph=True.",
        references=(
            BACKWARD,
            "https://docs.jax.dev/en/latest/301/index.html",
        ),
    ),
    Probe(
        id="retain-graph",
        title="retain_graph",
        question="Does retain_graph=True allow another pass through the graph of x^2 at 3?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why="It keeps the saved tensors, at the price of their memory. torch.autograd.grad returns "
        "the gradient of the second pass alone; backward would have added the two.",
        portable="This is the portable form.",
        references=(AUTOGRAD_GRAD, BACKWARD),
    ),
    Probe(
        id="carried-state",
        title="a state that is carried from step to step",
        question="A loop sets h = w h from h = 1, with the loss h^2 in each step: what is the "
        "gradient in the second one, at w = 2?",
        truth=Derivative(
            lambda m, w: (2 * w) ** 2,
            at=2.0,
            left=16.0,
            right=16.0,
            remark="With the state of the first step, h = 2, held fixed, which is backpropagation "
            "that is truncated after a step. Through both it is 4 w^3 = 32.",
        ),
        why="In PyTorch the state brings its history along, and the second backward runs into the "
        "graph of the first step, which is freed. In JAX the state enters each step as a plain "
        "value, so the derivative is truncated without a word.",
        portable="Write the truncation: h = h.detach(), or stop_gradient(h).",
        cure=truncated_step,
        references=(BACKWARD, AUTOGRAD_NOTES, JAX_GRAD),
    ),
    Probe(
        id="vector-output",
        title="the gradient of a vector",
        question="May one ask for the gradient of x^2 elementwise, for a vector x?",
        truth=Convention(
            "a vector has a Jacobian, not a gradient",
            unmeasured="there is no number to compare",
        ),
        why="Both refuse to guess. backward wants the vector to multiply the Jacobian with, "
        "jax.grad a scalar function.",
        portable="Sum it, if that is what is meant; or ask for the product with a vector.",
        references=(BACKWARD, JAX_GRAD),
    ),
    Probe(
        id="one-element-output",
        title="the gradient of an array with one element",
        question="What is the gradient of x^2, if it has the shape (1,), at x = 1?",
        truth=Derivative(lambda m, x: x * x, at=1.0, left=2.0, right=2.0),
        why="backward asks for one element, whatever the shape. jax.grad asks for the shape (): "
        "its documentation excludes (1,) by name.",
        portable="Sum, or reshape to ().",
        cure=summed_output,
        references=(BACKWARD, JAX_GRAD),
    ),
    Probe(
        id="vector-jacobian-product",
        title="the product of a vector with a Jacobian",
        question="What is v^T J for f(a, b) = (a b, a^2) at (1, 2), with v = (1, 10)?",
        truth=Derivative(
            lambda m, a, b: a * b + 10 * a * a, at=(1.0, 2.0), left=(22.0, 1.0), right=(22.0, 1.0)
        ),
        why="It is the gradient of v . f, and what reverse mode computes at bottom: grad_outputs "
        "of torch.autograd.grad and the argument of JAX's pullback are the same v.",
        portable="Both are portable for real numbers; of complex ones they differ by conjugation.",
        references=(AUTOGRAD_GRAD, "https://docs.jax.dev/en/latest/301/custom-jvp-vjp.html"),
    ),
    Probe(
        id="independent-loss",
        title="a loss that depends on nothing",
        question="What is the derivative of the constant 1 with respect to x?",
        truth=Derivative(lambda m, x: 0 * x + 1, at=3.0, left=0.0, right=0.0),
        why="A tensor that nothing was recorded for has no grad_fn, and backward raises: this "
        "catches losses that were detached by mistake. For JAX a constant is a function like any "
        "other, and its derivative is zero.",
        portable="Add 0 * x, or treat the case apart; in JAX test for gradients that are all zero.",
        cure=independent_loss,
        references=(AUTOGRAD_NOTES, JAX_GRAD),
    ),
    Probe(
        id="accuracy-as-loss",
        title="accuracy as a loss",
        question="What is the gradient of mean(x > 0) at x = (1, -1)?",
        truth=Derivative(
            lambda m, a, b: (step(a) + step(b)) / 2 + 0 * a,
            at=(1.0, -1.0),
            left=(0.0, 0.0),
            right=(0.0, 0.0),
        ),
        why="A comparison ends PyTorch's graph, and backward raises. JAX returns the derivative of "
        "a step function away from its jump, which is true and of no use: the training runs and "
        "learns nothing.",
        portable="Use a smooth surrogate, such as the logistic function.",
        cure=soft_count,
        references=(AUTOGRAD_NOTES, JAX_GRAD),
    ),
    Probe(
        id="gradient-hook",
        title="a hook that clips a gradient",
        question="x is used twice, each use has the gradient 0.8: what does a hook on x that clips "
        "at 1 make of it?",
        truth=Convention(
            "1: it clips the sum",
            unmeasured="a hook may return anything, it is no derivative",
            expected=1.0,
        ),
        why="A hook on a tensor runs when the gradient with respect to it is complete. The "
        "identity with a backward rule of its own, JAX's way, sees the sum over all uses of its "
        "output too, if it is applied once; applied at each use it would clip each.",
        portable="Clip returned gradients after differentiation; inside a model wrap a value once.",
        references=(REGISTER_HOOK, CLIP_GRADIENT),
    ),
)
